"""/desk/operator/clients: applications, as an operator lists, shows, checks and ends them."""

from typing import Final

from starlette.responses import Response

from authn.audit.searching import last_use_of
from authn.clients.clients import Client, find_client
from authn.clients.resources import resources_of
from authn.console.confirming import confirm_at_desk, desk_confirmation_options
from authn.console.desk import DeskSession, at_desk, at_desk_script, nothing_here
from authn.console.operator_client_views import client_lines
from authn.console.outside import done_outside
from authn.console.routes import desk_form, desk_page, desk_script
from authn.console.shown import desk_answer
from authn.grants.ended_clients import end_client
from authn.views.client_checks import ClientFinding, checked_client, findings_of
from authn.views.client_sample import sample_configuration
from authn.views.client_shown import shown_client
from authn.web.request import Request, json_answer

LIST: Final = "/desk/operator/clients"


@at_desk("see-clients")
def operator_clients(request: Request, desk: DeskSession) -> Response:
    """Every application, with when it was used last."""
    lines = client_lines(request.connection)
    return desk_answer(request, desk, "console/operator_clients.html", lines=lines)


@at_desk("see-clients")
def operator_client(request: Request, desk: DeskSession) -> Response:
    """One application: all that is registered of it, and its configuration to be copied."""
    return _shown(request, desk, client_in_path(request))


@at_desk("see-clients")
def operator_client_check(request: Request, desk: DeskSession) -> Response:
    """The same, with what would fail: its addresses are asked now."""
    client = client_in_path(request)
    checked = checked_client(request.site, request.connection, client)
    findings = done_outside(
        request, f"check {client.client_id}", lambda: list(findings_of(checked))
    )
    return _shown(request, desk, client, findings)


@at_desk("change-clients")
def operator_client_end(request: Request, desk: DeskSession) -> Response:
    """What ends with an application, before it asks."""
    client = client_in_path(request)
    own = [each.resource for each in resources_of(request.connection, client.client_id)]
    return desk_answer(
        request, desk, "console/operator_client_end.html", shown=client, own_resources=own
    )


@at_desk_script("change-clients")
def operator_client_end_options(request: Request, desk: DeskSession) -> Response:
    """Options to confirm it."""
    client = client_in_path(request)
    target = f"end {client.client_id}"
    return json_answer(desk_confirmation_options(request, desk, "change-clients", target))


@at_desk_script("change-clients")
def operator_client_ended(request: Request, desk: DeskSession) -> Response:
    """It is no application any more, and all that people allowed it is revoked."""
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
        raise nothing_here()
    return json_answer({"location": LIST})


def client_in_path(request: Request) -> Client:
    """The application of this address; raises `NotFound`."""
    client = find_client(request.connection, request.path_params["client_id"])
    if client is None:
        raise nothing_here()
    return client


def _shown(
    request: Request, desk: DeskSession, client: Client, findings: list[ClientFinding] | None = None
) -> Response:
    return desk_answer(
        request,
        desk,
        "console/operator_client.html",
        shown=client,
        registered=shown_client(client),
        sample=sample_configuration(request.settings.issuer, client),
        last_used=last_use_of(request.connection, client.client_id),
        findings=findings,
    )


routes = [
    desk_page(LIST, operator_clients),
    desk_page(f"{LIST}/{{client_id}}", operator_client),
    desk_form(f"{LIST}/{{client_id}}/check", operator_client_check),
    desk_page(f"{LIST}/{{client_id}}/end", operator_client_end),
    desk_script(f"{LIST}/{{client_id}}/end/options", operator_client_end_options, writes=False),
    desk_script(f"{LIST}/{{client_id}}/end", operator_client_ended),
]
