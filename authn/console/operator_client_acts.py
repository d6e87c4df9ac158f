"""Pages to register a client and to change one: a form, a page with the changes, a confirmation.

The values travel from the form to the confirmation in the page and are checked at both. A change
that another operator made meanwhile is not overwritten (`version`).
"""

from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import Response

from authn.clients.client_metadata import InvalidClientMetadata
from authn.clients.client_registration.kinds import CLIENT_KINDS, SYSTEM_KIND, fill_kind_defaults
from authn.clients.client_registration.registration import (
    RegisteredClient,
    add_client,
    change_client,
    changed_client,
    new_client,
)
from authn.clients.client_registration.rules import SYSTEM_PREFIX
from authn.clients.clients import (
    REFRESH_IDLE,
    REFRESH_LIFETIME,
    Client,
    lock_client,
    new_client_id,
)
from authn.clients.redirect_uris import InvalidRedirectUri
from authn.console.desk_pages import render_desk_page
from authn.console.operator_changes import client_changes, client_version
from authn.console.operator_client_form import (
    DAY,
    client_form_choices,
    client_form_fields,
    document_form_fields,
    read_client_form,
    refused_field,
)
from authn.console.operator_clients import LIST, require_client
from authn.console.operator_confirming import (
    ask_second_operator,
    confirm_as_shown,
    confirmation_options,
    confirmation_page,
)
from authn.console.operator_request_acts import client_request
from authn.console.staff_endpoints import (
    DeskSession,
    desk_endpoint,
    desk_form,
    desk_page,
    desk_script,
    desk_script_endpoint,
    not_found_error,
)
from authn.errors import N_, Forbidden
from authn.web.request import Request, json_answer

NEW: Final = "/desk/operator/new-client"
REGISTER: Final = "new client"
MEANWHILE: Final = N_(
    "Somebody changed this application meanwhile. Open it again, and see what is still needed."
)
_REFUSALS: Final = (InvalidClientMetadata, InvalidRedirectUri)


@desk_endpoint("change-clients")
def show_new_client_form(request: Request, desk: DeskSession) -> Response:
    """The choice of a kind of client; then the form, filled in for that kind."""
    kind = request.query.get("kind", "")
    if not kind:
        return render_desk_page(
            request, desk, "console/operator_client_kind.html", kinds=CLIENT_KINDS
        )
    if kind not in CLIENT_KINDS:
        raise not_found_error()
    document = {
        "scope": "openid profile",
        "application_type": "web",
        **fill_kind_defaults(kind, {}),
    }
    sent = {
        **document_form_fields(document),
        "kind": kind,
        "require_pkce": "on",
        "refresh_idle": str(REFRESH_IDLE // DAY),
        "refresh_lifetime": str(REFRESH_LIFETIME // DAY),
    }
    return _form(request, desk, None, sent)


@desk_endpoint("change-clients")
def check_new_client(request: Request, desk: DeskSession) -> Response:
    """The page that asks to confirm a new client; or the form with its errors."""
    try:
        registered = _read_new_client(request, request.form)
    except _REFUSALS as refusal:
        return _form(request, desk, None, request.form, refusal)
    return _confirm(request, desk, None, registered)


@desk_script_endpoint("change-clients")
def new_client_options(request: Request, desk: DeskSession) -> Response:
    """Options to confirm a new client."""
    return confirmation_options(request, desk, REGISTER)


@desk_script_endpoint("change-clients")
def confirm_new_client(request: Request, desk: DeskSession) -> Response:
    """The client is registered, or waits for a second operator; the answer holds its secret, which
    is never shown again."""
    present, sent = confirm_as_shown(request, desk, REGISTER)
    client_id = _client_id(sent)
    values = read_client_form(request.connection, request.settings, client_id, sent)
    registered = new_client(request.now, client_id=client_id, **values)
    wanted = client_request(request.connection, request.settings, None, registered.client)
    if wanted.gives:
        return _secret_answer(registered, ask_second_operator(request, present, wanted))
    add_client(
        request.connection,
        request.secrets,
        registered,
        request.now,
        request.reference,
        present.person_id,
    )
    return _done_answer(registered)


@desk_endpoint("change-clients")
def show_client_form(request: Request, desk: DeskSession) -> Response:
    """The form of a registered client."""
    client = require_client(request)
    return _form(request, desk, client, client_form_fields(client))


@desk_endpoint("change-clients")
def check_client_change(request: Request, desk: DeskSession) -> Response:
    """The page that asks to confirm a change of a client; or the form with its errors."""
    client = require_client(request)
    try:
        registered = changed_client(client, **_read_values(request, client, request.form))
    except _REFUSALS as refusal:
        return _form(request, desk, client, request.form, refusal)
    return _confirm(request, desk, client, registered)


@desk_script_endpoint("change-clients")
def client_change_options(request: Request, desk: DeskSession) -> Response:
    """Options to confirm a change of a client."""
    return confirmation_options(request, desk, _change_act(require_client(request).client_id))


@desk_script_endpoint("change-clients")
def confirm_client_change(request: Request, desk: DeskSession) -> Response:
    """The client is changed, or waits for a second operator; the answer holds a secret that the
    change needed."""
    client_id = request.path_params["client_id"]
    present, sent = confirm_as_shown(request, desk, _change_act(client_id))
    client = lock_client(request.connection, client_id)
    if client is None:
        raise not_found_error()
    if sent.get("version") != client_version(client):
        raise Forbidden("changed_meanwhile", MEANWHILE)
    values = _read_values(request, client, sent)
    registered = changed_client(client, **values)
    wanted = client_request(request.connection, request.settings, client, registered.client)
    if wanted.gives:
        return _secret_answer(registered, ask_second_operator(request, present, wanted))
    # A secret that `changed_client` made.
    values |= {"client_secret_hash": registered.client.client_secret_hash}
    change_client(
        request.connection,
        request.secrets,
        client,
        request.now,
        reference=request.reference,
        actor_id=present.person_id,
        **values,
    )
    return _done_answer(registered)


def _read_new_client(request: Request, form: Mapping[str, str]) -> RegisteredClient:
    client_id = _client_id(form)
    values = read_client_form(request.connection, request.settings, client_id, form)
    return new_client(request.now, client_id=client_id, **values)


def _client_id(form: Mapping[str, str]) -> str:
    """The client id in the form; else of a system that of its organisation, or a random one."""
    client_id = form.get("client_id", "").strip()
    if not client_id and form.get("kind") == SYSTEM_KIND:
        client_id = SYSTEM_PREFIX + form.get("organisation", "").replace(".", "").strip()
    return client_id or new_client_id()


def _read_values(request: Request, client: Client, form: Mapping[str, str]) -> dict[str, Any]:
    return read_client_form(request.connection, request.settings, client.client_id, form)


def _change_act(client_id: str) -> str:
    """The act to confirm, besides the content."""
    return f"change {client_id}"


def _done_answer(registered: RegisteredClient) -> Response:
    return _secret_answer(registered, {"location": f"{LIST}/{registered.client.client_id}"})


def _secret_answer(registered: RegisteredClient, answer: dict[str, Any]) -> Response:
    if registered.client_secret:
        answer["client_secret"] = registered.client_secret
    return json_answer(answer)


def _form(
    request: Request,
    desk: DeskSession,
    client: Client | None,
    sent: Mapping[str, str],
    refusal: InvalidClientMetadata | InvalidRedirectUri | None = None,
) -> Response:
    errors = []
    if refusal is not None:
        field, sentence = refused_field(refusal, sent)
        errors = [{"field": field, "text": request.translate(sentence)}]
    method = client.token_endpoint_auth_method if client else ""
    return render_desk_page(
        request,
        desk,
        "console/operator_client_form.html",
        422 if errors else 200,
        shown=client,
        sent=sent,
        errors=errors,
        offered=client_form_choices(request.connection, request.settings, method),
    )


def _confirm(
    request: Request, desk: DeskSession, client: Client | None, registered: RegisteredClient
) -> Response:
    carried = {name: text for name, text in request.form.items() if name != "csrf_token"}
    # A random id is drawn once: the page shows the one that is registered.
    carried["client_id"] = registered.client.client_id
    if client is not None:
        carried["version"] = client_version(client)
    one = f"{LIST}/{client.client_id}" if client else NEW
    wanted = client_request(request.connection, request.settings, client, registered.client)
    return confirmation_page(
        request,
        desk,
        _change_act(client.client_id) if client else REGISTER,
        carried,
        "client" if client else "new-client",
        wanted,
        before=client and client.client_name,
        name=registered.client.client_name,
        changes=client_changes(client, registered.client),
        back=f"{one}/edit" if client else NEW,
        new_secret=registered.client_secret is not None,
    )


ONE: Final = f"{LIST}/{{client_id}}"
routes = [
    desk_page(NEW, show_new_client_form),
    desk_form(NEW, check_new_client),
    desk_script(f"{NEW}/confirmed/{{mark}}/options", new_client_options, writes=False),
    desk_script(f"{NEW}/confirmed/{{mark}}", confirm_new_client),
    desk_page(f"{ONE}/edit", show_client_form),
    desk_form(f"{ONE}/edit", check_client_change),
    desk_script(f"{ONE}/change/{{mark}}/options", client_change_options, writes=False),
    desk_script(f"{ONE}/change/{{mark}}", confirm_client_change),
]
