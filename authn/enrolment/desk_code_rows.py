"""Finds codes of the desk by id, by person and by registrar."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Column, Connection, bindparam, delete, exists, select

from authn.db.metadata import UtcDateTime
from authn.db.transaction import must_write
from authn.enrolment.activation.codes import activation_codes
from authn.enrolment.desk_tables import DeskCode, desk_codes
from authn.errors import N_, NotFound

MOST_SHOWN: Final = 100
KEPT: Final = timedelta(days=90)
"""For how long an ended row is kept: longer than the link in a mail that cancels the code works."""

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
# The link in a mail must find the row for as long as the activation code can be used.
_FORGET = delete(desk_codes).where(
    desk_codes.c.expires_at < bindparam("before", type_=UtcDateTime),
    ~exists().where(
        activation_codes.c.id == desk_codes.c.code_id,
        activation_codes.c.expires_at >= bindparam("before", type_=UtcDateTime),
    ),
)


def find_desk_code(connection: Connection, desk_code_id: UUID) -> DeskCode:
    """The code of the desk with an id; raises `NotFound`."""
    row = connection.execute(_FIND, {"of_id": desk_code_id}).first()
    if row is None:
        raise NotFound("not_found", N_("The page you asked for does not exist."))
    return DeskCode(*row)


def find_desk_codes(connection: Connection, ids: Collection[UUID]) -> dict[UUID, DeskCode]:
    """The codes of the desk with these ids that still exist, by id."""
    found = connection.execute(_AMONG, {"ids": list(ids)})
    return {each.id: each for each in (DeskCode(*row) for row in found)}


def latest_desk_code(connection: Connection, person_id: UUID) -> DeskCode | None:
    """The latest code of the desk for a person, at any desk; None without."""
    row = connection.execute(_LATEST, {"of_person": person_id}).first()
    return DeskCode(*row) if row else None


def list_codes_of_registrar(
    connection: Connection, registrar_id: UUID, now: datetime
) -> list[DeskCode]:
    """The codes that a registrar asked for and that are not printed yet, the oldest first."""
    rows = connection.execute(_RUNNING, {"registrar": registrar_id, "after": now})
    return [DeskCode(*row) for row in rows]


def was_used(connection: Connection, desk_code: DeskCode) -> bool:
    """Whether the activation code that was printed last was used for a device."""
    return _code_is(connection, desk_code, activation_codes.c.used_at)


def was_withdrawn(connection: Connection, desk_code: DeskCode) -> bool:
    """Whether the activation code that was printed last was withdrawn."""
    return _code_is(connection, desk_code, activation_codes.c.withdrawn_at)


def find_identity_check(
    connection: Connection, person_id: UUID, registrar_id: UUID, since: datetime
) -> DeskCode | None:
    """The latest identity check of a person by a registrar since a moment; None without."""
    parameters = {"of_person": person_id, "registrar": registrar_id, "after": since}
    row = connection.execute(_CHECKED, parameters).first()
    return DeskCode(*row) if row else None


def forget_ended_desk_codes(connection: Connection, now: datetime) -> int:
    """How many rows that ended long ago were deleted; the audit log still has the events."""
    must_write(connection)
    return connection.execute(_FORGET, {"before": now - KEPT}).rowcount


def _code_is(connection: Connection, desk_code: DeskCode, ended: Column[datetime]) -> bool:
    if desk_code.code_id is None:
        return False
    statement = select(ended).where(activation_codes.c.id == desk_code.code_id)
    return connection.execute(statement).scalar_one() is not None
