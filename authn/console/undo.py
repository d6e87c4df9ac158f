"""Undoing a block of the wrong device, within minutes, by the member of staff who did it.

Only what that act did is undone, and only while nothing else has happened to the person's devices
since: a block for a better reason stays.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, exists, or_, select

from authn.audit.events.desk_acts import DeskSuspensionUndone
from authn.console.act_rules import find_person_at_desk, guard_target, not_found_error
from authn.console.desk_sessions import Desk
from authn.console.recording import record_at_desk
from authn.db.metadata import UtcDateTime
from authn.db.occasion import Occasion
from authn.db.transaction import must_write
from authn.devices.devices import list_devices
from authn.devices.life import resume
from authn.devices.tables import Device, devices
from authn.enrolment.emergency import end_block_by_desk, find_latest_block
from authn.enrolment.recovery_tables import account_recoveries
from authn.errors import N_, Expired, Forbidden
from authn.people.persons import lock_person
from authn.secrets import Secrets, read_token, sign_token
from authn.settings import Settings
from authn.staff.roles import Act

UNDOABLE: Final[dict[Act, str]] = {"suspend": "desk", "block-all": "emergency"}
"""The acts that can be undone, with why each suspends a device."""

TOO_LATE: Final = N_("It is too late to take this back. Unblock the device instead.")
CHANGED: Final = N_(
    "Something else has happened since, so this cannot be taken back. Look at the devices again."
)

_SINCE = select(
    or_(
        exists().where(
            devices.c.person_id == bindparam("person_id"),
            devices.c.added_at > bindparam("at", type_=UtcDateTime),
        ),
        exists().where(
            account_recoveries.c.person_id == bindparam("person_id"),
            account_recoveries.c.began_at > bindparam("at", type_=UtcDateTime),
        ),
    )
)


@dataclass(frozen=True, slots=True)
class UndoableAct:
    """An act that a member of staff just did, as the page after the act shows it."""

    act: str
    person_id: UUID
    device_id: UUID | None
    at: datetime
    by: UUID

    def undoable_until(self, settings: Settings) -> datetime | None:
        """Until when the act can be undone; None if it cannot."""
        return self.at + settings.desk_undo if self.act in UNDOABLE else None


def sign_act_token(secrets: Secrets, settings: Settings, done: UndoableAct) -> str:
    """The act in a signed token, without personal data, valid for the lifetime of a session."""
    content: dict[str, Any] = {
        "act": done.act,
        "person": str(done.person_id),
        "device": str(done.device_id or ""),
        "at": done.at.isoformat(),
        "by": str(done.by),
    }
    return sign_token(secrets, "desk-done", content, done.at, settings.desk_lifetime)


def read_act_token(secrets: Secrets, token: str, now: datetime) -> UndoableAct:
    """The act in a token of `sign_act_token`; raises `InvalidRequest` or `Expired`."""
    content = read_token(secrets, "desk-done", token, now)
    return UndoableAct(
        act=content["act"],
        person_id=UUID(content["person"]),
        device_id=UUID(content["device"]) if content["device"] else None,
        at=datetime.fromisoformat(content["at"]),
        by=UUID(content["by"]),
    )


def undo_suspension(occasion: Occasion, desk: Desk, done: UndoableAct) -> list[Device]:
    """The devices that the act had suspended work again; returns them.

    Raises `NotFound` for another member of staff than who did the act, `Expired` after the window
    (`desk_undo`), and `Forbidden` when something else has happened since.
    """
    must_write(occasion.connection)  # now, not when a part of it is done
    until = done.undoable_until(occasion.settings)
    if until is None or done.by != desk.person_id:
        raise not_found_error()
    if until <= occasion.now:
        raise Expired("undo_too_late", TOO_LATE)
    lock_person(occasion.connection, done.person_id)
    _require_allowed(occasion, desk, done)
    blocked = _blocked_by(occasion, done)
    if not blocked or _has_changed_since(occasion, done):
        raise Forbidden("changed_since", CHANGED)
    for device in blocked:
        resume(occasion, device, "desk")
    if done.act == "block-all":
        end_block_by_desk(occasion.connection, done.person_id, done.at, occasion.now)
    event = DeskSuspensionUndone(**desk.event_fields(done.person_id), device_id=done.device_id)
    record_at_desk(occasion, desk, event)
    return blocked


def _require_allowed(occasion: Occasion, desk: Desk, done: UndoableAct) -> None:
    person = find_person_at_desk(occasion.connection, done.person_id)
    if person is None:
        raise not_found_error()
    act: Act = "suspend" if done.act == "suspend" else "block-all"
    if guard_target(occasion, desk, act, person):
        raise Forbidden("changed_since", CHANGED)  # of a colleague: two unblock it


def _blocked_by(occasion: Occasion, done: UndoableAct) -> list[Device]:
    """The devices that are suspended by exactly this act."""
    why = UNDOABLE["suspend" if done.act == "suspend" else "block-all"]
    return [
        device
        for device in list_devices(occasion.connection, done.person_id)
        if device.status == "suspended"
        and (device.suspended_why, device.suspended_at) == (why, done.at)
        and device.suspended_until is None
        and done.device_id in (None, device.id)
    ]


def _has_changed_since(occasion: Occasion, done: UndoableAct) -> bool:
    """Whether an emergency block, an account recovery or a new device came after the act."""
    block = find_latest_block(occasion.connection, done.person_id)
    own = done.act == "block-all"
    if block and (block.began_at > done.at or (block.began_at == done.at and not own)):
        return True
    parameters = {"person_id": done.person_id, "at": done.at}
    return bool(occasion.connection.execute(_SINCE, parameters).scalar_one())
