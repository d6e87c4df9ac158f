"""The acts of the support desk, and which roles may do each: one table, `RULES`."""

from dataclasses import dataclass
from typing import Final, Literal

Role = Literal["agent", "registrar", "supervisor", "auditor", "operator"]
ROLES: Final[tuple[Role, ...]] = ("agent", "registrar", "supervisor", "auditor", "operator")

Act = Literal[
    "find",
    "see-person",
    "show-number",
    "suspend",
    "unlink",
    "unlink-last",
    "resume",
    "block-all",
    "begin-return",
    "check-identity",
    "issue-code",
    "match-identity",
    "reinstate",
    "change-address",
    "merge",
    "approve",
    "see-desk",
    "see-audit",
    "see-clients",
    "change-clients",
    "see-keys",
    "rotate-keys",
    "see-health",
    "retry-notices",
    "see-requests",
    "decide-requests",
]


@dataclass(frozen=True, slots=True)
class RoleRule:
    """The roles that may do an act, and what the act needs.

    `fresh`: an assertion of the agent's own device at that moment; `about_person`: a reason;
    `second`: another member of staff who approves.
    """

    roles: frozenset[Role]
    about_person: bool = True
    fresh: bool = False
    second: bool = False


def _rule(
    *roles: Role, about_person: bool = True, fresh: bool = False, second: bool = False
) -> RoleRule:
    return RoleRule(frozenset(roles), about_person, fresh, second)


RULES: Final[dict[Act, RoleRule]] = {
    "find": _rule("agent", "registrar", "supervisor"),
    "see-person": _rule("agent", "registrar", "supervisor"),
    "show-number": _rule("agent", "registrar", "supervisor"),
    "suspend": _rule("agent", "supervisor", fresh=True),
    "block-all": _rule("agent", "supervisor", fresh=True),
    "unlink": _rule("agent", "supervisor", fresh=True),
    "resume": _rule("agent", "supervisor", fresh=True),
    "begin-return": _rule("agent", "supervisor", fresh=True),
    "unlink-last": _rule("agent", "supervisor", fresh=True, second=True),
    "reinstate": _rule("supervisor", fresh=True, second=True),
    # Changes nothing: what follows is confirmed with the registrar's device.
    "check-identity": _rule("registrar"),
    "issue-code": _rule("registrar", fresh=True),
    "match-identity": _rule("registrar", fresh=True),
    "change-address": _rule("registrar", "supervisor", fresh=True, second=True),
    "merge": _rule("supervisor", fresh=True, second=True),
    "approve": _rule("supervisor", fresh=True),
    "see-desk": _rule("supervisor", about_person=False),
    "see-audit": _rule("auditor", about_person=False),
    "see-clients": _rule("operator", about_person=False),
    "change-clients": _rule("operator", about_person=False, fresh=True),
    "see-keys": _rule("operator", about_person=False),
    "rotate-keys": _rule("operator", about_person=False, fresh=True),
    "see-health": _rule("operator", about_person=False),
    "retry-notices": _rule("operator", about_person=False),
    # Requests of operators that two must agree to (table `operator_requests`).
    "see-requests": _rule("operator", "supervisor", about_person=False),
    "decide-requests": _rule("operator", "supervisor", about_person=False, fresh=True),
}


def may(roles: frozenset[Role], act: Act) -> bool:
    """Whether one of these roles may do the act at all."""
    return bool(roles & RULES[act].roles)
