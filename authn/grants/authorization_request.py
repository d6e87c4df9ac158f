"""An authorization request that was checked and waits for its person.

OpenID Connect Core 1.0 §3.1.2.1
(https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from authn.grants.particulars import GrantDetails

ResponseMode = Literal["query", "form_post", "query.jwt", "form_post.jwt", "device"]
CameAs = Literal["pushed", "signed", "fapi2"]
PUSHED: Final = "pushed"
SIGNED: Final = "signed"
# Not a mode of the wire: the answer waits at the device code until it is asked for (RFC 8628).
DEVICE: Final = "device"
_TUPLES: Final = (
    "prompt",
    "acr_values",
    "essential_acr",
    "resource",
    "claims_id_token",
    "claims_userinfo",
    "essential_claims",
    "authorization_details",
    "withheld",
    "came_as",
)


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What a client asks, by the names of the specification; "" where it said nothing.

    `scope` is what it may get of what it asked. `request_id` is random (of a pushed request:
    derived from its `request_uri`) and spent by the answer, `arrived_at` is what fresh sign-ins are
    measured by (decisions 4.7). `subject_hint` is the `sub` of the `id_token_hint`, or of `claims`:
    the answer is about this person or nobody. Of `acr_values` one is wished, of `essential_acr` one
    is needed (Core §5.5.1.1). Of `claims` the names alone are kept; `essential_claims` are those
    that the client says it needs. `profile` is a hint at the capacity: a kind, or a `sub` of
    `may_act`. Nobody asks for `withheld`: it is what a resource does not get of a scope that stays
    (`Particulars`). `came_as` is how it came: by /par, as a request object, from a client that was
    under the FAPI profile then.
    """

    request_id: str
    client_id: str
    redirect_uri: str
    scope: str
    state: str
    nonce: str
    code_challenge: str
    response_mode: ResponseMode
    prompt: tuple[str, ...]
    max_age: int | None
    ui_locales: str
    subject_hint: str
    arrived_at: datetime
    acr_values: tuple[str, ...] = ()
    essential_acr: tuple[str, ...] = ()
    resource: tuple[str, ...] = ()
    claims_id_token: tuple[str, ...] = ()
    claims_userinfo: tuple[str, ...] = ()
    authorization_details: tuple[Mapping[str, Any], ...] = ()
    dpop_jkt: str = ""
    essential_claims: tuple[str, ...] = ()
    profile: str = ""
    withheld: tuple[str, ...] = ()
    came_as: tuple[CameAs, ...] = ()

    @property
    def particulars(self) -> GrantDetails:
        """What is asked besides the scope, as the grant keeps it."""
        return GrantDetails(
            self.resource,
            self.claims_id_token,
            self.claims_userinfo,
            self.authorization_details,
            self.withheld,
        )

    def pack(self) -> dict[str, Any]:
        """The request as JSON, for a signed token: what is empty is left out."""
        # Not `asdict`: what it copies, all the way down, is JSON already.
        content = {name: getattr(self, name) for name in self.__dataclass_fields__}
        content["arrived_at"] = self.arrived_at.isoformat()
        return {name: value for name, value in content.items() if value not in ("", (), None)}

    @classmethod
    def unpack(cls, content: Mapping[str, Any]) -> "AuthorizationRequest":
        """What `pack` gave, once its token was verified."""
        values = {name: content.get(name, "") for name in cls.__dataclass_fields__}
        values |= {name: tuple(content.get(name, ())) for name in _TUPLES}
        values |= {
            "max_age": content.get("max_age"),
            "arrived_at": datetime.fromisoformat(content["arrived_at"]),
        }
        return cls(**values)
