"""Devices and invitations as the pages show them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from authn.account.applications import last_applications
from authn.devices.devices import devices_of, may_remove, no_such_device
from authn.devices.installations import latest_installations
from authn.devices.models import model_name
from authn.devices.tables import Installation, KeyLevel, Kind, key_level
from authn.enrolment.invitation_tables import Invitation, State
from authn.errors import N_
from authn.sessions.sessions import Session
from authn.web.request import Request


@dataclass(frozen=True, slots=True)
class DeviceView:
    """One device on a page; `browser` is where it was last used, in words."""

    id: UUID
    name: str
    kind: Kind
    level: KeyLevel
    status: str
    backup_eligible: bool
    model: str | None
    added_at: datetime
    last_used_at: datetime
    last_application: str | None
    browser: str | None
    current: bool
    only: bool


@dataclass(frozen=True, slots=True)
class InvitationView:
    """An invitation on the old screen."""

    id: UUID
    state: State
    expires_at: datetime
    claimed_browser: str | None


def device_views(request: Request, session: Session) -> list[DeviceView]:
    """The person's devices, newest use first."""
    held = devices_of(request.connection, session.person_id)
    seen = latest_installations(request.connection, session.person_id)
    used_for = last_applications(request.connection, session.person_id)
    return [
        DeviceView(
            id=device.id,
            name=device.name,
            kind=device.kind,
            level=key_level(device.backup_eligible),
            status=device.status,
            backup_eligible=device.backup_eligible,
            model=model_name(device.aaguid),
            added_at=device.added_at,
            last_used_at=device.last_used_at,
            last_application=used_for.get(device.id),
            browser=_installation_words(request, seen.get(device.id)),
            current=device.id == session.device_id,
            only=not may_remove(device, held),
        )
        for device in held
    ]


def device_view(request: Request, session: Session, device_id: UUID) -> DeviceView:
    """One device of the person; raises `NotFound` for anyone else's."""
    for view in device_views(request, session):
        if view.id == device_id:
            return view
    raise no_such_device()


def invitation_view(request: Request, invitation: Invitation) -> InvitationView:
    """The invitation as it stands now."""
    return InvitationView(
        id=invitation.id,
        state=invitation.state_at(request.now),
        expires_at=invitation.expires_at,
        claimed_browser=browser_words(
            request, invitation.claimed_browser or "", invitation.claimed_system or ""
        ),
    )


def browser_words(request: Request, browser: str, system: str) -> str | None:
    """`Chrome on Windows` in the language of the request, or as much of it as is known."""
    if browser and system:
        words = request.translate(N_("%(browser)s on %(system)s"))
        return words % {"browser": browser, "system": system}
    return browser or system or None


def _installation_words(request: Request, latest: Installation | None) -> str | None:
    return browser_words(request, latest.browser, latest.system) if latest else None
