"""The acts of the desk on a person's entry: a contact address, and two persons who are one.

Both wait for a second member of staff. An address is typed first and confirmed on a page of its
own, so that the confirmation is bound to exactly this address (decisions 2.9).
"""

from typing import Any

from starlette.responses import Response

from authn.audit.staff_events import DeskReasonGiven, DeskSearched
from authn.console.act_views import checked_in, questions, reason_shown
from authn.console.acts import do_change_address, do_merge
from authn.console.confirming import confirm_at_desk, desk_confirmation_options
from authn.console.desk import DeskSession, about_person, about_person_script
from authn.console.done_endpoints import go_on
from authn.console.looks import record_look
from authn.console.routes import desk_form, desk_page, desk_script
from authn.console.shown import desk_answer
from authn.console.targets import nothing_here, seen_person
from authn.errors import N_, InvalidRequest
from authn.notices.address import mask_address, read_address
from authn.notices.addresses import address_mark, addresses_of, find_address
from authn.outbox.smtp import can_send
from authn.people.numbers import current_ssin
from authn.people.persons import find_person_by_ssin
from authn.people.ssin import InvalidSsin, mask, parse_ssin, today_in_brussels
from authn.people.tables import Person
from authn.web.request import Request, json_answer, sent_text

NOT_ANOTHER = N_("No other person here has this number. Check it with the caller.")
LONGEST_ADDRESS_FIELD = 254


@about_person("change-address")
def addresses(request: Request, desk: DeskSession, person: Person) -> Response:
    """The person's addresses, masked: one can be removed, and one added."""
    return _addresses(request, desk, person)


@about_person("change-address")
def address_typed(request: Request, desk: DeskSession, person: Person) -> Response:
    """The page that asks to confirm exactly this address; or says what is wrong with it."""
    typed = request.form.get("address", "")
    try:
        address = read_address(typed)
    except InvalidRequest as wrong:
        errors = [{"field": "address", "text": request.translate(wrong.description)}]
        return _addresses(request, desk, person, status=422, typed=typed, errors=errors)
    mark = address_mark(request.secrets, person.id, address)
    return _entry_page(request, desk, person, "add_address.html", mark=mark, address=address)


@about_person_script("change-address")
def adding_options(request: Request, desk: DeskSession, person: Person) -> Response:
    """Options to confirm that the address with this mark is added."""
    mark = request.path_params["mark"]
    return json_answer(desk_confirmation_options(request, desk, "change-address", mark))


@about_person_script("change-address")
def address_added(request: Request, desk: DeskSession, person: Person) -> Response:
    """The address is asked for; it is added once a second member of staff approves."""
    address = read_address(sent_text(request, "address"))
    mark = address_mark(request.secrets, person.id, address)
    if mark != request.path_params["mark"]:
        raise nothing_here()
    present = confirm_at_desk(request, desk, "change-address", mark)
    checked = checked_in(request)
    return go_on(
        request, present, do_change_address(request, present, person, add=address, checked=checked)
    )


@about_person("change-address")
def removing(request: Request, desk: DeskSession, person: Person) -> Response:
    """The page that says what removing the address means, before it asks."""
    address_id = request.path_params["address"]
    address = find_address(request.connection, request.secrets, person.id, address_id, request.now)
    shown = mask_address(address.address)
    return _entry_page(
        request, desk, person, "remove_address.html", address_id=address_id, address=shown
    )


@about_person_script("change-address")
def removing_options(request: Request, desk: DeskSession, person: Person) -> Response:
    """Options to confirm that this one address is removed."""
    target = str(request.path_params["address"])
    return json_answer(desk_confirmation_options(request, desk, "change-address", target))


@about_person_script("change-address")
def address_removed(request: Request, desk: DeskSession, person: Person) -> Response:
    """Its removal is asked for."""
    address_id = request.path_params["address"]
    present = confirm_at_desk(request, desk, "change-address", str(address_id))
    checked = checked_in(request)
    outcome = do_change_address(request, present, person, remove=address_id, checked=checked)
    return go_on(request, present, outcome)


@about_person("merge")
def merging(request: Request, desk: DeskSession, person: Person) -> Response:
    """The page that asks with whom this person is one."""
    return desk_answer(request, desk, "console/merge.html", citizen=person, errors=())


@about_person("merge")
def other_named(request: Request, desk: DeskSession, person: Person) -> Response:
    """The page of the two; to name the other one by their number is a look at them as well."""
    other = _by_number(request, desk, request.form.get("number", ""))
    if other is None or other.id in (person.id, desk.person_id):
        errors = [{"field": "number", "text": request.translate(NOT_ANOTHER)}]
        context = {"citizen": person, "errors": errors}
        return desk_answer(request, desk, "console/merge.html", 422, **context)
    _look_at(request, desk, other)
    return _entry_page(
        request,
        desk,
        person,
        "merge_both.html",
        other=other,
        numbers=[_masked_number(request, each) for each in (other, person)],
    )


@about_person_script("merge")
def merge_options(request: Request, desk: DeskSession, person: Person) -> Response:
    """Options to confirm that exactly these two are joined."""
    return json_answer(desk_confirmation_options(request, desk, "merge", _both(request)))


@about_person_script("merge")
def merged(request: Request, desk: DeskSession, person: Person) -> Response:
    """That the two become one is asked for."""
    other_id = request.path_params["other"]
    present = confirm_at_desk(request, desk, "merge", _both(request), other_id)
    other = seen_person(request.connection, other_id)
    if other is not None:  # their name stands on the page of what waits
        _look_at(request, present, other)
    outcome = do_merge(request, present, person, other_id, checked=checked_in(request))
    return go_on(request, present, outcome)


def _look_at(request: Request, desk: DeskSession, other: Person) -> None:
    """The other one is looked at for the reason that the desk has."""
    record_look(request, desk, DeskReasonGiven(**desk.on_record(other.id)))


def _addresses(
    request: Request,
    desk: DeskSession,
    person: Person,
    *,
    status: int = 200,
    typed: str = "",
    errors: Any = (),
) -> Response:
    known = addresses_of(request.connection, request.secrets, person.id, request.now)
    shown = [
        {"id": each.id, "masked": mask_address(each.address), "confirmed": each.confirmed_at}
        for each in known
    ]
    return desk_answer(
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
    """The page before an act that waits for a second one."""
    return desk_answer(
        request,
        desk,
        f"console/{template}",
        citizen=person,
        device=None,
        effects=None,
        reason=reason_shown(request, desk.why.reason),
        questions=questions(request),
        may=True,
        waits=True,
        **context,
    )


def _by_number(request: Request, desk: DeskSession, typed: str) -> Person | None:
    """Who has this number here; a search for nobody counts and is on record, as any other."""
    try:
        ssin = parse_ssin(typed, today_in_brussels(request.now))
    except InvalidSsin:
        return None
    found = find_person_by_ssin(request.connection, request.secrets, ssin)
    if found is None:
        event = DeskSearched(**desk.on_record(None), kind="number", found=0)
        record_look(request, desk, event)
        return None
    return seen_person(request.connection, found.id)


def _masked_number(request: Request, person: Person) -> str:
    return mask(current_ssin(request.connection, request.secrets, person.id))


def _both(request: Request) -> str:
    """What the confirmation is bound to: both, and which of them stays."""
    return f"{request.path_params['id']} {request.path_params['other']}"


_PEOPLE = "/desk/people/{id:uuid}"
routes = [
    desk_page(f"{_PEOPLE}/addresses", addresses),
    desk_form(f"{_PEOPLE}/addresses", address_typed),
    desk_script(f"{_PEOPLE}/addresses/added/{{mark}}/options", adding_options, writes=False),
    desk_script(f"{_PEOPLE}/addresses/added/{{mark}}", address_added),
    desk_page(f"{_PEOPLE}/addresses/{{address:uuid}}/remove", removing),
    desk_script(
        f"{_PEOPLE}/addresses/{{address:uuid}}/remove/options", removing_options, writes=False
    ),
    desk_script(f"{_PEOPLE}/addresses/{{address:uuid}}/remove", address_removed),
    desk_page(f"{_PEOPLE}/merge", merging),
    desk_form(f"{_PEOPLE}/merge", other_named),
    desk_script(f"{_PEOPLE}/merge/{{other:uuid}}/options", merge_options, writes=False),
    desk_script(f"{_PEOPLE}/merge/{{other:uuid}}", merged),
]
