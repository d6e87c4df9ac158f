"""The holder's own devices as their pages show them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from authn.devices.devices import no_such_device
from authn.devices.installations import devices_and_latest_installations, installations_of
from authn.devices.tables import Device
from authn.devices.transitions import may_resume
from authn.sessions.sessions import Session
from authn.views import devices
from authn.views.devices import browser_words, last_applications
from authn.web.request import Request


@dataclass(frozen=True, slots=True)
class AccountDeviceView(devices.DeviceView):
    """One device of whoever looks: `current` is the one that they look with.

    `resumable`: one of their active devices may resume it.
    """

    current: bool
    resumable: bool


@dataclass(frozen=True, slots=True)
class AccountInstallationView:
    """A browser or app that used a device, in words; `current` is the one that looks at it now."""

    id: UUID
    words: str | None
    first_seen: datetime
    last_seen: datetime
    current: bool


@dataclass(frozen=True, slots=True)
class AccountOverview:
    """All that the person has and had: each device in one of three lists, newest use first.

    `every` are the rows themselves, for what a browser is told of its keys.
    """

    active: list[AccountDeviceView]
    resting: list[AccountDeviceView]
    removed: list[AccountDeviceView]
    every: list[Device]
    reachable: bool
    return_waits: bool


def overview(request: Request, session: Session) -> AccountOverview:
    """The person's devices, in two statements however many they are."""
    found = devices_and_latest_installations(request.connection, session.person_id)
    used_for = last_applications(request.connection, session.person_id, request.now)
    every = [device for device, _ in found]
    views = [
        _own(
            session,
            device,
            every,
            devices.device_view(request, device, latest, every, used_for.by_device.get(device.id)),
        )
        for device, latest in found
    ]
    return AccountOverview(
        active=[view for view in views if view.status == "active"],
        resting=[view for view in views if view.status in ("suspended", "dormant")],
        removed=[view for view in views if view.status == "unlinked"],
        every=every,
        reachable=used_for.reachable,
        return_waits=used_for.return_waits,
    )


def device_view(request: Request, session: Session, device_id: UUID) -> AccountDeviceView:
    """One device that the person has; raises `NotFound` for a removed one and anyone else's."""
    found = overview(request, session)
    for view in found.active + found.resting:
        if view.id == device_id:
            return view
    raise no_such_device()


def installation_views(
    request: Request, session: Session, device_id: UUID
) -> list[AccountInstallationView]:
    """The browsers and apps of a device of this person, newest use first."""
    return [
        AccountInstallationView(
            id=installation.id,
            words=browser_words(request, installation.browser, installation.system),
            first_seen=installation.first_seen,
            last_seen=installation.last_seen,
            current=installation.id == session.installation_id,
        )
        for installation in installations_of(request.connection, device_id)
    ]


def _own(
    session: Session, device: Device, every: list[Device], shown: devices.DeviceView
) -> AccountDeviceView:
    """The view with what is true of it for whoever looks with this session."""
    return AccountDeviceView(
        **{name: getattr(shown, name) for name in devices.DeviceView.__dataclass_fields__},
        current=device.id == session.device_id,
        resumable=any(may_resume(device, each) for each in every),
    )
