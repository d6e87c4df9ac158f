"""Codes of the desk as they are kept: found by id, by person, by registrar."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Column, Connection, bindparam, delete, exists, select

from authn.db.metadata import UtcDateTime
from authn.db.transaction import must_write
from authn.enrolment.desk_tables import DeskCode, desk_codes
from authn.enrolment.tables import activation_codes
from authn.errors import N_, NotFound

MOST_SHOWN: Final = 100
KEPT: Final = timedelta(days=90)
"""How long what ended stays: longer than a link in a mail that would cancel it works."""

_FIND = select(desk_codes).where(desk_codes.c.id == bindparam("of_id"))
_AMONG = select(desk_codes).where(desk_codes.c.id.in_(bindparam("ids", expanding=True)))
_LATEST = (
    select(desk_codes)
    .where(desk_codes.c.person_id == bindparam("of_person"))
    .order_by(desk_codes.c.checked_at.desc(), desk_codes.c.id)
    .limit(1)
)
_RUNNING = (
    select(desk_codes)
    .where(
        desk_codes.c.registrar_id == bindparam("registrar"),
        desk_codes.c.state.in_(("asked", "waiting", "open")),
        desk_codes.c.expires_at > bindparam("after", type_=UtcDateTime),
    )
    .order_by(desk_codes.c.checked_at, desk_codes.c.id)
    .limit(MOST_SHOWN)
)
_CHECKED = (
    select(desk_codes)
    .where(
        desk_codes.c.person_id == bindparam("of_person"),
        desk_codes.c.registrar_id == bindparam("registrar"),
        desk_codes.c.checked_at > bindparam("after", type_=UtcDateTime),
    )
    .order_by(desk_codes.c.checked_at.desc(), desk_codes.c.id)
    .limit(1)
)
# A link in a mail cancels what it led to for as long as the code itself may be used.
_FORGET = delete(desk_codes).where(
    desk_codes.c.expires_at < bindparam("before", type_=UtcDateTime),
    ~exists().where(
        activation_codes.c.id == desk_codes.c.code_id,
        activation_codes.c.expires_at >= bindparam("before", type_=UtcDateTime),
    ),
)


def find_desk_code(connection: Connection, desk_code_id: UUID) -> DeskCode:
    """The row with this id; raises `NotFound`."""
    row = connection.execute(_FIND, {"of_id": desk_code_id}).first()
    if row is None:
        raise NotFound("not_found", N_("The page you asked for does not exist."))
    return DeskCode(*row)


def desk_codes_among(connection: Connection, ids: Collection[UUID]) -> dict[UUID, DeskCode]:
    """Those of these that are there still, by their id."""
    found = connection.execute(_AMONG, {"ids": list(ids)})
    return {each.id: each for each in (DeskCode(*row) for row in found)}


def latest_desk_code(connection: Connection, person_id: UUID) -> DeskCode | None:
    """What was begun last for this person, at whatever desk."""
    row = connection.execute(_LATEST, {"of_person": person_id}).first()
    return DeskCode(*row) if row else None


def codes_of_registrar(connection: Connection, registrar_id: UUID, now: datetime) -> list[DeskCode]:
    """What the registrar asked for and is not printed yet, the oldest first."""
    rows = connection.execute(_RUNNING, {"registrar": registrar_id, "after": now})
    return [DeskCode(*row) for row in rows]


def was_used(connection: Connection, desk_code: DeskCode) -> bool:
    """Whether the code that was printed last has led to a device."""
    return _code_is(connection, desk_code, activation_codes.c.used_at)


def was_withdrawn(connection: Connection, desk_code: DeskCode) -> bool:
    """Whether the code that was printed last leads nowhere, since a newer one does, or none."""
    return _code_is(connection, desk_code, activation_codes.c.withdrawn_at)


def find_check(
    connection: Connection, person_id: UUID, registrar_id: UUID, since: datetime
) -> DeskCode | None:
    """The last identity check of this person by this registrar, whatever came of it."""
    parameters = {"of_person": person_id, "registrar": registrar_id, "after": since}
    row = connection.execute(_CHECKED, parameters).first()
    return DeskCode(*row) if row else None


def forget_ended_desk_codes(connection: Connection, now: datetime) -> int:
    """How many that ended long ago were deleted; what they were is in the audit log."""
    must_write(connection)
    return connection.execute(_FORGET, {"before": now - KEPT}).rowcount


def _code_is(connection: Connection, desk_code: DeskCode, ended: Column[datetime]) -> bool:
    if desk_code.code_id is None:
        return False
    statement = select(ended).where(activation_codes.c.id == desk_code.code_id)
    return connection.execute(statement).scalar_one() is not None
