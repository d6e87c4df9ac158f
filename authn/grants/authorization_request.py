"""An authorization request that was checked and waits for its person; what a grant keeps of it.

OpenID Connect Core 1.0 §3.1.2.1
(https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, Literal

import orjson

from authn.clients.clients import Client

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
class GrantDetails:
    """What a person allowed besides scopes.

    `resources` are identifiers (RFC 8707). `claims_id_token` and `claims_userinfo` are names of
    claims that the parameter `claims` asked (Core §5.5). `authorization_details` are the objects of
    RFC 9396 §2, as they were granted. `withheld` are scopes that one of the resources does not get
    though another one does, or though it is there for another scope: `resource#scope`.
    """

    resources: tuple[str, ...] = ()
    claims_id_token: tuple[str, ...] = ()
    claims_userinfo: tuple[str, ...] = ()
    authorization_details: tuple[Mapping[str, Any], ...] = ()
    withheld: tuple[str, ...] = ()

    def pack(self) -> str:
        """The details as JSON, as they are stored; "" for no details, which is the usual case."""
        if self == NO_GRANT_DETAILS:
            return ""
        members = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return orjson.dumps({name: value for name, value in members.items() if value}).decode()


NO_GRANT_DETAILS = GrantDetails()


@lru_cache(maxsize=1024)
def unpack_grant_details(text: str) -> GrantDetails:
    """The details that `GrantDetails.pack` wrote. Cached by the text, so never out of date."""
    if not text:
        return NO_GRANT_DETAILS
    return GrantDetails(**{name: tuple(value) for name, value in orjson.loads(text).items()})


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """An authorization request by the names of the specification; "" for what was not sent.

    `scope` is what it may get of what it asked. `request_id` is random (of a pushed request:
    derived from its `request_uri`) and spent by the answer, `arrived_at` is what fresh sign-ins are
    measured by (decisions 4.7). `subject_hint` is the `sub` of the `id_token_hint`, or of `claims`:
    the answer is about this person or nobody. Of `acr_values` one is wished, of `essential_acr` one
    is needed (Core §5.5.1.1). Of `claims` the names alone are kept; `essential_claims` are those
    that the client says it needs. `profile` is a hint at the capacity: a kind, or a `sub` of
    `may_act`. Nobody asks for `withheld`: it is what a resource does not get of a scope that stays
    (`GrantDetails`). `came_as` is how it came: by /par, as a request object, from a client that was
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
    def grant_details(self) -> GrantDetails:
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
        """The request that `pack` wrote; its token must have been verified."""
        values = {name: content.get(name, "") for name in cls.__dataclass_fields__}
        values |= {name: tuple(content.get(name, ())) for name in _TUPLES}
        values |= {
            "max_age": content.get("max_age"),
            "arrived_at": datetime.fromisoformat(content["arrived_at"]),
        }
        return cls(**values)


# What each mode of the wire means for a code (JARM §2.3.4: `jwt` is the default of the flow).
RESPONSE_MODES: dict[str, ResponseMode] = {
    "query": "query",
    "form_post": "form_post",
    "jwt": "query.jwt",
    "query.jwt": "query.jwt",
    "form_post.jwt": "form_post.jwt",
}


def registered_response_modes(client: Client) -> tuple[ResponseMode, ...]:
    """The response modes that the client registered, in its order; () if it may use any."""
    registered = client.metadata.response_modes
    return tuple(RESPONSE_MODES[each] for each in registered if each in RESPONSE_MODES)
