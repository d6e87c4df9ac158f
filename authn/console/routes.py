"""Routes of the desk: each may come to write, if only that somebody was here."""

from starlette.routing import Route

from authn.console.desk import DeskActivityEntry
from authn.web.routing import WHEN_NEEDED, form_route, json_route, page_route


def desk_page(path: str, entry: DeskActivityEntry) -> Route:
    """A page: GET."""
    return page_route(path, entry, writes=WHEN_NEEDED)


def desk_form(path: str, entry: DeskActivityEntry) -> Route:
    """What a form is sent to: POST."""
    return form_route(path, entry)


def desk_poll(path: str, entry: DeskActivityEntry) -> Route:
    """What a page reads by itself, again and again: GET."""
    return json_route(path, entry, method="GET", writes=WHEN_NEEDED)


def desk_script(path: str, entry: DeskActivityEntry, *, writes: bool = True) -> Route:
    """What a script calls: POST. One that asks for options alone writes when there is need."""
    return json_route(path, entry, writes=writes or WHEN_NEEDED)
