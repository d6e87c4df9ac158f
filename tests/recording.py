"""Everything that a service said: for properties that hold of all bytes of a run."""

import base64
import re
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Receive, Scope, Send

# The segments of JWTs in a text: what they say is read too.
_SEGMENT = re.compile(rb"eyJ[A-Za-z0-9_-]{10,}")


@dataclass(frozen=True, slots=True)
class Said:
    """One answer: to which path, and all its bytes; and the address that was asked for."""

    method: str
    path: str
    address: bytes
    answer: bytes

    @property
    def everything(self) -> bytes:
        """The address, and the answer with what is encoded in it."""
        return self.address + b"\n" + with_decoded(self.answer)


@dataclass(slots=True)
class Recording:
    """An ASGI application that keeps what another one answers, under the name of that one."""

    app: ASGIApp
    said: list[Said] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        parts: list[bytes] = []

        async def send_and_keep(message: Message) -> None:
            if message["type"] == "http.response.start":
                parts.extend(name + b": " + value for name, value in message["headers"])
            parts.append(message.get("body", b""))
            await send(message)

        await self.app(scope, receive, send_and_keep)
        address = scope["raw_path"] + b"?" + scope["query_string"]
        self.said.append(Said(scope["method"], scope["path"], address, b"\n".join(parts)))

    def where(self, *needles: str) -> set[str]:
        """The methods and paths of the answers in which one of these texts stands."""
        wanted = [needle.encode() for needle in needles]
        return {
            f"{each.method} {each.path}"
            for each in self.said
            if any(needle in each.everything for needle in wanted)
        }


def with_decoded(content: bytes) -> bytes:
    """The bytes, and behind them what each segment of a JWT in them says."""
    return b"\n".join([content, *(_decoded(each) for each in _SEGMENT.findall(content))])


def _decoded(segment: bytes) -> bytes:
    try:
        return base64.urlsafe_b64decode(segment + b"==")
    except ValueError:
        return b""
