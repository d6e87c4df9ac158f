"""Where we can reach you: the contact addresses of a person.

Adding and removing one needs a device in hand, for that act and that address (decisions 2.9), and
every other address is told: whoever changes where notices go could else act unseen. Confirming one
needs nothing but the link that was sent there.
"""

from starlette.responses import Response

from authn.account.signed_in import signed_in, signed_in_script
from authn.audit.device_events import AddressAdded, AddressConfirmed, AddressRemoved
from authn.audit.events import Event
from authn.audit.log import record
from authn.errors import N_, InvalidRequest, Unavailable
from authn.notices import kinds
from authn.notices.address import mask_address, read_address, same_address
from authn.notices.addresses import (
    MOST_ADDRESSES,
    ContactAddress,
    add_address,
    address_mark,
    addresses_of,
    check_room,
    confirm_address,
    confirmed_addresses,
    find_address,
    remove_address,
)
from authn.notices.mail import moment_in_words
from authn.notices.notices import tell, tell_address
from authn.outbox.smtp import can_send
from authn.people.persons import find_person, lock_person
from authn.sessions.sessions import Session, touch
from authn.web.request import Request, json_answer, page
from authn.web.routing import json_route, page_route
from authn.webauthn.authentication import confirm, confirmation_options
from authn.webauthn.challenges import ChallengePurpose

ADD, REMOVE = "add-address", "remove-address"  # the acts that challenges name

FLASHES = {
    "added": N_("We sent a mail to the new address. Open the link in it to confirm the address."),
    "removed": N_("The address was removed. It gets no more mails from us."),
}


@signed_in
def addresses(request: Request, session: Session) -> Response:
    """The person's addresses, masked."""
    known = _addresses_of(request, session)
    flash = FLASHES.get(request.query.get("done", ""), "")
    return page(
        request,
        "account/addresses.html",
        person=session,
        addresses=[_view(request, each) for each in known],
        may_add=len(known) < MOST_ADDRESSES,
        can_send=can_send(request.settings),
        flash=request.translate(flash) or None,
    )


@signed_in
def add(request: Request, session: Session) -> Response:
    """The page that asks for an address."""
    return page(
        request,
        "account/address_add.html",
        person=session,
        can_send=can_send(request.settings),
    )


@signed_in_script
def add_options(request: Request, session: Session) -> Response:
    """Options to confirm that this one address is added."""
    address = _typed_address(request)
    check_room(request.connection, request.secrets, session.person_id, address, request.now)
    purpose = _adding(request, session, address)
    return json_answer(confirmation_options(request, session.person_id, purpose))


@signed_in_script
def added(request: Request, session: Session) -> Response:
    """The address waits for the link that is on its way to it; the others know."""
    address = _typed_address(request)
    lock_person(request.connection, session.person_id)
    confirm(request, session.person_id, _adding(request, session, address))
    waiting, secret = add_address(
        request.connection, request.secrets, session.person_id, address, request.now
    )
    _record(request, AddressAdded(person_id=session.person_id, address_id=str(waiting.id)))
    link = f"{request.settings.issuer}/addresses/confirm#{secret}"
    notice = kinds.AddressConfirmationNotice(link, waiting.confirmable_until)
    tell_address(request, address, request.language, notice, session.person_id)
    tell(request, session.person_id, kinds.AddressAddedNotice(mask_address(address)))
    touch(request.connection, session, request.now)
    return json_answer({"location": "/addresses?done=added"})


@signed_in
def remove(request: Request, session: Session) -> Response:
    """The page that says what removing this address means, before it asks."""
    known = _addresses_of(request, session)
    address = find_address(
        request.connection,
        request.secrets,
        session.person_id,
        request.path_params["id"],
        request.now,
    )
    others = [each for each in known if each.confirmed_at and each.id != address.id]
    return page(
        request,
        "account/address_remove.html",
        person=session,
        address=_view(request, address),
        last=not others,
    )


@signed_in_script
def removal_options(request: Request, session: Session) -> Response:
    """Options to confirm the removal of this one address."""
    purpose = ChallengePurpose(REMOVE, str(request.path_params["id"]))
    return json_answer(confirmation_options(request, session.person_id, purpose))


@signed_in_script
def removed(request: Request, session: Session) -> Response:
    """The address gets nothing more, after the mail that says so; the others know."""
    lock_person(request.connection, session.person_id)
    address_id = request.path_params["id"]
    confirm(request, session.person_id, ChallengePurpose(REMOVE, str(address_id)))
    address = find_address(
        request.connection, request.secrets, session.person_id, address_id, request.now
    )
    if address.confirmed_at:
        # Before it is removed: it is told too.
        tell(request, session.person_id, kinds.AddressRemovedNotice(mask_address(address.address)))
    if remove_address(request.connection, address, request.now):
        _record(request, AddressRemoved(person_id=session.person_id, address_id=str(address_id)))
    touch(request.connection, session, request.now)
    return json_answer({"location": "/addresses?done=removed"})


def confirmation(request: Request) -> Response:
    """The page that a link leads to; its button confirms, since mail scanners follow links."""
    return page(request, "account/address_confirm.html")


def confirmed(request: Request) -> Response:
    """The address gets notices from now on; the others know."""
    secret = request.json.get("secret")
    if not isinstance(secret, str):
        raise InvalidRequest("invalid_request", N_("What your browser sent could not be read."))
    address = confirm_address(request.connection, request.secrets, secret, request.now)
    event = AddressConfirmed(person_id=address.person_id, address_id=str(address.id))
    _record(request, event)
    _tell_others(request, address)
    return json_answer({"address": mask_address(address.address)})


def _tell_others(request: Request, address: ContactAddress) -> None:
    person = find_person(request.connection, address.person_id)
    assert person is not None, "addresses belong to a person"
    notice = kinds.AddressConfirmedNotice(mask_address(address.address))
    for other in confirmed_addresses(request.connection, request.secrets, address.person_id):
        if not same_address(other, address.address):
            tell_address(request, other, person.language, notice, person.id, name=person.given_name)


def _adding(request: Request, session: Session, address: str) -> ChallengePurpose:
    """Bound to the address, without naming it: a token is signed, not secret."""
    return ChallengePurpose(ADD, address_mark(request.secrets, session.person_id, address))


def _typed_address(request: Request) -> str:
    if not can_send(request.settings):
        raise Unavailable(N_("This service cannot send mail yet."), retry_after=3600)
    typed = request.json.get("address")
    if not isinstance(typed, str):
        raise InvalidRequest("invalid_request", N_("What your browser sent could not be read."))
    return read_address(typed)


def _addresses_of(request: Request, session: Session) -> list[ContactAddress]:
    return addresses_of(request.connection, request.secrets, session.person_id, request.now)


def _view(request: Request, address: ContactAddress) -> dict[str, object]:
    return {
        "id": address.id,
        "masked": mask_address(address.address),
        "confirmed_at": address.confirmed_at,
        "confirmable_until": moment_in_words(
            address.confirmable_until, request.site.pages, request.language
        ),
    }


def _record(request: Request, event: Event) -> None:
    record(request.connection, request.secrets, event, request.now, request.reference)


routes = [
    page_route("/addresses", addresses),
    page_route("/addresses/add", add),
    json_route("/addresses/add/options", add_options),
    json_route("/addresses/add", added, writes=True),
    page_route("/addresses/confirm", confirmation),
    json_route("/addresses/confirm", confirmed, writes=True),
    page_route("/addresses/{id:uuid}/remove", remove),
    json_route("/addresses/{id:uuid}/remove/options", removal_options),
    json_route("/addresses/{id:uuid}/remove", removed, writes=True),
]
