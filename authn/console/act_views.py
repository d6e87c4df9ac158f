"""Views for the page before an act at the desk: what the act ends and keeps, what to ask first."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from authn.devices.devices import find_device, list_devices
from authn.devices.tables import Device, Kind, Status, SuspendedWhy
from authn.devices.transitions import current_status, has_other_active_device
from authn.errors import NotFound
from authn.grants.grants import applications_of_device
from authn.notices.contact_addresses import confirmed_addresses
from authn.sessions.sessions import count_sessions
from authn.staff.reasons import reason_text, text_of_code
from authn.web.request import Request
from authn.webauthn.models.names import model_name


@dataclass(frozen=True, slots=True)
class AffectedDevice:
    """A device that an act would end, with the sessions and applications that are open on it now.

    `last` is whether no other working device is left without it.
    """

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
        """Whether the device is blocked without an end."""
        return self.status == "suspended" and self.suspended_until is None


@dataclass(frozen=True, slots=True)
class ActEffects:
    """What an act on devices does: which end, which stay, and whether mail reaches their holder.

    `staying` are the names of the other devices that work.
    """

    ending: list[AffectedDevice]
    staying: list[str]
    reachable: bool

    @property
    def device(self) -> AffectedDevice | None:
        """The device of an act on a single device; None for several."""
        return self.ending[0] if len(self.ending) == 1 else None

    @property
    def sessions(self) -> int:
        """How many sessions end by the act."""
        return sum(each.sessions for each in self.ending)

    @property
    def applications(self) -> list[str]:
        """The names of the applications that are open on the affected devices."""
        return sorted({name for each in self.ending for name in each.applications})


@dataclass(frozen=True, slots=True)
class CallerQuestion:
    """A question that the agent asks a caller, in the language of the page."""

    code: str
    words: str


def find_effects(request: Request, person_id: UUID, device_id: UUID | None) -> ActEffects:
    """What an act on this device of the person ends; without a device, on all that work.

    Raises `NotFound` when the device is gone, or is not this person's.
    """
    every = list_devices(request.connection, person_id)
    working = [each for each in every if current_status(each, request.now) == "active"]
    chosen = working
    if device_id:
        chosen = [find_device(request.connection, person_id, device_id)]
    ids = {each.id for each in chosen}
    return ActEffects(
        ending=[_affected_device(request, each, every) for each in chosen],
        staying=[each.name for each in working if each.id not in ids],
        reachable=bool(confirmed_addresses(request.connection, request.secrets, person_id)),
    )


def find_effects_or_none(
    request: Request, person_id: UUID, device_id: UUID | None
) -> ActEffects | None:
    """As `find_effects`; None once the device is gone."""
    try:
        return find_effects(request, person_id, device_id)
    except NotFound:
        return None


def caller_questions(request: Request) -> list[CallerQuestion]:
    """The questions of the setting `desk_questions`, for the agent to ask a caller."""
    own, language = request.settings.desk_questions, request.language
    return [
        CallerQuestion(code, text_of_code(own, {}, code, language, request.translate))
        for code in own
    ]


def read_caller_answers(request: Request) -> str:
    """How each question to the caller was answered, as a form says: `code yes, code no`.

    Whether the answer was right, never the answer.
    """
    answers = {
        code: "yes" if request.json.get(f"checked-{code}") == "on" else "no"
        for code in request.settings.desk_questions
    }
    return ", ".join(f"{code} {answer}" for code, answer in answers.items())


@dataclass(frozen=True, slots=True)
class CallerAnswer:
    """A question that a caller was asked, and whether they answered well."""

    words: str
    well: bool


def caller_answer_views(request: Request, checked: str) -> list[CallerAnswer]:
    """What `read_caller_answers` returned, in the language of the page."""
    own, language = request.settings.desk_questions, request.language
    answers = [each.split(" ") for each in checked.split(", ") if each]
    return [
        CallerAnswer(text_of_code(own, {}, code, language, request.translate), answer == "yes")
        for code, answer in answers
    ]


def reason_sentence(request: Request, code: str) -> str:
    """The reason with this code in the language of the page."""
    return reason_text(request.settings, code, request.language, request.translate)


def _affected_device(request: Request, device: Device, every: list[Device]) -> AffectedDevice:
    connection, settings, now = request.connection, request.settings, request.now
    return AffectedDevice(
        id=device.id,
        name=device.name,
        kind=device.kind,
        model=model_name(request.site, device.aaguid),
        status=current_status(device, now),
        suspended_why=device.suspended_why,
        suspended_reason=device.suspended_reason,
        suspended_until=device.suspended_until,
        last_used_at=device.last_used_at,
        backup_eligible=device.backup_eligible,
        last=not has_other_active_device(device, every, now),
        sessions=count_sessions(connection, settings, device.id, now),
        applications=applications_of_device(connection, settings, device.id, now),
    )
