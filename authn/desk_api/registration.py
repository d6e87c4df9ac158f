"""Calls of the registration desk: a document checked, a code issued, a foreign identity matched.

A code is asked for and printed by one call: where it waits, the answer is 202, and the same call
made again prints it once it may be. The letter is the answer, and nothing keeps it.
"""

from collections.abc import Mapping
from typing import Any, Final, cast

from starlette.responses import Response

from authn.clients.desk_api import DESK_ACT
from authn.consents.desk_acts import WAYS, ConsentDeskAct, Way
from authn.console.document_checks import LAST_DIGITS, read_checked
from authn.console.printing import printed_letter
from authn.console.registration import (
    DeskCodeInput,
    do_ask_for_code,
    do_check_identity,
    do_print_code,
)
from authn.console.registration_identities import (
    do_match,
    match_changed,
    match_confirmed,
    see_identity,
)
from authn.console.targets import nothing_here
from authn.desk_api.members import ApiMember
from authn.desk_api.operations import Operation, OperationCall, an_act
from authn.enrolment.desk_code_rows import find_desk_code
from authn.enrolment.desk_codes import not_now
from authn.federation.foreign_identities import find_identity, waiting_identities
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
    """The document is checked; a code can be asked for, or an identity matched, by that."""
    done = {f"check-{code}": "1" for code in call.members.get(DONE.name, ())}
    named = {each.name: call.members[each.name] for each in (DOCUMENT, DIGITS, VALID)}
    checked = read_checked(call.request, named | done)
    made = do_check_identity(call.request, call.desk, call.person, checked)
    return {"code": made.id, "person_id": call.person.id, "until": made.expires_at}


def issue_code(call: OperationCall) -> Json | Response:
    """The letter; or what it waits for. What was asked for already is printed as it was asked."""
    request, wanted = call.request, _wanted(call)
    found = find_desk_code(request.connection, wanted.desk_code_id)
    if found.person_id != call.person.id:
        raise nothing_here()
    if found.state == "checked":
        asked = do_ask_for_code(request, call.desk, call.person, wanted)
        if asked.desk_code.state != "open":
            return {
                "act": "issue-code",
                "person_id": call.person.id,
                "code": asked.desk_code.id,
                "approval_id": asked.approval_id,
                "opens_at": None if asked.approval_id else asked.desk_code.opens_at,
            }
    elif (found.second_half == "letter", found.address_id) != _half(wanted):
        raise not_now("asked for with another second half")
    printed = do_print_code(request, call.desk, call.person, wanted.desk_code_id)
    return printed_letter(request, call.person, printed)


def match_identity(call: OperationCall) -> Json:
    """The identity leads to the person; or waits for a second member of staff."""
    identity_id = call.members[IDENTITY.name]
    waits = do_match(call.request, call.desk, call.person, identity_id)
    return {
        "act": "match-identity",
        "person_id": call.person.id,
        "identity": identity_id,
        "approval_id": waits,
    }


def list_identities(call: OperationCall) -> Json:
    """What waits to be matched; whose they are is seen one by one."""
    waiting = waiting_identities(call.request.connection, call.request.secrets)
    shown = [{"id": e.id, "upstream": e.upstream, "arrived_at": e.arrived_at} for e in waiting]
    return {"identities": shown}


def one_identity(call: OperationCall) -> Json:
    """What one of them says of its holder: a look, on record with why, and counted."""
    request, identity_id = call.request, call.request.path_params["id"]
    known = find_identity(request.connection, request.secrets, identity_id)
    if known is not None and known.person_id is not None:
        raise match_changed()
    found = see_identity(request, call.desk, identity_id)
    return {
        "id": found.id,
        "upstream": found.upstream,
        "arrived_at": found.arrived_at,
        "claims": dict(found.claims),
    }


def confirms_code(call: OperationCall) -> ConsentDeskAct:
    """What is confirmed: whose code, which, where its second half goes, how it is let through."""
    return _wanted(call).confirmed(call.person)


def confirms_match(call: OperationCall) -> ConsentDeskAct:
    """What is confirmed: which identity is whose."""
    return match_confirmed(call.person, call.members[IDENTITY.name])


def _wanted(call: OperationCall) -> DeskCodeInput:
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
    an_act(
        Operation(
            "issue_code",
            "Issue an activation code",
            "/people/{id}/issue-code",
            "issue-code",
            issue_code,
            "CodeWaits",
            confirms=confirms_code,
            takes=(CODE, ADDRESS, WAY),
            prints=True,
        )
    ),
    an_act(
        Operation(
            "match_identity",
            "Match a foreign identity",
            "/people/{id}/match-identity",
            "match-identity",
            match_identity,
            "Match",
            confirms=confirms_match,
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
        one_identity,
        "Identity",
    ),
)
