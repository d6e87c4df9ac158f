"""/desk/operator/resources: operators list, show and end resource servers.

A resource server is named by its address, which stands in the query, since no path can hold it.
"""

from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response

from authn.clients.resource_servers.exchange_pairs import list_exchanges
from authn.clients.resource_servers.registration import end_resource
from authn.clients.resource_servers.resources import Resource, find_resource, list_resources
from authn.console.desk_pages import render_desk_page
from authn.console.operator_confirming import confirm_as_shown, confirmation_options, content_mark
from authn.console.staff_endpoints import (
    DeskSession,
    desk_endpoint,
    desk_page,
    desk_script,
    desk_script_endpoint,
    not_found_error,
)
from authn.views.descriptions import describe_resource
from authn.web.request import Request, json_answer

LIST: Final = "/desk/operator/resources"
ONE: Final = "/desk/operator/resource"
END: Final = "end resource"


@desk_endpoint("see-clients")
def show_resources(request: Request, desk: DeskSession) -> Response:
    """The list of resource servers."""
    found = [(each, resource_path(each)) for each in list_resources(request.connection)]
    return render_desk_page(request, desk, "console/operator_resources.html", found=found)


@desk_endpoint("see-clients")
def show_resource(request: Request, desk: DeskSession) -> Response:
    """The page of a resource server, with who may obtain which scope."""
    found = require_resource(request)
    return render_desk_page(
        request,
        desk,
        "console/operator_resource.html",
        shown=found,
        lines=describe_resource(found, list_exchanges(request.connection)),
        at=resource_query(found),
    )


@desk_endpoint("change-clients")
def show_resource_ending(request: Request, desk: DeskSession) -> Response:
    """The page that asks to end a resource server."""
    found = require_resource(request)
    return render_desk_page(
        request,
        desk,
        "console/operator_resource_end.html",
        shown=found,
        at=resource_query(found),
        mark=content_mark(request, desk, END, {"resource": found.resource}),
    )


@desk_script_endpoint("change-clients")
def resource_ending_options(request: Request, desk: DeskSession) -> Response:
    """Options to confirm the end of a resource server."""
    return confirmation_options(request, desk, END)


@desk_script_endpoint("change-clients")
def confirm_resource_ending(request: Request, desk: DeskSession) -> Response:
    """The resource server is ended: no token is issued for it any more."""
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
        raise not_found_error()
    return json_answer({"location": LIST})


def require_resource(request: Request) -> Resource:
    """The resource server named in the query; raises `NotFound`."""
    found = find_resource(request.connection, request.query.get("resource", ""))
    if found is None:
        raise not_found_error()
    return found


def resource_query(resource: Resource) -> str:
    """The query that names a resource server."""
    return urlencode({"resource": resource.resource})


def resource_path(resource: Resource) -> str:
    """The address of the page of a resource server."""
    return f"{ONE}?{resource_query(resource)}"


routes = [
    desk_page(LIST, show_resources),
    desk_page(ONE, show_resource),
    desk_page(f"{ONE}/end", show_resource_ending),
    desk_script(f"{ONE}/end/{{mark}}/options", resource_ending_options, writes=False),
    desk_script(f"{ONE}/end/{{mark}}", confirm_resource_ending),
]
