"""/desk/operator/clients: operators list, show, check and end clients."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection
from starlette.responses import Response

from authn.audit.searching import last_use_at
from authn.clients.clients import Client, find_client, list_clients
from authn.clients.resource_servers.resources import list_resources_of_client
from authn.console.confirmations import confirm_at_desk, desk_confirmation_options
from authn.console.desk_pages import render_desk_page
from authn.console.outside_results import outside_result
from authn.console.staff_endpoints import (
    DeskSession,
    desk_endpoint,
    desk_form,
    desk_page,
    desk_script,
    desk_script_endpoint,
    not_found_error,
)
from authn.grants.endings.ended_grants import end_client
from authn.views.client_checks import ClientFinding, list_findings, read_check_input
from authn.views.client_sample import sample_configuration
from authn.views.descriptions import describe_client
from authn.web.request import Request, json_answer

LIST: Final = "/desk/operator/clients"


@dataclass(frozen=True, slots=True)
class ClientLine:
    """A client in the list, with when it was used last."""

    client: Client
    last_used: datetime | None


@desk_endpoint("see-clients")
def show_clients(request: Request, desk: DeskSession) -> Response:
    """The list of clients, with when each was used last."""
    lines = client_lines(request.connection)
    return render_desk_page(request, desk, "console/operator_clients.html", lines=lines)


@desk_endpoint("see-clients")
def show_client(request: Request, desk: DeskSession) -> Response:
    """The page of a client: its values, and sample code to be copied."""
    return _client_page(request, desk, require_client(request))


@desk_endpoint("see-clients")
def check_client(request: Request, desk: DeskSession) -> Response:
    """The page of a client with the findings of a check, which calls its addresses."""
    client = require_client(request)
    checked = read_check_input(request.site, request.connection, client)
    findings = outside_result(
        request, f"check {client.client_id}", lambda: list(list_findings(checked))
    )
    return _client_page(request, desk, client, findings)


@desk_endpoint("change-clients")
def show_client_ending(request: Request, desk: DeskSession) -> Response:
    """The page that asks to end a client, with what ends too."""
    client = require_client(request)
    own = [each.resource for each in list_resources_of_client(request.connection, client.client_id)]
    return render_desk_page(
        request, desk, "console/operator_client_end.html", shown=client, own_resources=own
    )


@desk_script_endpoint("change-clients")
def client_ending_options(request: Request, desk: DeskSession) -> Response:
    """Options to confirm the end of a client."""
    client = require_client(request)
    target = f"end {client.client_id}"
    return json_answer(desk_confirmation_options(request, desk, "change-clients", target))


@desk_script_endpoint("change-clients")
def confirm_client_ending(request: Request, desk: DeskSession) -> Response:
    """The client is ended, and all that people allowed the client is revoked."""
    client_id = request.path_params["client_id"]
    present = confirm_at_desk(request, desk, "change-clients", f"end {client_id}")
    revoked = end_client(
        request.connection,
        request.secrets,
        client_id,
        request.now,
        request.reference,
        present.person_id,
    )
    if revoked is None:
        raise not_found_error()
    return json_answer({"location": LIST})


def client_lines(connection: Connection) -> list[ClientLine]:
    """Every client, with the time of its latest event in the audit log."""
    return [
        ClientLine(client, last_use_at(connection, client.client_id))
        for client in list_clients(connection)
    ]


def require_client(request: Request) -> Client:
    """The client whose id is in the path; raises `NotFound`."""
    client = find_client(request.connection, request.path_params["client_id"])
    if client is None:
        raise not_found_error()
    return client


def _client_page(
    request: Request, desk: DeskSession, client: Client, findings: list[ClientFinding] | None = None
) -> Response:
    return render_desk_page(
        request,
        desk,
        "console/operator_client.html",
        shown=client,
        registered=describe_client(client),
        sample=sample_configuration(request.settings.issuer, client),
        last_used=last_use_at(request.connection, client.client_id),
        findings=findings,
    )


routes = [
    desk_page(LIST, show_clients),
    desk_page(f"{LIST}/{{client_id}}", show_client),
    desk_form(f"{LIST}/{{client_id}}/check", check_client),
    desk_page(f"{LIST}/{{client_id}}/end", show_client_ending),
    desk_script(f"{LIST}/{{client_id}}/end/options", client_ending_options, writes=False),
    desk_script(f"{LIST}/{{client_id}}/end", confirm_client_ending),
]
