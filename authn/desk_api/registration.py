"""Calls of the registration desk: check a document, issue a code, match a foreign identity.

One call asks for a code and prints it: where the code waits, the answer is 202, and the same call
made again prints it once allowed. The letter is the answer, and is stored nowhere.
"""

from collections.abc import Mapping
from typing import Any, Final, cast

from starlette.responses import Response

from authn.clients.resource_servers.desk_api import DESK_ACT
from authn.consents.desk_acts import WAYS, ConsentDeskAct, Way
from authn.console.act_rules import not_found_error
from authn.console.document_checks import LAST_DIGITS, read_document_form
from authn.console.letters import letter_response
from authn.console.registration import (
    DeskCodeInput,
    check_identity_at_desk,
    print_code_at_desk,
    request_code_at_desk,
)
from authn.console.registration_identities import (
    match_changed_error,
    match_identity_at_desk,
    match_to_confirm,
    see_identity,
)
from authn.desk_api.members import ApiMember
from authn.desk_api.operations import Operation, OperationCall, act_operation
from authn.enrolment.desk_code_rows import find_desk_code
from authn.enrolment.desk_codes.lifecycle import code_not_now_refusal
from authn.federation.foreign_identities import find_identity, list_waiting_identities
from authn.web.protocol import ProtocolError

Json = Mapping[str, Any]

DOCUMENT: Final = ApiMember("document", "The kind of document.", longest=20, required=True)
DIGITS: Final = ApiMember(
    "last_digits", "The last characters of its number.", longest=LAST_DIGITS, required=True
)
VALID: Final = ApiMember(
    "valid_until", "The last day on which it is valid: 2030-01-31.", longest=10, required=True
)
DONE: Final = ApiMember(
    "checks", "The codes of what was looked at: all of the operator's list.", "codes"
)
CODE: Final = ApiMember(
    "code", "What the check of the identity answered as `code`.", "id", required=True
)
ADDRESS: Final = ApiMember(
    "address", "The id of the address that gets the second half; without it, a letter does.", "id"
)
WAY: Final = ApiMember(
    "way",
    "For who has or had a device: `second` for a second member of staff, or `wait`.",
    longest=6,
)
IDENTITY: Final = ApiMember("identity", "The id of the foreign identity.", "id", required=True)


def check_identity(call: OperationCall) -> Json:
    """Record the check of a document, by which a code can be asked for or an identity matched."""
    done = {f"check-{code}": "1" for code in call.members.get(DONE.name, ())}
    named = {each.name: call.members[each.name] for each in (DOCUMENT, DIGITS, VALID)}
    checked = read_document_form(call.request, named | done)
    made = check_identity_at_desk(call.request, call.desk, call.person, checked)
    return {"code": made.id, "person_id": call.person.id, "until": made.expires_at}


def issue_code(call: OperationCall) -> Json | Response:
    """The letter with the code, or what the code waits for."""
    request, wanted = call.request, _read_code_input(call)
    found = find_desk_code(request.connection, wanted.desk_code_id)
    if found.person_id != call.person.id:
        raise not_found_error()
    if found.state == "checked":
        asked = request_code_at_desk(request, call.desk, call.person, wanted)
        if asked.desk_code.state != "open":
            return {
                "act": "issue-code",
                "person_id": call.person.id,
                "code": asked.desk_code.id,
                "approval_id": asked.approval_id,
                "opens_at": None if asked.approval_id else asked.desk_code.opens_at,
            }
    elif (found.second_half == "letter", found.address_id) != _half(wanted):
        raise code_not_now_refusal("asked for with another second half")
    printed = print_code_at_desk(request, call.desk, call.person, wanted.desk_code_id)
    return letter_response(request, call.person, printed)


def match_identity(call: OperationCall) -> Json:
    """Match the identity to the person, or ask a second member of staff to approve."""
    identity_id = call.members[IDENTITY.name]
    waits = match_identity_at_desk(call.request, call.desk, call.person, identity_id)
    return {
        "act": "match-identity",
        "person_id": call.person.id,
        "identity": identity_id,
        "approval_id": waits,
    }


def list_identities(call: OperationCall) -> Json:
    """The foreign identities that wait to be matched, without whose they are."""
    waiting = list_waiting_identities(call.request.connection, call.request.secrets)
    shown = [{"id": e.id, "upstream": e.upstream, "arrived_at": e.arrived_at} for e in waiting]
    return {"identities": shown}


def see_foreign_identity(call: OperationCall) -> Json:
    """The claims of a foreign identity: a look, recorded with its reason, and counted."""
    request, identity_id = call.request, call.request.path_params["id"]
    known = find_identity(request.connection, request.secrets, identity_id)
    if known is not None and known.person_id is not None:
        raise match_changed_error()
    found = see_identity(request, call.desk, identity_id)
    return {
        "id": found.id,
        "upstream": found.upstream,
        "arrived_at": found.arrived_at,
        "claims": dict(found.claims),
    }


def code_confirmation(call: OperationCall) -> ConsentDeskAct:
    """The act to confirm: whose code, which, where the second half goes, how it is allowed."""
    return _read_code_input(call).act_to_confirm(call.person)


def match_confirmation(call: OperationCall) -> ConsentDeskAct:
    """The act to confirm: which identity is whose."""
    return match_to_confirm(call.person, call.members[IDENTITY.name])


def _read_code_input(call: OperationCall) -> DeskCodeInput:
    way = call.members.get(WAY.name) or "second"
    if way not in WAYS:
        raise ProtocolError("invalid_request", "The member way is second or wait.")
    return DeskCodeInput(call.members[CODE.name], call.members.get(ADDRESS.name), cast(Way, way))


def _half(wanted: DeskCodeInput) -> tuple[bool, Any]:
    return wanted.address_id is None, wanted.address_id


OPERATIONS: Final = (
    Operation(
        "check_identity",
        "Check an identity document",
        "/people/{id}/check-identity",
        "check-identity",
        check_identity,
        "IdentityCheck",
        scope=DESK_ACT,
        takes=(DOCUMENT, DIGITS, VALID, DONE),
    ),
    act_operation(
        Operation(
            "issue_code",
            "Issue an activation code",
            "/people/{id}/issue-code",
            "issue-code",
            issue_code,
            "CodeWaits",
            confirms=code_confirmation,
            takes=(CODE, ADDRESS, WAY),
            prints=True,
        )
    ),
    act_operation(
        Operation(
            "match_identity",
            "Match a foreign identity",
            "/people/{id}/match-identity",
            "match-identity",
            match_identity,
            "Match",
            confirms=match_confirmation,
            takes=(IDENTITY,),
        )
    ),
    Operation(
        "identities",
        "See which foreign identities wait",
        "/identities",
        "match-identity",
        list_identities,
        "Identities",
        method="GET",
        with_why=False,
    ),
    Operation(
        "identity",
        "See one of them",
        "/identities/{id}",
        "match-identity",
        see_foreign_identity,
        "Identity",
    ),
)
