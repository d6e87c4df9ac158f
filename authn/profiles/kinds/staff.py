"""A member of staff of the help desk: somebody with roles at one of its desks.

It is for applications of the desk alone, to which the operator opens it: no application is for it
by itself. A role that ends, ends it at once; one that is added is in it from then on. What somebody
may do there, each use asks the register of staff itself.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from authn.errors import N_
from authn.profiles.kinds.kind import (
    PERSON_CLAIMS,
    Json,
    NameInClaims,
    ProfileClaim,
    ProfileKind,
    ProfileNames,
)
from authn.settings import Settings
from authn.sources.facts import DeskRoles

# What the roles are called, for those who have them.
ROLE_WORDS: Final[Mapping[str, str]] = {
    "agent": N_("Agent"),
    "registrar": N_("Registrar"),
    "supervisor": N_("Supervisor"),
    "auditor": N_("Auditor"),
    "operator": N_("Operator"),
}


def _key(fact: DeskRoles) -> tuple[str, ...]:
    # Not the roles: one that is added changes nothing of what was allowed.
    return (fact.desk,)


def _holds(fact: DeskRoles, settings: Settings, now: datetime) -> bool:
    return True


def _ends_at(fact: DeskRoles, settings: Settings) -> None:
    """No day ends a profile of staff: a dismissal does."""


def _names(fact: DeskRoles) -> ProfileNames:
    roles = tuple(ROLE_WORDS[each] for each in fact.roles)
    return ProfileNames(N_("At the help desk %(name)s"), fact.desk, roles)


def _staff(fact: DeskRoles, named: NameInClaims | None) -> Json:
    return {"staff": {"desk": fact.desk, "roles": list(fact.roles)}}


KIND: ProfileKind[DeskRoles] = ProfileKind(
    name="staff",
    question="staff",
    group=N_("At the help desk"),
    key=_key,
    holds=_holds,
    ends_at=_ends_at,
    names=_names,
    claims=(
        *PERSON_CLAIMS,
        ProfileClaim(
            "staff",
            "An object: `desk` is where they work, `roles` a list of what they are there: `agent`, "
            "`registrar`, `supervisor`, `auditor`, `operator`.",
            _staff,
        ),
    ),
)
