"""The members of a request's JSON body: their kinds, their limits, and how they are read."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal
from uuid import UUID

from authn.people.ssin import contains_ssin, today_in_brussels
from authn.web.protocol import ProtocolError
from authn.web.request import Request

Kind = Literal["text", "id", "codes"]
MOST_CODES: Final = 50
LONGEST_CODE: Final = 100


@dataclass(frozen=True, slots=True)
class ApiMember:
    """A member of a body: text, an `id` (a UUID), or some `codes`.

    `free` text is written by somebody of the staff and kept: no national number may be in it.
    """

    name: str
    says: str
    kind: Kind = "text"
    longest: int = 500
    required: bool = False
    free: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        """The member as JSON Schema."""
        schema = dict(_SCHEMAS[self.kind], description=self.says)
        if self.kind == "text":
            schema |= {"maxLength": self.longest} | ({"minLength": 1} if self.required else {})
        return schema


_SCHEMAS: Final[Mapping[Kind, Mapping[str, Any]]] = {
    "text": {"type": "string"},
    "id": {"type": "string", "format": "uuid"},
    "codes": {
        "type": "array",
        "items": {"type": "string", "maxLength": LONGEST_CODE},
        "maxItems": MOST_CODES,
        "uniqueItems": True,
    },
}


def read_members(request: Request, members: Iterable[ApiMember]) -> dict[str, Any]:
    """The values of the members that the body has, by name.

    Raises a `ProtocolError` that names the member, and never what was sent.
    """
    known = {each.name: each for each in members}
    sent = request.json
    if not sent.keys() <= known.keys():
        raise _invalid("The body has a member that this call does not know.")
    for each in known.values():
        if each.required and sent.get(each.name) in (None, ""):
            raise _invalid(f"The member {each.name} is needed.")
    return {name: _read(request, known[name], value) for name, value in sent.items()}


def _read(request: Request, member: ApiMember, value: Any) -> Any:
    read = _READERS[member.kind](member, value)
    if member.free and contains_ssin(value, today_in_brussels(request.now)):
        raise _invalid(f"The member {member.name} may hold no national number.")
    return read


def _text(member: ApiMember, value: Any) -> str:
    if not isinstance(value, str) or len(value) > member.longest:
        raise _invalid(f"The member {member.name} is text of at most {member.longest} characters.")
    if not all(each.isprintable() or each in "\r\n" for each in value):
        raise _invalid(f"The member {member.name} has a character that is not text.")
    return value.strip()


def _id(member: ApiMember, value: Any) -> UUID:
    try:
        read = UUID(value)
    except (AttributeError, TypeError, ValueError):
        read = None
    if read is None or str(read) != value:
        raise _invalid(f"The member {member.name} is a UUID.")
    return read


def _codes(member: ApiMember, value: Any) -> tuple[str, ...]:
    fits = (
        isinstance(value, list)
        and len(value) <= MOST_CODES
        and all(isinstance(each, str) and len(each) <= LONGEST_CODE for each in value)
        and len(set(value)) == len(value)
    )
    if not fits:
        raise _invalid(f"The member {member.name} is a list of codes, each once.")
    return tuple(value)


_READERS: Final[Mapping[Kind, Callable[[ApiMember, Any], Any]]] = {
    "text": _text,
    "id": _id,
    "codes": _codes,
}


def _invalid(description: str) -> ProtocolError:
    return ProtocolError("invalid_request", description)
