"""A credential that was just registered becomes a device, named and on record."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlencode
from uuid import UUID

from starlette.responses import Response

from authn.audit.device_events import DeviceAdded, RegistrationRefused
from authn.audit.events import SignedIn
from authn.audit.log import record
from authn.devices.devices import add_device
from authn.devices.models import default_name, guess_kind
from authn.devices.tables import HeldDevice, HowAdded, IdentityLevel, NewCredential
from authn.enrolment.foreign_matches import end_matches_made_alone
from authn.errors import N_, Refusal
from authn.notices import kinds
from authn.notices.notices import tell
from authn.people.persons import lock_person
from authn.people.tables import Person
from authn.sessions.sign_in import sign_in_with
from authn.web.request import Request, json_answer
from authn.web.user_agent import read_user_agent
from authn.webauthn.models import model_name

NAMES_OF_KINDS = {
    "phone": N_("Phone"),
    "laptop": N_("Computer"),
    "security-key": N_("Security key"),
    "keyring": N_("Shared key"),
}


@contextmanager
def all_or_nothing(request: Request, person: Person) -> Iterator[None]:
    """What the block wrote stays, or, after a `Refusal`, nothing of it but that it was refused.

    What was burnt before stays burnt (decisions 5). The person's row is locked first of all, so
    that whoever takes several locks for a person takes them in one order.
    """
    try:
        with request.connection.begin_nested():
            lock_person(request.connection, person.id)
            yield
    except Refusal as refusal:
        event = RegistrationRefused(person_id=person.id, reason=refusal.error)
        record(request.connection, request.secrets, event, request.now, request.reference)
        raise


def store_device(
    request: Request,
    person: Person,
    credential: NewCredential,
    *,
    how: HowAdded,
    identity_level: IdentityLevel,
    added_by: UUID | None = None,
    identity_id: UUID | None = None,
) -> HeldDevice:
    """The person has the device, under a name that can be recognised; raises as `add_device`.

    `added_by` is the device that confirmed it, `identity_id` the foreign identity, if one did. A
    foreign identity that one registrar alone matched ends by one that came another way.
    """
    agent = read_user_agent(request.headers.get("user-agent", ""))
    kind = guess_kind(credential, agent)
    model = model_name(request.site, credential.aaguid)
    name = default_name(credential, kind, agent, model) or request.translate(NAMES_OF_KINDS[kind])
    held = add_device(
        request.connection,
        person.id,
        credential,
        name=name,
        kind=kind,
        identity_level=identity_level,
        how=how,
        added_by=added_by,
        identity_id=identity_id,
        now=request.now,
    )
    event = DeviceAdded(person_id=person.id, device_id=held.device.id, how=how, added_by=added_by)
    record(request.connection, request.secrets, event, request.now, request.reference)
    tell(request, person.id, kinds.DeviceAddedNotice(held.device.id, held.device.name))
    if added_by is None:
        end_matches_made_alone(request, person.id, "device")
    return held


def naming_page(held: HeldDevice, *, first: bool = False, request_token: str = "") -> str:
    """The address of the page that says that the device was added, and asks for its name."""
    query = {"first" if first else "added": "1"}
    if request_token:
        query["request"] = request_token
    return f"/devices/{held.device.id}/name?{urlencode(query)}"


def next_page(held: HeldDevice, *, returning: bool, request_token: str = "") -> str:
    """Where somebody goes on who proved who they are: to the name of their device.

    Who came back decides about the old devices first.
    """
    if not returning:
        return naming_page(held, first=True, request_token=request_token)
    query = {"request": request_token} if request_token else {}
    return "/return/devices" + (f"?{urlencode(query)}" if query else "")


def signed_in_answer(request: Request, held: HeldDevice, location: str) -> Response:
    """Where the browser goes, signed in with the device that was just added in it."""
    session, remember = sign_in_with(request, held, None)
    event = SignedIn(person_id=held.person.id, device_id=held.device.id, level=session.level)
    record(request.connection, request.secrets, event, request.now, request.reference)
    return remember(json_answer({"location": location}))
