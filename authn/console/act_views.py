"""What a page says before an act at the desk: what ends with it, and what stays."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from authn.devices.devices import devices_of, find_device
from authn.devices.tables import Device, Kind, Status, SuspendedWhy
from authn.devices.transitions import may_leave, state_of
from authn.errors import NotFound
from authn.grants.on_device import live_applications
from authn.notices.addresses import confirmed_addresses
from authn.sessions.sessions import count_sessions
from authn.staff.reasons import own_words, reason_in_words
from authn.web.request import Request
from authn.webauthn.models import model_name


@dataclass(frozen=True, slots=True)
class DeviceEnding:
    """A device, with what is open on it now; `last`: no other one that works is left without it."""

    id: UUID
    name: str
    kind: Kind
    model: str | None
    status: Status
    suspended_why: SuspendedWhy | None
    suspended_reason: str | None
    suspended_until: datetime | None
    last_used_at: datetime
    backup_eligible: bool
    last: bool
    sessions: int
    applications: list[str]

    @property
    def blocked(self) -> bool:
        """Whether it is blocked without an end."""
        return self.status == "suspended" and self.suspended_until is None


@dataclass(frozen=True, slots=True)
class Effects:
    """The devices that an act is on, the names of the others that work, and whether mail comes."""

    ending: list[DeviceEnding]
    staying: list[str]
    reachable: bool

    @property
    def device(self) -> DeviceEnding | None:
        """The one device, where the act is on one."""
        return self.ending[0] if len(self.ending) == 1 else None

    @property
    def sessions(self) -> int:
        """How many sessions end."""
        return sum(each.sessions for each in self.ending)

    @property
    def applications(self) -> list[str]:
        """The names of the applications that are open on them."""
        return sorted({name for each in self.ending for name in each.applications})


@dataclass(frozen=True, slots=True)
class ActQuestion:
    """What an agent asks a caller, by its code, in the language of the page."""

    code: str
    words: str


def effects_on(request: Request, person_id: UUID, device_id: UUID | None) -> Effects:
    """What an act on this device of the person's ends, or on all of them that work.

    Raises `NotFound` when the device is gone, or is not this person's.
    """
    every = devices_of(request.connection, person_id)
    working = [each for each in every if state_of(each, request.now) == "active"]
    chosen = working
    if device_id:
        chosen = [find_device(request.connection, person_id, device_id)]
    ids = {each.id for each in chosen}
    return Effects(
        ending=[_ending(request, each, every) for each in chosen],
        staying=[each.name for each in working if each.id not in ids],
        reachable=bool(confirmed_addresses(request.connection, request.secrets, person_id)),
    )


def effects_if_there(request: Request, person_id: UUID, device_id: UUID | None) -> Effects | None:
    """As `effects_on`; None once the device is gone."""
    try:
        return effects_on(request, person_id, device_id)
    except NotFound:
        return None


def questions(request: Request) -> list[ActQuestion]:
    """The operator's list of what to ask a caller; empty where there is none."""
    own, language = request.settings.desk_questions, request.language
    return [
        ActQuestion(code, own_words(own, {}, code, language, request.translate)) for code in own
    ]


def checked_in(request: Request) -> str:
    """How each question of the list was answered, as a form says it: never what the answer was."""
    said = {
        code: "yes" if request.json.get(f"checked-{code}") == "on" else "no"
        for code in request.settings.desk_questions
    }
    return ", ".join(f"{code} {answer}" for code, answer in said.items())


@dataclass(frozen=True, slots=True)
class ActConfirmation:
    """A question of the operator's list in words, and whether it was answered well."""

    words: str
    well: bool


def checked_shown(request: Request, checked: str) -> list[ActConfirmation]:
    """What `checked_in` gave, in the language of the page."""
    own, language = request.settings.desk_questions, request.language
    said = [each.split(" ") for each in checked.split(", ") if each]
    return [
        ActConfirmation(own_words(own, {}, code, language, request.translate), answer == "yes")
        for code, answer in said
    ]


def reason_shown(request: Request, code: str) -> str:
    """The reason in the language of the page."""
    return reason_in_words(request.settings, code, request.language, request.translate)


def _ending(request: Request, device: Device, every: list[Device]) -> DeviceEnding:
    connection, settings, now = request.connection, request.settings, request.now
    return DeviceEnding(
        id=device.id,
        name=device.name,
        kind=device.kind,
        model=model_name(request.site, device.aaguid),
        status=state_of(device, now),
        suspended_why=device.suspended_why,
        suspended_reason=device.suspended_reason,
        suspended_until=device.suspended_until,
        last_used_at=device.last_used_at,
        backup_eligible=device.backup_eligible,
        last=not may_leave(device, every, now),
        sessions=count_sessions(connection, settings, device.id, now),
        applications=live_applications(connection, settings, device.id, now),
    )
