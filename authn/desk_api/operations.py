"""A call of the desk's API as a value: path, who may, what the body has, what is answered.

Everything that must hold before a call does anything is checked in `_build_call`, in this order:
token, scope, staff, sign-in (`caller`), role, body, person, reason, confirmation. The routes and
the OpenAPI document are made of the same operations.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import orjson
from starlette.responses import Response
from starlette.routing import Route

from authn.clients.resource_servers.desk_api import DESK_ACT, DESK_READ, PATH
from authn.consents.desk_acts import MEMBERS, ConsentDeskAct
from authn.console.act_rules import guard_target, not_found_error, record_desk_refusal
from authn.console.desk_sessions import Desk, LookReason
from authn.console.reason import EXPLANATION, REASON, TICKET, read_reason
from authn.console.staff_endpoints import person_in_path
from authn.console.tables import LONGEST_REASON, LONGEST_TICKET
from authn.desk_api.caller import require_caller, spend_confirmation
from authn.desk_api.looks import record_reason
from authn.desk_api.members import ApiMember, read_members
from authn.errors import Expired, Forbidden
from authn.oidc.tokens.dpop import nonce_headers
from authn.people.tables import Person
from authn.staff.roles import RULES, Act
from authn.web.protocol import ProtocolError
from authn.web.request import Request
from authn.web.routing import WHEN_NEEDED, protocol_route

WHY: Final = (
    ApiMember(REASON, "Why, as a code of the operator's list.", longest=100, required=True),
    ApiMember(EXPLANATION, "Why, in the agent's own words.", longest=LONGEST_REASON),
    ApiMember(TICKET, "The number of the ticket.", longest=LONGEST_TICKET),
)
# What is so already, or has changed since: asking again changes nothing (RFC 9110 §15.5.10).
CONFLICTS: Final = frozenset(
    {
        "approval_over",
        "address_gone",
        "asker_may_not",
        "blocked_already",
        "changed_since",
        "code_not_now",
        "identity_not_checked",
        "match_changed",
        "no_device",
        "no_room",
        "not_approved",
        "not_merged",
        "not_possible",
        "not_reachable",
        "nothing_to_block",
        "return_waits",
        "two_citizens",
        "undo_too_late",
    }
)
TOO_MANY_LOOKS: Final = "too_many_looks"
TOO_MANY_REQUESTS: Final = 429  # RFC 6585 §4


@dataclass(frozen=True, slots=True)
class OperationCall:
    """A call that passed every check: who calls and why, what they sent, and about whom."""

    request: Request
    desk: Desk
    members: Mapping[str, Any]
    about: Person | None = None

    def in_path(self, name: str) -> str:
        """The id of this name in the path."""
        return str(self.request.path_params[name])

    @property
    def person(self) -> Person:
        """The person whom the call is about."""
        assert self.about is not None, "the path names a person"
        return self.about


Answer = Callable[[OperationCall], Mapping[str, Any] | Response]
"""What is answered, as JSON or as it is; with an `approval_id` or `opens_at` it waits."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A call of the API; `path` is below the API's address, `answers` a schema of `schemas`.

    `act` is what it is for, None for every member of staff. `confirms` names, of an act on a
    person, what must have been confirmed for this one call: None of any other. `with_why` is
    whether it is about somebody whom the caller names: then it says why. `query` is what its
    address may ask, `prints` whether the answer is a letter.
    """

    name: str
    summary: str
    path: str
    act: Act | None
    answer: Answer
    answers: str
    method: Literal["GET", "POST"] = "POST"
    scope: str = DESK_READ
    confirms: Callable[[OperationCall], ConsentDeskAct] | None = None
    with_why: bool = True
    takes: tuple[ApiMember, ...] = ()
    may_wait: bool = False
    query: tuple[ApiMember, ...] = ()
    prints: bool = False

    @property
    def members(self) -> tuple[ApiMember, ...]:
        """Every member that the body may have."""
        return (*self.takes, *(WHY if self.with_why else ()))

    @property
    def about_person(self) -> bool:
        """Whether the path names a person."""
        return self.path.startswith("/people/{id}")

    @property
    def route(self) -> Route:
        """The route: it writes when there is need, as each look does."""
        path = PATH + self.path.replace("{id}", "{id:uuid}").replace("{device}", "{device:uuid}")

        def endpoint(request: Request) -> Response:
            return answer_call(self, request)

        endpoint.__name__ = f"desk_api_{self.name}"
        return protocol_route(
            path,
            endpoint,
            methods=[self.method],
            writes=WHEN_NEEDED,
            body="json",
            answers="problem",
        )


def act_operation(operation: Operation) -> Operation:
    """The operation of an act on a person: with scope `desk:act`, a confirmation, four eyes."""
    act = operation.act
    assert act is not None
    assert RULES[act].fresh
    confirms = operation.confirms or confirmation_from_path(act)
    return replace(operation, scope=DESK_ACT, confirms=confirms, may_wait=True)


def confirmation_from_path(act: Act) -> Callable[[OperationCall], ConsentDeskAct]:
    """The function that builds the act to confirm, where the path names everything of it."""
    # What the API's paths call it: `{id}` is the person, or what the path is of.
    in_path = {name: "device" if name == "device" else "id" for name in MEMBERS[act]}

    def confirms(call: OperationCall) -> ConsentDeskAct:
        return ConsentDeskAct(act, {name: call.in_path(in_path[name]) for name in MEMBERS[act]})

    return confirms


def answer_call(operation: Operation, request: Request) -> Response:
    """The HTTP answer of the operation; raises what `caller`, `members` and the act raise."""
    with _statuses():
        content = operation.answer(_build_call(operation, request))
    headers = {"Cache-Control": "no-store", **nonce_headers(request)}
    if isinstance(content, Response):
        content.headers.update(headers)
        return content
    status = 202 if content.get("approval_id") or content.get("opens_at") else 200
    if content.get("approval_id"):
        headers["Location"] = f"{PATH}/approvals/{content['approval_id']}"
    return Response(orjson.dumps(content), status, headers, "application/json")


def _build_call(operation: Operation, request: Request) -> OperationCall:
    """The call, with everything checked; the confirmation is spent last of all."""
    caller = require_caller(request, operation.scope, writes=operation.method == "POST")
    call = _check_call(operation, request, caller.desk)
    if operation.confirms is not None:
        spend_confirmation(request, caller, operation.confirms(call))
    return call


def _check_call(operation: Operation, request: Request, desk: Desk) -> OperationCall:
    if operation.act is not None and not desk.staff.may(operation.act):
        record_desk_refusal(request, desk, operation.act, "role")
        raise not_found_error()
    members = read_members(request, operation.members) if operation.method == "POST" else {}
    if operation.with_why:
        desk = Desk(desk.staff, _why(request, members))
    if not operation.about_person:
        return OperationCall(request, desk, members)
    assert operation.act is not None
    person = person_in_path(request, desk, operation.act)
    record_reason(request, desk, person.id)
    guard_target(request, desk, operation.act, person)
    return OperationCall(request, desk, members, person)


def _why(request: Request, members: Mapping[str, Any]) -> LookReason:
    return read_reason(request, {each.name: members.get(each.name, "") for each in WHY})


@contextmanager
def _statuses() -> Iterator[None]:
    """Give a refusal the HTTP status that tells a tool what to do."""
    try:
        yield
    except (Forbidden, Expired) as refusal:
        if refusal.error in CONFLICTS:
            raise _with_status(refusal, 409) from None
        if refusal.error == TOO_MANY_LOOKS:
            raise _with_status(refusal, TOO_MANY_REQUESTS) from None
        raise


def _with_status(refusal: Forbidden | Expired, status: int) -> ProtocolError:
    return ProtocolError(refusal.error, refusal.description, status=status, detail=refusal.detail)
