"""Pages on which an agent asks to change a contact address, or to merge two persons who are one.

Both wait for a second member of staff. An address is typed first and confirmed on a page of its
own, so that the confirmation is bound to exactly this address (decisions 2.9).
"""

from typing import Any

from starlette.responses import Response

from authn.audit.events.staff import DeskReasonGiven, DeskSearched
from authn.console.act_rules import find_person_at_desk, not_found_error
from authn.console.act_views import caller_questions, read_caller_answers, reason_sentence
from authn.console.acts import do_change_address, do_merge
from authn.console.confirmations import confirm_at_desk, desk_confirmation_options
from authn.console.desk_pages import render_desk_page
from authn.console.looks import record_look
from authn.console.outcome_endpoints import answer_next_page
from authn.console.staff_endpoints import (
    DeskSession,
    desk_form,
    desk_page,
    desk_script,
    person_endpoint,
    person_script_endpoint,
)
from authn.errors import N_, InvalidRequest
from authn.notices.contact_addresses import address_mark, find_address, list_contact_addresses
from authn.notices.mail_address import mask_address, read_address
from authn.outbox.smtp import can_send
from authn.people.numbers import current_ssin
from authn.people.persons import find_person_by_ssin
from authn.people.ssin import InvalidSsin, mask_ssin, parse_ssin, today_in_brussels
from authn.people.tables import Person
from authn.web.request import Request, json_answer, sent_text

NOT_ANOTHER = N_("No other person here has this number. Check it with the caller.")
LONGEST_ADDRESS_FIELD = 254


@person_endpoint("change-address")
def list_addresses(request: Request, desk: DeskSession, person: Person) -> Response:
    """The page of the person's masked addresses, on which to add or remove an address."""
    return _addresses_page(request, desk, person)


@person_endpoint("change-address")
def check_address(request: Request, desk: DeskSession, person: Person) -> Response:
    """The page that asks to confirm the typed address, or the list with what is wrong with it."""
    typed = request.form.get("address", "")
    try:
        address = read_address(typed)
    except InvalidRequest as wrong:
        errors = [{"field": "address", "text": request.translate(wrong.description)}]
        return _addresses_page(request, desk, person, status=422, typed=typed, errors=errors)
    mark = address_mark(request.secrets, person.id, address)
    return _entry_page(request, desk, person, "add_address.html", mark=mark, address=address)


@person_script_endpoint("change-address")
def addition_options(request: Request, desk: DeskSession, person: Person) -> Response:
    """WebAuthn options to confirm that the address with this mark is added."""
    mark = request.path_params["mark"]
    return json_answer(desk_confirmation_options(request, desk, "change-address", mark))


@person_script_endpoint("change-address")
def add_address(request: Request, desk: DeskSession, person: Person) -> Response:
    """Ask to add the address; a second member of staff approves."""
    address = read_address(sent_text(request, "address"))
    mark = address_mark(request.secrets, person.id, address)
    if mark != request.path_params["mark"]:
        raise not_found_error()
    present = confirm_at_desk(request, desk, "change-address", mark)
    checked = read_caller_answers(request)
    return answer_next_page(
        request, present, do_change_address(request, present, person, add=address, checked=checked)
    )


@person_endpoint("change-address")
def show_removal(request: Request, desk: DeskSession, person: Person) -> Response:
    """The page that says what removing the address means, and asks for confirmation."""
    address_id = request.path_params["address"]
    address = find_address(request.connection, request.secrets, person.id, address_id, request.now)
    shown = mask_address(address.address)
    return _entry_page(
        request, desk, person, "remove_address.html", address_id=address_id, address=shown
    )


@person_script_endpoint("change-address")
def removal_options(request: Request, desk: DeskSession, person: Person) -> Response:
    """WebAuthn options to confirm that this address is removed."""
    target = str(request.path_params["address"])
    return json_answer(desk_confirmation_options(request, desk, "change-address", target))


@person_script_endpoint("change-address")
def remove_address(request: Request, desk: DeskSession, person: Person) -> Response:
    """Ask to remove the address; a second member of staff approves."""
    address_id = request.path_params["address"]
    present = confirm_at_desk(request, desk, "change-address", str(address_id))
    checked = read_caller_answers(request)
    outcome = do_change_address(request, present, person, remove=address_id, checked=checked)
    return answer_next_page(request, present, outcome)


@person_endpoint("merge")
def show_merge(request: Request, desk: DeskSession, person: Person) -> Response:
    """The page that asks for the number of the person to merge with."""
    return render_desk_page(request, desk, "console/merge.html", citizen=person, errors=())


@person_endpoint("merge")
def name_other_person(request: Request, desk: DeskSession, person: Person) -> Response:
    """The page of the two persons to merge; to name the other by number is a look at them too."""
    other = _find_by_number(request, desk, request.form.get("number", ""))
    if other is None or other.id in (person.id, desk.person_id):
        errors = [{"field": "number", "text": request.translate(NOT_ANOTHER)}]
        context = {"citizen": person, "errors": errors}
        return render_desk_page(request, desk, "console/merge.html", 422, **context)
    _record_look_at(request, desk, other)
    return _entry_page(
        request,
        desk,
        person,
        "merge_both.html",
        other=other,
        numbers=[_masked_number(request, each) for each in (other, person)],
    )


@person_script_endpoint("merge")
def merge_options(request: Request, desk: DeskSession, person: Person) -> Response:
    """WebAuthn options to confirm that exactly these two persons are merged."""
    return json_answer(desk_confirmation_options(request, desk, "merge", _merge_target(request)))


@person_script_endpoint("merge")
def merge(request: Request, desk: DeskSession, person: Person) -> Response:
    """Ask to merge the two persons; a second member of staff approves."""
    other_id = request.path_params["other"]
    present = confirm_at_desk(request, desk, "merge", _merge_target(request), other_id)
    other = find_person_at_desk(request.connection, other_id)
    if other is not None:  # their name stands on the page of what waits
        _record_look_at(request, present, other)
    outcome = do_merge(request, present, person, other_id, checked=read_caller_answers(request))
    return answer_next_page(request, present, outcome)


def _record_look_at(request: Request, desk: DeskSession, other: Person) -> None:
    """Record a look at the other person, for the reason that the desk has."""
    record_look(request, desk, DeskReasonGiven(**desk.event_fields(other.id)))


def _addresses_page(
    request: Request,
    desk: DeskSession,
    person: Person,
    *,
    status: int = 200,
    typed: str = "",
    errors: Any = (),
) -> Response:
    known = list_contact_addresses(request.connection, request.secrets, person.id, request.now)
    shown = [
        {"id": each.id, "masked": mask_address(each.address), "confirmed": each.confirmed_at}
        for each in known
    ]
    return render_desk_page(
        request,
        desk,
        "console/addresses.html",
        status,
        citizen=person,
        addresses=shown,
        sends=can_send(request.settings),
        typed=typed[:LONGEST_ADDRESS_FIELD],
        errors=errors,
    )


def _entry_page(
    request: Request, desk: DeskSession, person: Person, template: str, **context: Any
) -> Response:
    """The page before an act that waits for a second member of staff."""
    return render_desk_page(
        request,
        desk,
        f"console/{template}",
        citizen=person,
        device=None,
        effects=None,
        reason=reason_sentence(request, desk.why.reason),
        questions=caller_questions(request),
        may=True,
        waits=True,
        **context,
    )


def _find_by_number(request: Request, desk: DeskSession, typed: str) -> Person | None:
    """The person with this number; a search that finds nobody is recorded and counted."""
    try:
        ssin = parse_ssin(typed, today_in_brussels(request.now))
    except InvalidSsin:
        return None
    found = find_person_by_ssin(request.connection, request.secrets, ssin)
    if found is None:
        event = DeskSearched(**desk.event_fields(None), kind="number", found=0)
        record_look(request, desk, event)
        return None
    return find_person_at_desk(request.connection, found.id)


def _masked_number(request: Request, person: Person) -> str:
    return mask_ssin(current_ssin(request.connection, request.secrets, person.id))


def _merge_target(request: Request) -> str:
    """The ids of both persons, the one who stays first, to which the confirmation is bound."""
    return f"{request.path_params['id']} {request.path_params['other']}"


_PEOPLE = "/desk/people/{id:uuid}"
routes = [
    desk_page(f"{_PEOPLE}/addresses", list_addresses),
    desk_form(f"{_PEOPLE}/addresses", check_address),
    desk_script(f"{_PEOPLE}/addresses/added/{{mark}}/options", addition_options, writes=False),
    desk_script(f"{_PEOPLE}/addresses/added/{{mark}}", add_address),
    desk_page(f"{_PEOPLE}/addresses/{{address:uuid}}/remove", show_removal),
    desk_script(
        f"{_PEOPLE}/addresses/{{address:uuid}}/remove/options", removal_options, writes=False
    ),
    desk_script(f"{_PEOPLE}/addresses/{{address:uuid}}/remove", remove_address),
    desk_page(f"{_PEOPLE}/merge", show_merge),
    desk_form(f"{_PEOPLE}/merge", name_other_person),
    desk_script(f"{_PEOPLE}/merge/{{other:uuid}}/options", merge_options, writes=False),
    desk_script(f"{_PEOPLE}/merge/{{other:uuid}}", merge),
]
