"""The wrong device was blocked: taken back within minutes, by who did it, as if it had not been.

Only what that one act did, and only while nothing else has happened to the person's devices since:
a door that was closed for a better reason is not opened by it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, exists, or_, select

from authn.audit.desk_events import DeskSuspensionUndone
from authn.console.desk_sessions import Desk
from authn.console.on_record import record_at_desk
from authn.console.targets import guard_target, nothing_here, seen_person
from authn.db.metadata import UtcDateTime
from authn.db.occasion import Occasion
from authn.db.transaction import must_write
from authn.devices.devices import devices_of
from authn.devices.life import resume
from authn.devices.tables import Device, devices
from authn.enrolment.emergency import end_block_by_desk, latest_block
from authn.enrolment.recovery_tables import returns
from authn.errors import N_, Expired, Forbidden
from authn.people.persons import lock_person
from authn.secrets import Secrets, read_token, sign_token
from authn.settings import Settings
from authn.staff.roles import Act

UNDOABLE: Final[dict[Act, str]] = {"suspend": "desk", "block-all": "emergency"}
"""The acts that can be taken back, and why a device is suspended by each."""

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
            returns.c.person_id == bindparam("person_id"),
            returns.c.began_at > bindparam("at", type_=UtcDateTime),
        ),
    )
)


@dataclass(frozen=True, slots=True)
class UndoableAct:
    """What a member of staff did a moment ago: what the page afterwards tells, and takes back."""

    act: str
    person_id: UUID
    device_id: UUID | None
    at: datetime
    by: UUID

    def undoable_until(self, settings: Settings) -> datetime | None:
        """Until when it can be taken back, if it can."""
        return self.at + settings.desk_undo if self.act in UNDOABLE else None


def done_token(secrets: Secrets, settings: Settings, done: UndoableAct) -> str:
    """The act in a signed token, for as long as its page is of use; nothing personal in it."""
    content: dict[str, Any] = {
        "act": done.act,
        "person": str(done.person_id),
        "device": str(done.device_id or ""),
        "at": done.at.isoformat(),
        "by": str(done.by),
    }
    return sign_token(secrets, "desk-done", content, done.at, settings.desk_lifetime)


def read_done(secrets: Secrets, token: str, now: datetime) -> UndoableAct:
    """What `done_token` was given; raises `InvalidRequest` or `Expired`."""
    content = read_token(secrets, "desk-done", token, now)
    return UndoableAct(
        act=content["act"],
        person_id=UUID(content["person"]),
        device_id=UUID(content["device"]) if content["device"] else None,
        at=datetime.fromisoformat(content["at"]),
        by=UUID(content["by"]),
    )


def undo_suspension(occasion: Occasion, desk: Desk, done: UndoableAct) -> list[Device]:
    """The devices that work again: exactly those that this act had blocked.

    Raises `NotFound` for another member of staff than who did it, `Expired` after the window, and
    `Forbidden` when something else has happened since.
    """
    must_write(occasion.connection)  # now, not when a part of it is done
    until = done.undoable_until(occasion.settings)
    if until is None or done.by != desk.person_id:
        raise nothing_here()
    if until <= occasion.now:
        raise Expired("undo_too_late", TOO_LATE)
    lock_person(occasion.connection, done.person_id)
    _require_allowed(occasion, desk, done)
    blocked = _blocked_by(occasion, done)
    if not blocked or _anything_since(occasion, done):
        raise Forbidden("changed_since", CHANGED)
    for device in blocked:
        resume(occasion, device, "desk")
    if done.act == "block-all":
        end_block_by_desk(occasion.connection, done.person_id, done.at, occasion.now)
    event = DeskSuspensionUndone(**desk.on_record(done.person_id), device_id=done.device_id)
    record_at_desk(occasion, desk, event)
    return blocked


def _require_allowed(occasion: Occasion, desk: Desk, done: UndoableAct) -> None:
    person = seen_person(occasion.connection, done.person_id)
    if person is None:
        raise nothing_here()
    act: Act = "suspend" if done.act == "suspend" else "block-all"
    if guard_target(occasion, desk, act, person):
        raise Forbidden("changed_since", CHANGED)  # of a colleague: two unblock it


def _blocked_by(occasion: Occasion, done: UndoableAct) -> list[Device]:
    """The devices that are blocked by this very act, and by nothing else since."""
    why = UNDOABLE["suspend" if done.act == "suspend" else "block-all"]
    return [
        device
        for device in devices_of(occasion.connection, done.person_id)
        if device.status == "suspended"
        and (device.suspended_why, device.suspended_at) == (why, done.at)
        and device.suspended_until is None
        and done.device_id in (None, device.id)
    ]


def _anything_since(occasion: Occasion, done: UndoableAct) -> bool:
    """Whether a door was closed, a way back begun or a device added after it."""
    block = latest_block(occasion.connection, done.person_id)
    own = done.act == "block-all"
    if block and (block.began_at > done.at or (block.began_at == done.at and not own)):
        return True
    parameters = {"person_id": done.person_id, "at": done.at}
    return bool(occasion.connection.execute(_SINCE, parameters).scalar_one())
