"""/desk/operator/resources: resource servers, as an operator lists and shows them, and their end.

A resource server is named by its address: it stands in the query, since a path can't hold it.
"""

from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response

from authn.clients.exchange_pairs import list_exchanges
from authn.clients.resource_registration import end_resource
from authn.clients.resources import Resource, find_resource, list_resources
from authn.console.desk import DeskSession, at_desk, at_desk_script, nothing_here
from authn.console.operator_confirming import confirm_as_shown, shown_mark, shown_options
from authn.console.routes import desk_page, desk_script
from authn.console.shown import desk_answer
from authn.views.resource_shown import shown_resource
from authn.web.request import Request, json_answer

LIST: Final = "/desk/operator/resources"
ONE: Final = "/desk/operator/resource"
END: Final = "end resource"


@at_desk("see-clients")
def operator_resources(request: Request, desk: DeskSession) -> Response:
    """Every resource server."""
    found = [(each, address(each)) for each in list_resources(request.connection)]
    return desk_answer(request, desk, "console/operator_resources.html", found=found)


@at_desk("see-clients")
def operator_resource(request: Request, desk: DeskSession) -> Response:
    """One resource server: what it may, and who may obtain what there."""
    found = resource_in_query(request)
    return desk_answer(
        request,
        desk,
        "console/operator_resource.html",
        shown=found,
        lines=shown_resource(found, list_exchanges(request.connection)),
        at=query_of(found),
    )


@at_desk("change-clients")
def operator_resource_end(request: Request, desk: DeskSession) -> Response:
    """What ends with it, before it asks."""
    found = resource_in_query(request)
    return desk_answer(
        request,
        desk,
        "console/operator_resource_end.html",
        shown=found,
        at=query_of(found),
        mark=shown_mark(request, desk, END, {"resource": found.resource}),
    )


@at_desk_script("change-clients")
def operator_resource_end_options(request: Request, desk: DeskSession) -> Response:
    """Options to confirm it."""
    return shown_options(request, desk, END)


@at_desk_script("change-clients")
def operator_resource_ended(request: Request, desk: DeskSession) -> Response:
    """No token is issued for it any more."""
    present, sent = confirm_as_shown(request, desk, END)
    ended = end_resource(
        request.connection,
        request.secrets,
        sent["resource"],
        request.now,
        request.reference,
        present.person_id,
    )
    if not ended:
        raise nothing_here()
    return json_answer({"location": LIST})


def resource_in_query(request: Request) -> Resource:
    """The resource server that the address names; raises `NotFound`."""
    found = find_resource(request.connection, request.query.get("resource", ""))
    if found is None:
        raise nothing_here()
    return found


def query_of(resource: Resource) -> str:
    """How an address names it."""
    return urlencode({"resource": resource.resource})


def address(resource: Resource) -> str:
    """Where it is shown."""
    return f"{ONE}?{query_of(resource)}"


routes = [
    desk_page(LIST, operator_resources),
    desk_page(ONE, operator_resource),
    desk_page(f"{ONE}/end", operator_resource_end),
    desk_script(f"{ONE}/end/{{mark}}/options", operator_resource_end_options, writes=False),
    desk_script(f"{ONE}/end/{{mark}}", operator_resource_ended),
]
