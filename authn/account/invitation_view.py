"""An invitation as the old screen shows it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from authn.devices.devices import find_device
from authn.devices.tables import Device
from authn.enrolment.invitation_tables import Invitation, State
from authn.errors import NotFound
from authn.views.devices import browser_words
from authn.web.request import Request


@dataclass(frozen=True, slots=True)
class InvitationView:
    """An invitation on the old screen.

    What is known of the browser that claimed it, so that the holder can judge whether it is theirs:
    its words, its rough place, and whether it is in the network of this screen (None where that
    can't be told). `device` is what it became.
    """

    id: UUID
    state: State
    expires_at: datetime
    claimed_browser: str | None
    claimed_place: str | None
    claimed_near: bool | None
    device: Device | None


def invitation_view(request: Request, invitation: Invitation) -> InvitationView:
    """The invitation as it stands now."""
    return InvitationView(
        id=invitation.id,
        state=invitation.state_at(request.now),
        expires_at=invitation.expires_at,
        claimed_browser=browser_words(
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
