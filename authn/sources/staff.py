"""Our own register of staff, as a source: at which desks of the help desk a person works.

It is asked in the transaction that uses the answer, and never outside: nobody but the operator says
who works here (`profiles.appointing`).
"""

from uuid import UUID

from sqlalchemy import Connection

from authn.sources.facts import DeskRoles
from authn.staff.staff import staff_by_desk


def desks_of(connection: Connection, person_id: UUID) -> tuple[DeskRoles, ...]:
    """Where this person works now, by desk; empty for whoever is no staff."""
    held = staff_by_desk(connection, person_id)
    return tuple(DeskRoles(desk, member.in_order) for desk, member in held.items())
