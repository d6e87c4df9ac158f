"""What tests of the desk's acts need: rows of the log, devices, approvals."""

from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import select, update

from authn.audit.log import audit_events
from authn.console.approval_rows import Approval, approval_from_row
from authn.console.desk_sessions import Desk, LookReason
from authn.console.tables import approvals
from authn.db.transaction import reading, writing
from authn.devices.devices import list_devices_and_removed
from authn.devices.tables import Device, devices
from authn.people.tables import Person
from authn.profiles.appointments import appoint, dismiss
from authn.staff.members import find_staff_at_desk
from authn.web.site import Site
from tests.console.desk import DeskScreen


def act_path(person: Person, device: UUID, act: str) -> str:
    """The page of an act on a device."""
    return f"/desk/people/{person.id}/devices/{device}/{act}"


def rows(site: Site, *names: str) -> list[dict[str, Any]]:
    """The rows of the log with these names, the oldest first, each with its details."""
    statement = select(audit_events).where(audit_events.c.event.in_(names))
    with reading(site.database) as connection:
        found = connection.execute(statement.order_by(audit_events.c.id)).all()
    return [{**row._mapping, **orjson.loads(row.details)} for row in found]


def device(site: Site, person: Person, device_id: UUID) -> Device:
    """The device as it is now, removed or not."""
    with reading(site.database) as connection:
        every = list_devices_and_removed(connection, person.id)
    return next(each for each in every if each.id == device_id)


def statuses(site: Site, person: Person) -> dict[UUID, str]:
    """The status of each of the person's devices."""
    with reading(site.database) as connection:
        return {each.id: each.status for each in list_devices_and_removed(connection, person.id)}


def desk_of(
    site: Site, who: DeskScreen, reason: str = "came-to-desk", *, at: str = "Ghent"
) -> Desk:
    """Who acts, as the acts know them: this member of staff at this desk of theirs."""
    with reading(site.database) as connection:
        member = find_staff_at_desk(connection, who.person.id, at)
    assert member is not None, f"{who.person.full_name} does not work at {at}"
    return Desk(member, LookReason(reason))


def appointed(site: Site, made: DeskScreen, role: str, desk: str = "Ghent") -> None:
    """From now on they have this role too, at this desk."""
    with writing(site.database) as connection:
        assert appoint(connection, site.secrets, made.person.id, role, desk, site.clock())


def dismissed(site: Site, made: DeskScreen, role: str = "agent") -> None:
    """The role is theirs no more."""
    with writing(site.database) as connection:
        assert dismiss(connection, site.secrets, made.person.id, role, site.clock())


def suspend_for(site: Site, device_id: UUID, why: str) -> None:
    """The device is blocked for this reason, as whatever does that left it."""
    values = {"status": "suspended", "suspended_why": why, "suspended_at": site.clock()}
    with writing(site.database) as connection:
        connection.execute(update(devices).where(devices.c.id == device_id).values(values))


def every_approval(site: Site) -> list[Approval]:
    """All approvals, the oldest first."""
    with reading(site.database) as connection:
        found = connection.execute(select(approvals).order_by(approvals.c.asked_at)).all()
    return [approval_from_row(site.secrets, row) for row in found]


def asked(answer: Any) -> UUID:
    """The approval that an act waits for."""
    assert answer.status_code == 200, answer.text
    location = answer.json()["location"]
    assert location.startswith("/desk/approvals/"), location
    return UUID(location.rpartition("/")[2])


def approve(by: DeskScreen, approval: UUID) -> Any:
    """The answer to a supervisor's approval, confirmed with their key."""
    return by.act(f"/desk/approvals/{approval}/approve")
