"""Calls that act on people, by the functions of `console.acts` that the pages call too.

An act that needs a second member of staff answers 202, with the approval that waits. Nothing is
done twice: what is so already is a 409, and a repeated request finds the approval that waits.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

from authn.clients.resource_servers.desk_api import DESK_ACT
from authn.consents.desk_acts import ConsentDeskAct
from authn.console import acts
from authn.console.act_rules import find_person_at_desk
from authn.console.act_texts import ACT_TEXTS, SAME_AS, texts_for_citizen
from authn.console.acts import ActOutcome
from authn.console.undo import UndoableAct, read_act_token, sign_act_token, undo_suspension
from authn.desk_api.looks import record_reason
from authn.desk_api.members import ApiMember
from authn.desk_api.operations import Operation, OperationCall, act_operation
from authn.notices.contact_addresses import address_mark
from authn.notices.mail_address import LONGEST_ADDRESS, read_address
from authn.staff.roles import Act
from authn.web.protocol import ProtocolError

CHECKED: Final = ApiMember(
    "checked", "The codes of the operator's questions that the caller answered well.", "codes"
)
ADD: Final = ApiMember("add", "The address to be added.", longest=LONGEST_ADDRESS)
REMOVE: Final = ApiMember("remove", "The id of the address to be removed.", "id")
MERGED: Final = ApiMember("merged", "Who turned out to be this person, too.", "id", required=True)
UNDO: Final = ApiMember("undo", "What the act answered as `undo`.", longest=2000, required=True)


def device_act_answer(
    do: Callable[..., ActOutcome],
) -> Callable[[OperationCall], Mapping[str, Any]]:
    """The answer of a call that performs `do` on the device in its path."""

    def call_act(call: OperationCall) -> Mapping[str, Any]:
        device_id = call.request.path_params["device"]
        outcome = do(
            call.request, call.desk, call.person, device_id, checked=_read_caller_answers(call)
        )
        return outcome_json(call, outcome)

    return call_act


def person_act_answer(
    do: Callable[..., ActOutcome],
) -> Callable[[OperationCall], Mapping[str, Any]]:
    """The answer of a call that performs `do` on the person in its path."""

    def call_act(call: OperationCall) -> Mapping[str, Any]:
        outcome = do(call.request, call.desk, call.person, checked=_read_caller_answers(call))
        return outcome_json(call, outcome)

    return call_act


def change_address(call: OperationCall) -> Mapping[str, Any]:
    """Add a contact address, or remove one."""
    add, remove = _read_address_change(call)
    checked = _read_caller_answers(call)
    outcome = acts.do_change_address(
        call.request, call.desk, call.person, add=add, remove=remove, checked=checked
    )
    return outcome_json(call, outcome)


def merge(call: OperationCall) -> Mapping[str, Any]:
    """Move everything of the member `merged` to the person in the path."""
    merged_id: UUID = call.members[MERGED.name]
    outcome = acts.do_merge(
        call.request, call.desk, call.person, merged_id, checked=_read_caller_answers(call)
    )
    return outcome_json(call, outcome)


def address_confirmation(call: OperationCall) -> ConsentDeskAct:
    """The act to confirm: an address to remove by its id, an address to add by its mark."""
    add, remove = _read_address_change(call)
    person_id = call.person.id
    name = str(remove or address_mark(call.request.secrets, person_id, read_address(add)))
    return ConsentDeskAct("change-address", {"person": str(person_id), "address": name})


def merge_confirmation(call: OperationCall) -> ConsentDeskAct:
    """The act to confirm: both persons, and which of them stays.

    The other person is looked at as well, for the same reason: who confirms reads both names.
    """
    merged_id: UUID = call.members[MERGED.name]
    known = find_person_at_desk(call.request.connection, merged_id) is not None
    if known and merged_id != call.desk.person_id:
        record_reason(call.request, call.desk, merged_id)
    return ConsentDeskAct("merge", {"person": str(call.person.id), "merged": str(merged_id)})


def undo(call: OperationCall) -> Mapping[str, Any]:
    """Undo a block of the last minutes: the wrong device works again."""
    request = call.request
    done = read_act_token(request.secrets, call.members[UNDO.name], request.now)
    record_reason(request, call.desk, done.person_id)
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


def outcome_json(call: OperationCall, outcome: ActOutcome) -> Mapping[str, Any]:
    """The outcome of an act as JSON; once done, with texts for the citizen, and how to undo."""
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
        "say": [] if waits else _citizen_texts(call, outcome),
        "undo": sign_act_token(request.secrets, request.settings, did) if until else None,
        "undo_until": until,
    }


def _citizen_texts(call: OperationCall, outcome: ActOutcome) -> list[Mapping[str, Any]]:
    """The sentences for the citizen, in their language and in the agent's."""
    if call.about is None or SAME_AS.get(outcome.act, outcome.act) not in ACT_TEXTS:
        return []
    words = texts_for_citizen(call.request, call.about, outcome.act, outcome.device_id)
    return [{"language": each.language, "sentences": each.sentences} for each in words]


def _read_address_change(call: OperationCall) -> tuple[str, UUID | None]:
    """The address to add and the id of the address to remove: exactly one is given."""
    add, remove = call.members.get(ADD.name, ""), call.members.get(REMOVE.name)
    if bool(add) == bool(remove):
        raise ProtocolError("invalid_request", "Either add or remove is needed.")
    return add, remove


def _read_caller_answers(call: OperationCall) -> str:
    """How each question of `desk_questions` was answered: whether right, never the answer."""
    asked = call.request.settings.desk_questions
    well = call.members.get(CHECKED.name, ())
    if not {*well} <= asked.keys():
        raise ProtocolError("invalid_request", "The member checked has a code that is no question.")
    return ", ".join(f"{code} {'yes' if code in well else 'no'}" for code in asked)


def _device_act(name: Act, summary: str, do: Callable[..., ActOutcome]) -> Operation:
    path = f"/people/{{id}}/devices/{{device}}/{name}"
    return act_operation(
        Operation(name, summary, path, name, device_act_answer(do), "Outcome", takes=(CHECKED,))
    )


def _person_act(
    act: Act,
    summary: str,
    answer: Callable[[OperationCall], Mapping[str, Any]],
    *takes: ApiMember,
    confirms: Callable[[OperationCall], ConsentDeskAct] | None = None,
) -> Operation:
    name = act.replace("-", "_")
    path, members = f"/people/{{id}}/{act}", (*takes, CHECKED)
    return act_operation(
        Operation(name, summary, path, act, answer, "Outcome", takes=members, confirms=confirms)
    )


OPERATIONS: Final = (
    _device_act("suspend", "Block a device", acts.do_suspend),
    _device_act("resume", "Unblock a device", acts.do_resume),
    _device_act("unlink", "Remove a device for good", acts.do_unlink),
    _person_act("block-all", "Block every device", person_act_answer(acts.do_block_all)),
    _person_act("begin-return", "Begin a return", person_act_answer(acts.do_begin_return)),
    _person_act(
        "change-address",
        "Add or remove a mail address",
        change_address,
        ADD,
        REMOVE,
        confirms=address_confirmation,
    ),
    _person_act("merge", "Make one person of two", merge, MERGED, confirms=merge_confirmation),
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
