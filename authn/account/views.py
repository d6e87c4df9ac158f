"""Devices as the pages show them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from authn.account.applications import last_applications
from authn.devices.devices import no_such_device
from authn.devices.installations import devices_and_latest_installations, installations_of
from authn.devices.tables import (
    Device,
    HowAdded,
    Installation,
    KeyLevel,
    Kind,
    Status,
    SuspendedWhy,
)
from authn.devices.transitions import may_leave, may_resume, state_of
from authn.errors import N_
from authn.sessions.sessions import Session
from authn.web.request import Request
from authn.webauthn.models import model_icon, model_name
from authn.webauthn.policy import key_level, model_of


@dataclass(frozen=True, slots=True)
class DeviceView:
    """One device on a page; `browser` is where it was last used, in words.

    `only`: no other active device would be left without it. `resumable`: one of the holder's active
    devices may resume it.
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
    suspended_at: datetime | None
    suspended_why: SuspendedWhy | None
    suspended_until: datetime | None
    unlinked_at: datetime | None
    current: bool
    only: bool
    resumable: bool


@dataclass(frozen=True, slots=True)
class InstallationView:
    """A browser or app that used a device, in words; `current` is the one that looks at it now."""

    id: UUID
    words: str | None
    first_seen: datetime
    last_seen: datetime
    current: bool


@dataclass(frozen=True, slots=True)
class Overview:
    """All that the person has and had: each device in one of three lists, newest use first.

    `every` are the rows themselves, for what a browser is told of its keys.
    """

    active: list[DeviceView]
    resting: list[DeviceView]
    removed: list[DeviceView]
    every: list[Device]
    reachable: bool
    return_waits: bool


def overview(request: Request, session: Session) -> Overview:
    """The person's devices, in two statements however many they are."""
    found = devices_and_latest_installations(request.connection, session.person_id)
    used_for = last_applications(request.connection, session.person_id, request.now)
    every = [device for device, _ in found]
    views = [
        _device_view(request, session, device, latest, every, used_for.by_device.get(device.id))
        for device, latest in found
    ]
    return Overview(
        active=[view for view in views if view.status == "active"],
        resting=[view for view in views if view.status in ("suspended", "dormant")],
        removed=[view for view in views if view.status == "unlinked"],
        every=every,
        reachable=used_for.reachable,
        return_waits=used_for.return_waits,
    )


def device_view(request: Request, session: Session, device_id: UUID) -> DeviceView:
    """One device that the person has; raises `NotFound` for a removed one and anyone else's."""
    found = overview(request, session)
    for view in found.active + found.resting:
        if view.id == device_id:
            return view
    raise no_such_device()


def installation_views(
    request: Request, session: Session, device_id: UUID
) -> list[InstallationView]:
    """The browsers and apps of a device of this person, newest use first."""
    return [
        InstallationView(
            id=installation.id,
            words=browser_words(request, installation.browser, installation.system),
            first_seen=installation.first_seen,
            last_seen=installation.last_seen,
            current=installation.id == session.installation_id,
        )
        for installation in installations_of(request.connection, device_id)
    ]


def _device_view(
    request: Request,
    session: Session,
    device: Device,
    latest: Installation | None,
    every: list[Device],
    application: str | None,
) -> DeviceView:
    return DeviceView(
        id=device.id,
        name=device.name,
        kind=device.kind,
        level=key_level(device, model_of(request.site, device)),
        status=state_of(device, request.now),
        backup_eligible=device.backup_eligible,
        model=model_name(request.site, device.aaguid),
        icon=model_icon(request.site, device.aaguid),
        added_at=device.added_at,
        added_how=device.added_how,
        added_by=next((each.name for each in every if each.id == device.added_by), None),
        last_used_at=device.last_used_at,
        last_application=application,
        browser=browser_words(request, latest.browser, latest.system) if latest else None,
        suspended_at=device.suspended_at,
        suspended_why=device.suspended_why,
        suspended_until=device.suspended_until,
        unlinked_at=device.unlinked_at,
        current=device.id == session.device_id,
        only=not may_leave(device, every, request.now),
        resumable=any(may_resume(device, each) for each in every),
    )


def browser_words(request: Request, browser: str, system: str) -> str | None:
    """`Chrome on Windows` in the language of the request, or as much of it as is known."""
    if browser and system:
        words = request.translate(N_("%(browser)s on %(system)s"))
        return words % {"browser": browser, "system": system}
    return browser or system or None
