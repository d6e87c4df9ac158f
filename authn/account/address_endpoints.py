"""The contact addresses of a person: seeing, adding, confirming and removing.

Adding and removing one needs a device in hand, for that act and that address (decisions 2.9), and
every other address gets a notice: whoever changes where notices go could else act unseen.
Confirming one needs nothing but the link that was sent there.
"""

from starlette.responses import Response

from authn.account.required_session import require_session, require_session_for_script
from authn.audit.events.devices import AddressAdded, AddressConfirmed, AddressRemoved
from authn.audit.events.event import Event
from authn.audit.log import record
from authn.errors import N_, InvalidRequest, Unavailable
from authn.notices import kinds
from authn.notices.contact_addresses import (
    MOST_ADDRESSES,
    ContactAddress,
    add_address,
    address_mark,
    confirm_address,
    confirmed_addresses,
    find_address,
    list_contact_addresses,
    remove_address,
    require_room_for_address,
)
from authn.notices.mail import format_moment
from authn.notices.mail_address import mask_address, read_address, same_address
from authn.notices.notices import tell, tell_address
from authn.outbox.smtp import can_send
from authn.people.persons import find_person, lock_person
from authn.sessions.sessions import Session, record_session_use
from authn.web.request import Request, json_answer, page
from authn.web.routing import json_route, page_route
from authn.webauthn.authentication import authenticate_confirmation, confirmation_options
from authn.webauthn.challenges import ChallengePurpose

ADD, REMOVE = "add-address", "remove-address"  # the acts that challenges name

FLASHES = {
    "added": N_("We sent a mail to the new address. Open the link in it to confirm the address."),
    "removed": N_("The address was removed. It gets no more mails from us."),
}


@require_session
def addresses_page(request: Request, session: Session) -> Response:
    """The page with the person's addresses, masked."""
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


@require_session
def add_address_page(request: Request, session: Session) -> Response:
    """The page that asks for an address."""
    return page(
        request,
        "account/address_add.html",
        person=session,
        can_send=can_send(request.settings),
    )


@require_session_for_script
def add_address_options(request: Request, session: Session) -> Response:
    """Options for the assertion that confirms the new address."""
    address = _typed_address(request)
    require_room_for_address(
        request.connection, request.secrets, session.person_id, address, request.now
    )
    purpose = _adding(request, session, address)
    return json_answer(confirmation_options(request, session.person_id, purpose))


@require_session_for_script
def add_own_address(request: Request, session: Session) -> Response:
    """Adds an unconfirmed address, sends it a link, and notifies the other addresses."""
    address = _typed_address(request)
    lock_person(request.connection, session.person_id)
    authenticate_confirmation(request, session.person_id, _adding(request, session, address))
    waiting, secret = add_address(
        request.connection, request.secrets, session.person_id, address, request.now
    )
    _record(request, AddressAdded(person_id=session.person_id, address_id=str(waiting.id)))
    link = f"{request.settings.issuer}/addresses/confirm#{secret}"
    notice = kinds.AddressConfirmationNotice(link, waiting.confirmable_until)
    tell_address(request, address, request.language, notice, session.person_id)
    tell(request, session.person_id, kinds.AddressAddedNotice(mask_address(address)))
    record_session_use(request.connection, session, request.now)
    return json_answer({"location": "/addresses?done=added"})


@require_session
def remove_address_page(request: Request, session: Session) -> Response:
    """The page that says what removing an address means, before it asks."""
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


@require_session_for_script
def remove_address_options(request: Request, session: Session) -> Response:
    """Options for the assertion that confirms the removal."""
    purpose = ChallengePurpose(REMOVE, str(request.path_params["id"]))
    return json_answer(confirmation_options(request, session.person_id, purpose))


@require_session_for_script
def remove_own_address(request: Request, session: Session) -> Response:
    """Removes an address after a last mail to all addresses."""
    lock_person(request.connection, session.person_id)
    address_id = request.path_params["id"]
    authenticate_confirmation(request, session.person_id, ChallengePurpose(REMOVE, str(address_id)))
    address = find_address(
        request.connection, request.secrets, session.person_id, address_id, request.now
    )
    if address.confirmed_at:
        # Before the removal: this address gets the notice too.
        tell(request, session.person_id, kinds.AddressRemovedNotice(mask_address(address.address)))
    if remove_address(request.connection, address, request.now):
        _record(request, AddressRemoved(person_id=session.person_id, address_id=str(address_id)))
    record_session_use(request.connection, session, request.now)
    return json_answer({"location": "/addresses?done=removed"})


def confirm_address_page(request: Request) -> Response:
    """The page behind the link in a mail; only its button confirms, since scanners follow links."""
    return page(request, "account/address_confirm.html")


def confirm_own_address(request: Request) -> Response:
    """Confirms an address by the secret in a link, and notifies the other addresses."""
    secret = request.json.get("secret")
    if not isinstance(secret, str):
        raise InvalidRequest("invalid_request", N_("What your browser sent could not be read."))
    address = confirm_address(request.connection, request.secrets, secret, request.now)
    event = AddressConfirmed(person_id=address.person_id, address_id=str(address.id))
    _record(request, event)
    _notify_others(request, address)
    return json_answer({"address": mask_address(address.address)})


def _notify_others(request: Request, address: ContactAddress) -> None:
    person = find_person(request.connection, address.person_id)
    assert person is not None, "addresses belong to a person"
    notice = kinds.AddressConfirmedNotice(mask_address(address.address))
    for other in confirmed_addresses(request.connection, request.secrets, address.person_id):
        if not same_address(other, address.address):
            tell_address(request, other, person.language, notice, person.id, name=person.given_name)


def _adding(request: Request, session: Session, address: str) -> ChallengePurpose:
    """The purpose of the challenge, bound to the address by a hash: the token is not secret."""
    return ChallengePurpose(ADD, address_mark(request.secrets, session.person_id, address))


def _typed_address(request: Request) -> str:
    if not can_send(request.settings):
        raise Unavailable(N_("This service cannot send mail yet."), retry_after=3600)
    typed = request.json.get("address")
    if not isinstance(typed, str):
        raise InvalidRequest("invalid_request", N_("What your browser sent could not be read."))
    return read_address(typed)


def _addresses_of(request: Request, session: Session) -> list[ContactAddress]:
    return list_contact_addresses(
        request.connection, request.secrets, session.person_id, request.now
    )


def _view(request: Request, address: ContactAddress) -> dict[str, object]:
    return {
        "id": address.id,
        "masked": mask_address(address.address),
        "confirmed_at": address.confirmed_at,
        "confirmable_until": format_moment(
            address.confirmable_until, request.site.pages, request.language
        ),
    }


def _record(request: Request, event: Event) -> None:
    record(request.connection, request.secrets, event, request.now, request.reference)


routes = [
    page_route("/addresses", addresses_page),
    page_route("/addresses/add", add_address_page),
    json_route("/addresses/add/options", add_address_options),
    json_route("/addresses/add", add_own_address, writes=True),
    page_route("/addresses/confirm", confirm_address_page),
    json_route("/addresses/confirm", confirm_own_address, writes=True),
    page_route("/addresses/{id:uuid}/remove", remove_address_page),
    json_route("/addresses/{id:uuid}/remove/options", remove_address_options),
    json_route("/addresses/{id:uuid}/remove", remove_own_address, writes=True),
]
