"""Adds a device for a credential that was just registered, and signs its person in."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlencode
from uuid import UUID

from starlette.responses import Response

from authn.audit.events.devices import DeviceAdded, RegistrationRefused
from authn.audit.events.people import SignedIn
from authn.audit.log import record
from authn.devices.devices import add_device
from authn.devices.names import default_name, guess_kind
from authn.devices.tables import HeldDevice, HowAdded, IdentityLevel, NewCredential
from authn.enrolment.foreign_matches import end_matches_made_alone
from authn.errors import N_, Refusal
from authn.notices import kinds
from authn.notices.notices import tell
from authn.people.persons import lock_person
from authn.people.tables import Person
from authn.sessions.browser import sign_in_browser
from authn.web.request import Request, json_answer
from authn.web.user_agent import read_user_agent
from authn.webauthn.models.names import model_name

NAMES_OF_KINDS = {
    "phone": N_("Phone"),
    "laptop": N_("Computer"),
    "security-key": N_("Security key"),
    "keyring": N_("Shared key"),
}


@contextmanager
def registration_savepoint(request: Request, person: Person) -> Iterator[None]:
    """A savepoint with the person locked: after a `Refusal` nothing of the block stays.

    The refusal is recorded. What was spent before the block stays spent (decisions 5). The person
    is locked first of all, so that all transactions take their locks in one order.
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
    """The credential is a device of the person, with a default name; raises as `add_device`.

    `added_by` is the device that confirmed, `identity_id` the foreign identity, if any. A match
    that one registrar alone made ends by a device that was added in another way.
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


def naming_address(held: HeldDevice, *, first: bool = False, request_token: str = "") -> str:
    """The address of the page that confirms that a device was added, and asks for its name."""
    query = {"first" if first else "added": "1"}
    if request_token:
        query["request"] = request_token
    return f"/devices/{held.device.id}/name?{urlencode(query)}"


def next_address(held: HeldDevice, *, returning: bool, request_token: str = "") -> str:
    """The address after a registration: the naming of the device.

    After an account recovery, the decision about the old devices comes first.
    """
    if not returning:
        return naming_address(held, first=True, request_token=request_token)
    query = {"request": request_token} if request_token else {}
    return "/return/devices" + (f"?{urlencode(query)}" if query else "")


def signed_in_answer(request: Request, held: HeldDevice, location: str) -> Response:
    """The JSON answer with the next address; the browser is signed in with the new device."""
    session, remember = sign_in_browser(request, held, None)
    event = SignedIn(person_id=held.person.id, device_id=held.device.id, level=session.level)
    record(request.connection, request.secrets, event, request.now, request.reference)
    return remember(json_answer({"location": location}))
