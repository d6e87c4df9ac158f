"""Calls that act on people: the functions of `console.acts`, as the pages call them.

An act that needs a second member of staff answers 202, with what waits. None of them is done twice:
what is so already is a 409, and the same request for approval is the one that waits.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

from authn.clients.desk_api import DESK_ACT
from authn.consents.desk_acts import ConsentDeskAct
from authn.console import acts
from authn.console.acts import ActOutcome
from authn.console.said import SAID, SAME_AS, what_to_say
from authn.console.targets import seen_person
from authn.console.undo import UndoableAct, done_token, read_done, undo_suspension
from authn.desk_api.looking import say_why
from authn.desk_api.members import ApiMember
from authn.desk_api.operations import Operation, OperationCall, an_act
from authn.notices.address import LONGEST_ADDRESS, read_address
from authn.notices.addresses import address_mark
from authn.staff.roles import Act
from authn.web.protocol import ProtocolError

CHECKED: Final = ApiMember(
    "checked", "The codes of the operator's questions that the caller answered well.", "codes"
)
ADD: Final = ApiMember("add", "The address to be added.", longest=LONGEST_ADDRESS)
REMOVE: Final = ApiMember("remove", "The id of the address to be removed.", "id")
MERGED: Final = ApiMember("merged", "Who turned out to be this person, too.", "id", required=True)
UNDO: Final = ApiMember("undo", "What the act answered as `undo`.", longest=2000, required=True)


def on_device(do: Callable[..., ActOutcome]) -> Callable[[OperationCall], Mapping[str, Any]]:
    """The call that does this to the device in its path."""

    def call_act(call: OperationCall) -> Mapping[str, Any]:
        device_id = call.request.path_params["device"]
        outcome = do(call.request, call.desk, call.person, device_id, checked=_checked(call))
        return outcome_in_json(call, outcome)

    return call_act


def on_person(do: Callable[..., ActOutcome]) -> Callable[[OperationCall], Mapping[str, Any]]:
    """The call that does this to the person in its path."""

    def call_act(call: OperationCall) -> Mapping[str, Any]:
        outcome = do(call.request, call.desk, call.person, checked=_checked(call))
        return outcome_in_json(call, outcome)

    return call_act


def change_address(call: OperationCall) -> Mapping[str, Any]:
    """An address is added, or one is removed: one of the two."""
    add, remove = _address(call)
    checked = _checked(call)
    outcome = acts.do_change_address(
        call.request, call.desk, call.person, add=add, remove=remove, checked=checked
    )
    return outcome_in_json(call, outcome)


def merge(call: OperationCall) -> Mapping[str, Any]:
    """All of the other goes over to the person in the path."""
    merged_id: UUID = call.members[MERGED.name]
    outcome = acts.do_merge(call.request, call.desk, call.person, merged_id, checked=_checked(call))
    return outcome_in_json(call, outcome)


def confirms_address(call: OperationCall) -> ConsentDeskAct:
    """What is confirmed: the address that is there by its id, one to be added by its mark."""
    add, remove = _address(call)
    person_id = call.person.id
    name = str(remove or address_mark(call.request.secrets, person_id, read_address(add)))
    return ConsentDeskAct("change-address", {"person": str(person_id), "address": name})


def confirms_merging(call: OperationCall) -> ConsentDeskAct:
    """What is confirmed: both, and which of them stays.

    The other one is looked at as well, for the same reason: whoever confirms it reads both names.
    """
    merged_id: UUID = call.members[MERGED.name]
    known = seen_person(call.request.connection, merged_id) is not None
    if known and merged_id != call.desk.person_id:
        say_why(call.request, call.desk, merged_id)
    return ConsentDeskAct("merge", {"person": str(call.person.id), "merged": str(merged_id)})


def undo(call: OperationCall) -> Mapping[str, Any]:
    """The wrong device works again, as if it had not been blocked."""
    request = call.request
    done = read_done(request.secrets, call.members[UNDO.name], request.now)
    say_why(request, call.desk, done.person_id)
    undo_suspension(request, call.desk, done)
    return {
        "act": "undo",
        "person_id": done.person_id,
        "device_id": done.device_id,
        "approval_id": None,
        "say": [],
        "undo": None,
        "undo_until": None,
    }


def outcome_in_json(call: OperationCall, outcome: ActOutcome) -> Mapping[str, Any]:
    """What came of an act; where it was done, what to tell the citizen, and how to take it back."""
    request = call.request
    did = UndoableAct(
        outcome.act, outcome.person_id, outcome.device_id, request.now, call.desk.person_id
    )
    waits = outcome.approval_id is not None
    until = None if waits else did.undoable_until(request.settings)
    return {
        "act": outcome.act,
        "person_id": outcome.person_id,
        "device_id": outcome.device_id,
        "approval_id": outcome.approval_id,
        "say": [] if waits else _said(call, outcome),
        "undo": done_token(request.secrets, request.settings, did) if until else None,
        "undo_until": until,
    }


def _said(call: OperationCall, outcome: ActOutcome) -> list[Mapping[str, Any]]:
    """The sentences for the citizen, in their language and in the agent's."""
    if call.about is None or SAME_AS.get(outcome.act, outcome.act) not in SAID:
        return []
    words = what_to_say(call.request, call.about, outcome.act, outcome.device_id)
    return [{"language": each.language, "sentences": each.sentences} for each in words]


def _address(call: OperationCall) -> tuple[str, UUID | None]:
    """What is to be added, and what removed: one of the two."""
    add, remove = call.members.get(ADD.name, ""), call.members.get(REMOVE.name)
    if bool(add) == bool(remove):
        raise ProtocolError("invalid_request", "Either add or remove is needed.")
    return add, remove


def _checked(call: OperationCall) -> str:
    """How each question of the operator's list was answered: never what the answer was."""
    asked = call.request.settings.desk_questions
    well = call.members.get(CHECKED.name, ())
    if not {*well} <= asked.keys():
        raise ProtocolError("invalid_request", "The member checked has a code that is no question.")
    return ", ".join(f"{code} {'yes' if code in well else 'no'}" for code in asked)


def _device_act(name: Act, summary: str, do: Callable[..., ActOutcome]) -> Operation:
    path = f"/people/{{id}}/devices/{{device}}/{name}"
    return an_act(Operation(name, summary, path, name, on_device(do), "Outcome", takes=(CHECKED,)))


def _person_act(
    act: Act,
    summary: str,
    answer: Callable[[OperationCall], Mapping[str, Any]],
    *takes: ApiMember,
    confirms: Callable[[OperationCall], ConsentDeskAct] | None = None,
) -> Operation:
    name = act.replace("-", "_")
    path, members = f"/people/{{id}}/{act}", (*takes, CHECKED)
    return an_act(
        Operation(name, summary, path, act, answer, "Outcome", takes=members, confirms=confirms)
    )


OPERATIONS: Final = (
    _device_act("suspend", "Block a device", acts.do_suspend),
    _device_act("resume", "Unblock a device", acts.do_resume),
    _device_act("unlink", "Remove a device for good", acts.do_unlink),
    _person_act("block-all", "Block every device", on_person(acts.do_block_all)),
    _person_act("begin-return", "Begin a return", on_person(acts.do_begin_return)),
    _person_act(
        "change-address",
        "Add or remove a mail address",
        change_address,
        ADD,
        REMOVE,
        confirms=confirms_address,
    ),
    _person_act("merge", "Make one person of two", merge, MERGED, confirms=confirms_merging),
    Operation(
        "undo",
        "Take back a block of the last minutes",
        "/undo",
        "suspend",
        undo,
        "Outcome",
        scope=DESK_ACT,
        takes=(UNDO,),
    ),
)
