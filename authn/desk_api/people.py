"""Calls that look at people: recorded before anything is shown, and showing nothing to log in with.

They show what the page of a person shows (`console.person_view`), but only the end of a national
number: a whole number is released by the scope `ssin` alone (decisions 8.6).
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from authn.console.act_rules import MERGED
from authn.console.find import BIRTHDATE, CLUE, LONGEST_TYPED, NAME, find_persons, read_search
from authn.console.find_endpoints import masked_numbers, record_search
from authn.console.looks import LOOKS
from authn.console.person_approvals import PersonApproval
from authn.console.person_devices import DeviceCard
from authn.console.person_offers import ActOffer
from authn.console.person_view import MOST_ROWS, PersonView, person_view
from authn.desk_api.looks import record_look_at_person
from authn.desk_api.members import ApiMember
from authn.desk_api.operations import Operation, OperationCall
from authn.errors import Forbidden
from authn.notices.contact_addresses import list_contact_addresses
from authn.notices.mail_address import mask_address
from authn.people.ssin import today_in_brussels
from authn.people.tables import Person
from authn.views.activity import ActivityEntry, latest_entries

Json = Mapping[str, Any]


def find_people(call: OperationCall) -> Json:
    """The persons that the search finds and this member of staff may see, at most twenty."""
    request = call.request
    typed = {name: call.members.get(name, "") for name in (CLUE, NAME, BIRTHDATE)}
    search = read_search(typed, today_in_brussels(request.now))
    found = find_persons(request, call.desk, search)
    record_search(request, call.desk, search, found, call.desk.why)
    numbers = masked_numbers(request, found)
    return {
        "people": [_person_json(each) | {"number": numbers[each.id]} for each in found.persons],
        "too_many": found.too_many,
        "citizen": found.citizen,
    }


def see_person(call: OperationCall) -> Json:
    """The person, without their devices; of a merged person, who they are now."""
    request, person = call.request, call.person
    record_look_at_person(request, call.desk, person.id)
    if person.merged_into is not None:  # the number belongs to the other person now
        merged = {"number": None, "status": "merged", "merged_into": person.merged_into}
        return _person_json(person) | merged
    view = person_view(request, call.desk, person)
    addresses = list_contact_addresses(request.connection, request.secrets, person.id, request.now)
    return {
        **_person_json(person),
        "number": view.number,
        "status": "deceased" if person.deceased else "living",
        "merged_into": None,
        "language": person.language,
        "colleague": view.colleague,
        "blocked_until": view.block.ends_at if view.block else None,
        "return_opens_at": view.waiting.opens_at if view.waiting else None,
        "addresses": [
            {
                "id": each.id,
                "address": mask_address(each.address),
                "confirmed": each.confirmed_at is not None,
            }
            for each in addresses
        ],
        "acts": _offers_json(view.offers),
        "approvals": [_approval_json(each) for each in view.approvals],
    }


def see_devices(call: OperationCall) -> Json:
    """The person's devices, as a caller would describe them, with suspicions."""
    return {"devices": [_device_json(each) for each in _look_at_person(call).cards]}


def see_sessions(call: OperationCall) -> Json:
    """Where the person is signed in now, and with which device."""
    return {
        "sessions": [
            {
                "device_id": card.view.id,
                "device": card.view.name,
                "browser": each.browser,
                "since": each.since,
                "last_seen": each.last_seen,
            }
            for card in _look_at_person(call).cards
            for each in card.sessions
        ]
    }


def see_activity(call: OperationCall) -> Json:
    """What happened to the person lately, in the language of the request."""
    _refuse_merged(call.person)
    record_look_at_person(call.request, call.desk, call.person.id)
    left_out = {each.name for each in LOOKS}
    entries = latest_entries(call.request, call.person.id, left_out, MOST_ROWS)
    return {"activity": [_entry_json(each) for each in entries]}


def _look_at_person(call: OperationCall) -> PersonView:
    _refuse_merged(call.person)
    record_look_at_person(call.request, call.desk, call.person.id)
    return person_view(call.request, call.desk, call.person)


def _refuse_merged(person: Person) -> None:
    """Raise `Forbidden` for a merged person, who has nothing any more."""
    if person.merged_into is not None:
        raise Forbidden("merged", MERGED)


def _person_json(person: Person) -> dict[str, Any]:
    return {
        "id": person.id,
        "given_name": person.given_name,
        "family_name": person.family_name,
        "birthdate": person.birthdate,
    }


def _device_json(card: DeviceCard) -> Json:
    view = card.view
    return {
        "id": view.id,
        "name": view.name,
        "kind": view.kind,
        "model": view.model,
        "level": view.level,
        "status": view.status,
        "shared": view.backup_eligible,
        "last_that_works": view.only,
        "added_at": view.added_at,
        "added_how": view.added_how,
        "last_used_at": view.last_used_at,
        "last_application": view.last_application,
        "browser": view.browser,
        "place": view.place,
        "suspended_at": view.suspended_at,
        "suspended_why": view.suspended_why,
        "suspended_reason": view.suspended_reason,
        "suspended_until": view.suspended_until,
        "suspicions": card.suspicions,
        "sessions": len(card.sessions),
        "applications": card.applications,
        "acts": _offers_json(card.offers),
    }


def _approval_json(each: PersonApproval) -> Json:
    return {
        "id": each.id,
        "act": each.act,
        "state": each.state,
        "asked_by": each.asked_by,
        "asked_at": each.asked_at,
        "expires_at": each.expires_at,
        "decided_by": each.decided_by,
        "remark": each.remark,
    }


def _offers_json(offers: Iterable[ActOffer]) -> list[Json]:
    return [{"act": each.act, "waits": each.waits} for each in offers]


def _entry_json(entry: ActivityEntry) -> Json:
    return {
        "at": entry.at,
        "what": entry.what,
        "application": entry.application,
        "device": entry.device,
        "by": entry.by,
        "why": entry.why,
        "reference": entry.reference,
        "times": entry.times,
    }


_TYPED: Final = (
    ApiMember(
        CLUE, "A national number, a reference, or a mail address, whole.", longest=LONGEST_TYPED
    ),
    ApiMember(NAME, "The beginning of the name; with `birthdate`.", longest=LONGEST_TYPED),
    ApiMember(BIRTHDATE, "Such as 1961-04-27, or the year alone.", longest=LONGEST_TYPED),
)

OPERATIONS: Final = (
    Operation("find", "Find a person", "/people/find", "find", find_people, "Found", takes=_TYPED),
    Operation("person", "See a person", "/people/{id}", "see-person", see_person, "Person"),
    Operation(
        "devices", "See their devices", "/people/{id}/devices", "see-person", see_devices, "Devices"
    ),
    Operation(
        "sessions",
        "See where they are signed in",
        "/people/{id}/sessions",
        "see-person",
        see_sessions,
        "Sessions",
    ),
    Operation(
        "activity",
        "See what happened lately",
        "/people/{id}/activity",
        "see-person",
        see_activity,
        "Activity",
    ),
)
