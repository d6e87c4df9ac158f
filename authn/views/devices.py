"""A device as pages show it: name, kind, state, and where it was last used."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, select

from authn.clients.tables import clients
from authn.devices.tables import (
    Device,
    HowAdded,
    Installation,
    KeyLevel,
    Kind,
    Status,
    SuspendedWhy,
    devices,
)
from authn.devices.transitions import current_status, has_other_active_device
from authn.enrolment.returning import is_recovery_waiting
from authn.errors import N_
from authn.grants.tables import grants
from authn.notices.contact_addresses import is_reachable
from authn.web.request import Request
from authn.webauthn.models.names import model_icon, model_name
from authn.webauthn.policy import find_model, key_level


@dataclass(frozen=True, slots=True)
class DeviceView:
    """A device on a page; `browser` and `place` say where it was last used.

    `only`: without this device no active one would be left.
    """

    id: UUID
    name: str
    kind: Kind
    level: KeyLevel
    status: Status
    backup_eligible: bool
    model: str | None
    icon: str | None
    added_at: datetime
    added_how: HowAdded
    added_by: str | None
    last_used_at: datetime
    last_application: str | None
    browser: str | None
    place: str | None
    suspended_at: datetime | None
    suspended_why: SuspendedWhy | None
    suspended_reason: str | None
    suspended_until: datetime | None
    unlinked_at: datetime | None
    only: bool


def device_view(
    request: Request,
    device: Device,
    latest: Installation | None,
    every: list[Device],
    last_application: str | None,
) -> DeviceView:
    """A device as a page shows it, of all of the person (`every`), last used in `latest`."""
    return DeviceView(
        id=device.id,
        name=device.name,
        kind=device.kind,
        level=key_level(device, find_model(request.site, device)),
        status=current_status(device, request.now),
        backup_eligible=device.backup_eligible,
        model=model_name(request.site, device.aaguid),
        icon=model_icon(request.site, device.aaguid),
        added_at=device.added_at,
        added_how=device.added_how,
        added_by=next((each.name for each in every if each.id == device.added_by), None),
        last_used_at=device.last_used_at,
        last_application=last_application,
        browser=browser_text(request, latest.browser, latest.system) if latest else None,
        place=(latest.place or {}).get(request.language) if latest else None,
        suspended_at=device.suspended_at,
        suspended_why=device.suspended_why,
        suspended_reason=device.suspended_reason,
        suspended_until=device.suspended_until,
        unlinked_at=device.unlinked_at,
        only=not has_other_active_device(device, every, request.now),
    )


def browser_text(request: Request, browser: str, system: str) -> str | None:
    """`Chrome on Windows` in the language of the request, or the part that is known."""
    if browser and system:
        words = request.translate(N_("%(browser)s on %(system)s"))
        return words % {"browser": browser, "system": system}
    return browser or system or None


@dataclass(frozen=True, slots=True)
class LastApplications:
    """The application that each device was last used for, by the id of the device.

    From the same statement: `reachable` is whether the person has a confirmed mail address,
    `recovery_waits` whether an account recovery waits.
    """

    by_device: dict[UUID, str]
    reachable: bool
    recovery_waits: bool


def last_applications(connection: Connection, person_id: UUID, now: datetime) -> LastApplications:
    """The application that each device of the person was last used for."""
    # One step down an index for each device, however much it was used.
    last = (
        select(grants.c.client_id)
        .where(grants.c.device_id == devices.c.id)
        .order_by(grants.c.granted_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    statement = (
        select(
            devices.c.id,
            clients.c.client_name,
            is_reachable(person_id).label("reachable"),
            is_recovery_waiting(person_id, now).label("recovery_waits"),
        )
        .select_from(devices)
        .outerjoin(clients, clients.c.client_id == last)
        .where(devices.c.person_id == person_id)
    )
    rows = connection.execute(statement).all()
    return LastApplications(
        by_device={row.id: row.client_name for row in rows if row.client_name is not None},
        reachable=any(row.reachable for row in rows),
        recovery_waits=any(row.recovery_waits for row in rows),
    )
