"""A page of the desk, with what each of them shows: who is there, the screens, when it closes."""

from typing import Any

from starlette.responses import HTMLResponse

from authn.console.desk import DeskSession
from authn.console.menu import menu_of
from authn.web.request import Request, page


def desk_answer(
    request: Request, desk: DeskSession, template: str, status: int = 200, **context: Any
) -> HTMLResponse:
    """The rendered template, which extends `console/base.html`."""
    settings = request.settings
    # This very request is a use of it.
    closes_at = min(request.now + settings.desk_idle, desk.opened_at + settings.desk_lifetime)
    shown = {"desk": desk, "menu": menu_of(desk.staff), "closes_at": closes_at}
    return page(request, template, status, **(shown | context))
