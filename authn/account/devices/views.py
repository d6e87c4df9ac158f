"""The holder's devices and invitations as the account pages show them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from authn.devices.devices import find_device, no_such_device
from authn.devices.installations import devices_and_latest_installations, list_installations
from authn.devices.tables import Device
from authn.devices.transitions import may_resume
from authn.enrolment.invitation_tables import Invitation, State
from authn.errors import NotFound
from authn.sessions.sessions import Session
from authn.views import devices
from authn.views.devices import browser_text, last_applications
from authn.web.request import Request


@dataclass(frozen=True, slots=True)
class AccountDeviceView(devices.DeviceView):
    """A device of the holder; `current` is the device of the session.

    `resumable` is whether an active device of the holder may resume the device.
    """

    current: bool
    resumable: bool


@dataclass(frozen=True, slots=True)
class AccountInstallationView:
    """A browser or app that used a device, in words; `current` is that of the session."""

    id: UUID
    words: str | None
    first_seen: datetime
    last_seen: datetime
    current: bool


@dataclass(frozen=True, slots=True)
class AccountOverview:
    """The devices that the person has and had, in three lists by status, newest use first.

    `every` are the rows, of which the browser learns which keys are accepted.
    """

    active: list[AccountDeviceView]
    resting: list[AccountDeviceView]
    removed: list[AccountDeviceView]
    every: list[Device]
    reachable: bool
    recovery_waits: bool


def device_overview(request: Request, session: Session) -> AccountOverview:
    """The overview of a person's devices, read in two statements however many there are."""
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
        recovery_waits=used_for.recovery_waits,
    )


def device_view(request: Request, session: Session, device_id: UUID) -> AccountDeviceView:
    """A device of the person; raises `NotFound` for a removed device and another person's."""
    found = device_overview(request, session)
    for view in found.active + found.resting:
        if view.id == device_id:
            return view
    raise no_such_device()


def installation_views(
    request: Request, session: Session, device_id: UUID
) -> list[AccountInstallationView]:
    """The browsers and apps of a device, newest use first."""
    return [
        AccountInstallationView(
            id=installation.id,
            words=browser_text(request, installation.browser, installation.system),
            first_seen=installation.first_seen,
            last_seen=installation.last_seen,
            current=installation.id == session.installation_id,
        )
        for installation in list_installations(request.connection, device_id)
    ]


def _own(
    session: Session, device: Device, every: list[Device], shown: devices.DeviceView
) -> AccountDeviceView:
    """The view of a device with what depends on the session."""
    return AccountDeviceView(
        **{name: getattr(shown, name) for name in devices.DeviceView.__dataclass_fields__},
        current=device.id == session.device_id,
        resumable=any(may_resume(device, each) for each in every),
    )


@dataclass(frozen=True, slots=True)
class InvitationView:
    """An invitation to add a device, as the screen shows that opened the invitation.

    `claimed_browser`, `claimed_place` and `claimed_near` let the holder judge whether the browser
    that claimed the invitation is theirs: its name, its rough place, and whether it is in the
    network of this screen (None where unknown). `device` is the device that was added.
    """

    id: UUID
    state: State
    expires_at: datetime
    claimed_browser: str | None
    claimed_place: str | None
    claimed_near: bool | None
    device: Device | None


def invitation_view(request: Request, invitation: Invitation) -> InvitationView:
    """The invitation in its present state."""
    return InvitationView(
        id=invitation.id,
        state=invitation.state_at(request.now),
        expires_at=invitation.expires_at,
        claimed_browser=browser_text(
            request, invitation.claimed_browser or "", invitation.claimed_system or ""
        ),
        claimed_place=(invitation.claimed_place or {}).get(request.language),
        claimed_near=invitation.claimed_near,
        device=_device(request, invitation),
    )


def _device(request: Request, invitation: Invitation) -> Device | None:
    if invitation.device_id is None:
        return None
    try:
        return find_device(request.connection, invitation.person_id, invitation.device_id)
    except NotFound:
        return None  # removed again
