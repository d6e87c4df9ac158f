"""What a person allowed besides scopes: for which resources, which single claims, which details."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class GrantDetails:
    """`resources` are identifiers (RFC 8707). `claims_id_token` and `claims_userinfo` are names of
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
        """As it is stored; "" for nothing, which is nearly always so."""
        if self == NOTHING:
            return ""
        said = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return orjson.dumps({name: value for name, value in said.items() if value}).decode()


NOTHING = GrantDetails()


@lru_cache(maxsize=1024)
def unpack_particulars(text: str) -> GrantDetails:
    """What `pack` gave. Remembered by the text itself, so that it can never be out of date."""
    if not text:
        return NOTHING
    return GrantDetails(**{name: tuple(value) for name, value in orjson.loads(text).items()})
