"""An authorization request that was checked and waits for its person.

OpenID Connect Core 1.0 §3.1.2.1
(https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

ResponseMode = Literal["query", "form_post"]


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What a client asks, by the names of the specification; "" where it said nothing.

    `scope` is what it may get of what it asked. `request_id` is random and spent by the answer,
    `arrived_at` is what fresh sign-ins are measured by (protocol 4.7). `subject_hint` is the `sub`
    of the `id_token_hint`: the answer is about this person or nobody.
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

    def pack(self) -> dict[str, Any]:
        """The request as JSON, for a signed token: what is empty is left out."""
        content = asdict(self) | {"arrived_at": self.arrived_at.isoformat()}
        return {name: value for name, value in content.items() if value not in ("", (), None)}

    @classmethod
    def unpack(cls, content: Mapping[str, Any]) -> "AuthorizationRequest":
        """What `pack` gave, once its token was verified."""
        values = {name: content.get(name, "") for name in cls.__dataclass_fields__}
        values |= {
            "prompt": tuple(content.get("prompt", ())),
            "max_age": content.get("max_age"),
            "arrived_at": datetime.fromisoformat(content["arrived_at"]),
        }
        return cls(**values)
