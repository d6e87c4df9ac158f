"""Authorization details of type `desk_act`: one act by the desk's API, on exactly one target.

RFC 9396 §2 (https://www.rfc-editor.org/rfc/rfc9396#section-2), decisions 2.9. A member of staff
confirms it with their own device, and the API does it once. It names ids of ours and nothing else:
nobody learns from a request whom it is about.

Why in this room: the registry of types is here, below `login`, and an act needs no more to be
read than its names; what it means, and whether it is possible, `desk_api` knows.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, cast, get_args

from authn.staff.roles import Act

DESK_ACT_DETAIL: Final = "desk_act"
# What each act is on: the members beside `type`, `locations` and `act`, all of them needed.
MEMBERS: Final[Mapping[Act, tuple[str, ...]]] = {
    "suspend": ("person", "device"),
    "resume": ("person", "device"),
    "unlink": ("person", "device"),
    "block-all": ("person",),
    "begin-return": ("person",),
    "change-address": ("person", "address"),
    "merge": ("person", "merged"),
    "approve": ("approval",),
    "issue-code": ("person", "half", "way", "code"),
    "match-identity": ("person", "identity"),
}
ALL_MEMBERS: Final = frozenset({"locations", "act"}.union(*MEMBERS.values()))

# How somebody's code is let through who has or had a device.
Way = Literal["second", "wait"]
WAYS: Final[tuple[Way, ...]] = get_args(Way)
# A second half that goes to no address.
BY_LETTER: Final = "letter"
# What may be said by a word.
_WORDS: Final[Mapping[str, tuple[str, ...]]] = {"half": (BY_LETTER,), "way": WAYS}
_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# An address that is there has an id; one to be added has a mark (`notices.address_mark`).
_MARK: Final = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class ConsentDeskAct:
    """A desk act and its target; `on` has the ids by name, in the order of `MEMBERS`."""

    act: Act
    on: Mapping[str, str]

    @property
    def target(self) -> str:
        """The target as one text, to which a challenge is bound beside the act."""
        return " ".join(self.on.values())

    def detail(self, audience: str) -> dict[str, Any]:
        """The act as a client asks for it in `authorization_details`."""
        return {
            "type": DESK_ACT_DETAIL,
            "locations": [audience],
            "act": self.act,
            **self.on,
        }


def find_desk_act_fault(detail: Mapping[str, Any], audience: str) -> str | None:
    """The fault in a detail of type `desk_act` for the desk's API at this address; None for none.

    With "" for the address every detail has a fault.
    """
    if not audience or detail.get("locations") != [audience]:
        return "The location is not the desk's API, or the client may not act there."
    act = detail.get("act")
    if not isinstance(act, str) or act not in MEMBERS:
        return "The act is none that is confirmed by itself."
    needed = MEMBERS[cast(Act, act)]
    if detail.keys() != {"type", "locations", "act", *needed}:
        return f"A desk_act of this act has the members {', '.join(needed)}, and no other."
    if not all(_is_name(name, detail[name]) for name in needed):
        return "The target of a desk_act is named by ids and by the words that there are for it."
    return None


def find_desk_act(details: Iterable[Mapping[str, Any]]) -> ConsentDeskAct | None:
    """The act among details that were checked; None where there is none, or not one alone."""
    found = [each for each in details if each["type"] == DESK_ACT_DETAIL]
    if len(found) != 1:
        return None
    act = cast(Act, found[0]["act"])
    return ConsentDeskAct(act, {name: found[0][name] for name in MEMBERS[act]})


def _is_name(name: str, value: object) -> bool:
    if not isinstance(value, str):
        return False
    if name in _WORDS and value in _WORDS[name]:
        return True
    if name == "way":
        return False
    return bool(_ID.fullmatch(value) or (name == "address" and _MARK.fullmatch(value)))
