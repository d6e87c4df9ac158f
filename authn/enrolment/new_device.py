"""A credential that was just registered becomes a device, named and on record."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlencode

from authn.audit.events import DeviceAdded, RegistrationRefused
from authn.audit.log import record
from authn.devices.devices import add_device
from authn.devices.models import default_name, guess_kind
from authn.devices.tables import HeldDevice, HowAdded, NewCredential
from authn.devices.user_agent import read_user_agent
from authn.errors import N_, Refusal
from authn.people.persons import lock_person
from authn.people.tables import Person
from authn.web.request import Request

NAMES_OF_KINDS = {
    "phone": N_("Phone"),
    "laptop": N_("Computer"),
    "security-key": N_("Security key"),
    "keyring": N_("Shared key"),
}


@contextmanager
def all_or_nothing(request: Request, person: Person) -> Iterator[None]:
    """What the block wrote stays, or, after a `Refusal`, nothing of it but that it was refused.

    What was burnt before stays burnt (protocol 5). The person's row is locked first of all, so that
    whoever takes several locks for a person takes them in one order.
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
    identity_level: str,
) -> HeldDevice:
    """The person has the device, under a name that can be recognised; raises as `add_device`."""
    agent = read_user_agent(request.headers.get("user-agent", ""))
    kind = guess_kind(credential, agent)
    name = default_name(credential, kind, agent) or request.translate(NAMES_OF_KINDS[kind])
    held = add_device(
        request.connection,
        person.id,
        credential,
        name=name,
        kind=kind,
        identity_level=identity_level,
        how=how,
        now=request.now,
    )
    event = DeviceAdded(person_id=person.id, device_id=held.device.id, how=how)
    record(request.connection, request.secrets, event, request.now, request.reference)
    return held


def naming_page(held: HeldDevice, *, first: bool = False, request_token: str = "") -> str:
    """The address where a device that was just added gets its name."""
    query = {"first": "1" if first else "", "request": request_token}
    words = urlencode({name: value for name, value in query.items() if value})
    return f"/devices/{held.device.id}/name" + (f"?{words}" if words else "")
