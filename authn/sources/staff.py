"""Our own register of staff, as a source: at which desks of the help desk a person works.

It is asked in the transaction that uses the answer, and never outside: nobody but the operator says
who works here (`profiles.appointing`).
"""

from uuid import UUID

from sqlalchemy import Connection

from authn.sources.facts import DeskRoles
from authn.staff.roles import ROLES
from authn.staff.staff import roles_by_desk


def desks_of(connection: Connection, person_id: UUID) -> tuple[DeskRoles, ...]:
    """Where this person works now, by desk; empty for whoever is no staff."""
    held = roles_by_desk(connection, person_id)
    return tuple(
        DeskRoles(desk, tuple(each for each in ROLES if each in held[desk]))
        for desk in sorted(held)
    )
