"""Views of a person's devices for an agent: as a caller would describe them, with suspicions."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from authn.console.person_offers import ActOffer, OfferTarget, device_offers
from authn.devices.tables import Device, Installation
from authn.devices.transitions import current_status
from authn.errors import N_
from authn.grants.grants import applications_by_device
from authn.policies import COMPROMISED
from authn.sessions.sessions import list_open_sessions
from authn.staff.reasons import reason_text
from authn.views.devices import DeviceView, browser_text, device_view
from authn.web.request import Request
from authn.webauthn.policy import (
    CHANGED_BACKUP,
    PROHIBITED,
    find_model,
    find_unmet,
    required_policy,
)

MOST_SESSIONS = 100
COPIED = N_("Its key may have been copied.")


@dataclass(frozen=True, slots=True)
class SessionView:
    """A session with a device: in which browser, since when, and last used when."""

    browser: str | None
    since: datetime
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class DeviceCard:
    """A device with its suspicions in words, its sessions and applications, and the acts offered.

    `blocked_for` is why the desk blocked it, "" where it did not.
    """

    view: DeviceView
    suspicions: list[str]
    blocked_for: str
    sessions: list[SessionView]
    applications: list[str]
    offers: list[ActOffer]


def device_cards(
    request: Request,
    target: OfferTarget,
    found: list[tuple[Device, Installation | None]],
    used_for: dict[UUID, str],
) -> list[DeviceCard]:
    """A card for each device that was not removed: working ones first, then by newest use."""
    sessions = _sessions(request, target.person.id)
    applications = applications_by_device(
        request.connection, request.settings, target.person.id, request.now
    )
    every = [device for device, _ in found]
    cards = [
        DeviceCard(
            view=device_view(request, device, latest, every, used_for.get(device.id)),
            suspicions=[request.translate(each) for each in device_suspicions(request, device)],
            blocked_for=_reason(request, device.suspended_reason),
            sessions=sessions.get(device.id, []),
            applications=applications.get(device.id, []),
            offers=device_offers(target, device, request.now),
        )
        for device, latest in found
        if device.status != "unlinked"
    ]
    return sorted(cards, key=lambda card: card.view.status != "active")


def device_suspicions(request: Request, device: Device) -> list[str]:
    """What may be wrong with the device's key, as message ids to translate."""
    found = []
    if device.suspended_why == "counter" and current_status(device, request.now) == "suspended":
        found.append(COPIED)
    if device.backup_changed:
        found.append(CHANGED_BACKUP.what_is)
    model = find_model(request.site, device)
    if model is not None and model.statuses & COMPROMISED:
        found.append(PROHIBITED.what_is)
    refused = find_unmet(required_policy(request.settings, None), device, model)
    if refused is not None:
        found.append(refused.what_is)
    return list(dict.fromkeys(found))


def _reason(request: Request, code: str | None) -> str:
    settings, language = request.settings, request.language
    return reason_text(settings, code, language, request.translate) if code else ""


def _sessions(request: Request, person_id: UUID) -> dict[UUID, list[SessionView]]:
    """The open sessions by device id."""
    found: dict[UUID, list[SessionView]] = {}
    for each in list_open_sessions(
        request.connection, request.settings, person_id, request.now, MOST_SESSIONS
    ):
        words = browser_text(request, each.browser, each.system)
        view = SessionView(words, each.auth_time, each.last_seen_at)
        found.setdefault(each.device_id, []).append(view)
    return found
