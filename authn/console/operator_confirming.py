"""An operator confirms exactly what a page showed: another value, or another one's, is refused.

What the form held travels on through the page. Its mark stands in the address that the page's
script calls, and is what the challenge names (decisions 2.9): so the assertion is for this content,
and for what this member of staff was shown.
"""

from collections.abc import Mapping
from hmac import compare_digest
from typing import Any, Final, Literal

import orjson
from starlette.responses import Response

from authn.console.confirming import confirm_at_desk, desk_confirmation_options
from authn.console.desk import DeskSession
from authn.console.operator_asking import TICKET, WHY, about_second
from authn.console.operator_request_rows import OperatorRequestInput
from authn.console.shown import desk_answer
from authn.console.targets import note_refused
from authn.errors import N_, Forbidden
from authn.secrets import derived_token
from authn.staff.roles import Act
from authn.web.request import Request, json_answer

At = Literal["new-client", "client", "new-resource", "resource"]

ACT: Final[Act] = "change-clients"
NOT_SHOWN: Final = N_("This is not what the page before showed. Begin again from the form.")
# What a script adds to what the form holds, and why it is asked, where a second one decides.
_BESIDE: Final = frozenset({"ceremony", "credential", WHY, TICKET})


def shown_mark(request: Request, desk: DeskSession, what: str, content: Mapping[str, str]) -> str:
    """What stands for this content, as it is shown to this member of staff for this act.

    `what` says the act and its target, such as `change hospital`. A browser may give other ends of
    lines back than those it was sent.
    """
    lines = {name: text.splitlines() for name, text in content.items()}
    named = orjson.dumps([str(desk.id), what, lines], option=orjson.OPT_SORT_KEYS)
    return derived_token(request.secrets, "shown-at-desk", named.decode())


def confirm_page(
    request: Request,
    desk: DeskSession,
    what: str,
    content: Mapping[str, str],
    at: At,
    wanted: OperatorRequestInput,
    **context: Any,
) -> Response:
    """The page that shows what would change, and asks; `at` is which address its script calls.

    Where it gives much (`wanted`), a second operator decides.
    """
    return desk_answer(
        request,
        desk,
        "console/operator_confirm.html",
        carried=content,
        at=at,
        mark=shown_mark(request, desk, what, content),
        **about_second(request, desk, wanted),
        **context,
    )


def shown_options(request: Request, desk: DeskSession, what: str) -> Response:
    """Options to confirm what the mark in the path stands for."""
    return json_answer(desk_confirmation_options(request, desk, ACT, _target(request, what)))


def confirm_as_shown(
    request: Request, desk: DeskSession, what: str
) -> tuple[DeskSession, dict[str, str]]:
    """The session, as `confirm_at_desk` gives it, and what was sent: just what had been shown.

    Raises as that does, and `Forbidden`, on record, for anything else; the challenge is burnt.
    """
    present = confirm_at_desk(request, desk, ACT, _target(request, what))
    sent = {
        name: value
        for name, value in request.json.items()
        if isinstance(value, str) and name not in _BESIDE
    }
    mark = shown_mark(request, present, what, sent)
    if not compare_digest(mark.encode(), request.path_params["mark"].encode()):
        note_refused(request, present, ACT, "not as shown")
        raise Forbidden("not_as_shown", NOT_SHOWN)
    return present, sent


def _target(request: Request, what: str) -> str:
    return f"{what} {request.path_params['mark']}"
