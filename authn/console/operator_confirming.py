"""Confirming a change that a page showed to an operator, or asking a second operator for it.

The content of the form travels through the page. A mark of the content stands in the address that
the page's script calls, and in the challenge (decisions 2.9): so the assertion is for exactly this
content, as shown to this member of staff. A change of high risk waits for a second operator.
"""

from collections.abc import Mapping
from hmac import compare_digest
from typing import Any, Final, Literal

import orjson
from starlette.responses import Response

from authn.console.act_rules import record_desk_refusal
from authn.console.confirmations import confirm_at_desk, desk_confirmation_options
from authn.console.desk_pages import render_desk_page
from authn.console.desk_sessions import Desk
from authn.console.operator_request_rows import OperatorRequestInput
from authn.console.operator_requests import create_request, read_request_reason, request_path
from authn.console.operator_second import has_second_decider
from authn.console.staff_endpoints import DeskSession
from authn.errors import N_, Forbidden
from authn.secrets import derived_token
from authn.staff.roles import Act
from authn.web.request import Request, json_answer

ConfirmationKind = Literal["new-client", "client", "new-resource", "resource"]

ACT: Final[Act] = "change-clients"
NOT_SHOWN: Final = N_("This is not what the page before showed. Begin again from the form.")
# Fields beside the content: why the change is needed, for whoever decides.
WHY: Final = "why"
TICKET: Final = "ticket"
NO_SECOND: Final = N_(
    "There is no second operator. It can be done at the machine of this service, with a reason "
    "and a ticket: then every operator and supervisor is told."
)
# Members of the script's request that are no content.
_BESIDE: Final = frozenset({"ceremony", "credential", WHY, TICKET})


def content_mark(request: Request, desk: DeskSession, what: str, content: Mapping[str, str]) -> str:
    """The keyed hash of this content, as shown to this member of staff for this act.

    `what` is the act and its target, such as `change hospital`. Line endings do not count: a
    browser may change them.
    """
    lines = {name: text.splitlines() for name, text in content.items()}
    named = orjson.dumps([str(desk.id), what, lines], option=orjson.OPT_SORT_KEYS)
    return derived_token(request.secrets, "shown-at-desk", named.decode())


def confirmation_page(
    request: Request,
    desk: DeskSession,
    what: str,
    content: Mapping[str, str],
    at: ConfirmationKind,
    wanted: OperatorRequestInput,
    **context: Any,
) -> Response:
    """The page that shows a change and asks to confirm it; `at` is the address of its script.

    Where `wanted` is of high risk, the page asks why, since a second operator decides.
    """
    return render_desk_page(
        request,
        desk,
        "console/operator_confirm.html",
        carried=content,
        at=at,
        mark=content_mark(request, desk, what, content),
        **second_operator_view(request, desk, wanted),
        **context,
    )


def confirmation_options(request: Request, desk: DeskSession, what: str) -> Response:
    """Options to confirm the content whose mark is in the path."""
    return json_answer(desk_confirmation_options(request, desk, ACT, _target(request, what)))


def confirm_as_shown(
    request: Request, desk: DeskSession, what: str
) -> tuple[DeskSession, dict[str, str]]:
    """The session and the content of the request, confirmed to be what the page showed.

    Raises as `confirm_at_desk`, and `Forbidden` (recorded) for other content; the challenge is
    spent either way.
    """
    present = confirm_at_desk(request, desk, ACT, _target(request, what))
    sent = {
        name: value
        for name, value in request.json.items()
        if isinstance(value, str) and name not in _BESIDE
    }
    mark = content_mark(request, present, what, sent)
    if not compare_digest(mark.encode(), request.path_params["mark"].encode()):
        record_desk_refusal(request, present, ACT, "not as shown")
        raise Forbidden("not_as_shown", NOT_SHOWN)
    return present, sent


def _target(request: Request, what: str) -> str:
    return f"{what} {request.path_params['mark']}"


def ask_second_operator(
    request: Request, desk: DeskSession, wanted: OperatorRequestInput
) -> dict[str, Any]:
    """The change waits for a second operator; returns the script's answer with its address.

    Raises `Forbidden` where nobody else could decide, and `InvalidRequest` without a reason.
    """
    if not has_second_decider(request.connection, desk.person_id, wanted.decider):
        record_desk_refusal(request, desk, "change-clients", "no second operator")
        raise Forbidden("no_second_operator", NO_SECOND)
    why, ticket = (str(request.json.get(name, "")) for name in (WHY, TICKET))
    asked = create_request(request, desk, wanted, *read_request_reason(request, why, ticket))
    return {"location": request_path(asked)}


def second_operator_view(
    request: Request, desk: Desk, wanted: OperatorRequestInput
) -> dict[str, Any]:
    """The risks of a change, and whether somebody else could approve, for the page."""
    there = has_second_decider(request.connection, desk.person_id, wanted.decider)
    return {"gives": wanted.gives, "second": there}
