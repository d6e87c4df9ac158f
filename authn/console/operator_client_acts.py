"""Registering an application, and changing one: a form, what it would change, the confirmation.

The values travel from the form to the confirmation in the page; they are checked at both, and held
against what is registered then: who changed it meanwhile is not overwritten.
"""

from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import Response

from authn.clients.client_metadata import InvalidClientMetadata
from authn.clients.client_rules import SYSTEM
from authn.clients.clients import (
    REFRESH_IDLE,
    REFRESH_LIFETIME,
    Client,
    locked_client,
    new_client_id,
)
from authn.clients.kinds import KINDS, SYSTEM_KIND, with_defaults
from authn.clients.redirect_uris import InvalidRedirectUri
from authn.clients.registration import (
    RegisteredClient,
    add_client,
    change_client,
    changed_client,
    new_client,
)
from authn.console.desk import DeskSession, at_desk, at_desk_script, nothing_here
from authn.console.operator_asking import asked_here
from authn.console.operator_client_form import (
    DAY,
    errors_of,
    form_of_client,
    form_of_document,
    values_of_form,
)
from authn.console.operator_client_views import changes_between, choices, version_of
from authn.console.operator_clients import LIST, client_in_path
from authn.console.operator_confirming import confirm_as_shown, confirm_page, shown_options
from authn.console.operator_request_deeds import wanted_client
from authn.console.routes import desk_form, desk_page, desk_script
from authn.console.shown import desk_answer
from authn.errors import N_, Forbidden
from authn.web.request import Request, json_answer

NEW: Final = "/desk/operator/new-client"
REGISTER: Final = "new client"
MEANWHILE: Final = N_(
    "Somebody changed this application meanwhile. Open it again, and see what is still needed."
)
_REFUSALS: Final = (InvalidClientMetadata, InvalidRedirectUri)


@at_desk("change-clients")
def operator_client_new(request: Request, desk: DeskSession) -> Response:
    """Which kind it is; then its form, with what that kind usually says."""
    kind = request.query.get("kind", "")
    if not kind:
        return desk_answer(request, desk, "console/operator_client_kind.html", kinds=KINDS)
    if kind not in KINDS:
        raise nothing_here()
    document = {"scope": "openid profile", "application_type": "web", **with_defaults(kind, {})}
    sent = {
        **form_of_document(document),
        "kind": kind,
        "require_pkce": "on",
        "refresh_idle": str(REFRESH_IDLE // DAY),
        "refresh_lifetime": str(REFRESH_LIFETIME // DAY),
    }
    return _form(request, desk, None, sent)


@at_desk("change-clients")
def operator_client_checked(request: Request, desk: DeskSession) -> Response:
    """What the form says would be registered; or what is wrong, at its field."""
    try:
        registered = _new(request, request.form)
    except _REFUSALS as refusal:
        return _form(request, desk, None, request.form, refusal)
    return _confirm(request, desk, None, registered)


@at_desk_script("change-clients")
def operator_client_new_options(request: Request, desk: DeskSession) -> Response:
    """Options to confirm it."""
    return shown_options(request, desk, REGISTER)


@at_desk_script("change-clients")
def operator_client_registered(request: Request, desk: DeskSession) -> Response:
    """It is an application from now on, or once a second operator agrees; its secret is told here,
    and never again."""
    present, sent = confirm_as_shown(request, desk, REGISTER)
    client_id = _client_id(sent)
    values = values_of_form(request.connection, request.settings, client_id, sent)
    registered = new_client(request.now, client_id=client_id, **values)
    wanted = wanted_client(request.connection, request.settings, None, registered.client)
    if wanted.gives:
        return _answer(registered, asked_here(request, present, wanted))
    add_client(
        request.connection,
        request.secrets,
        registered,
        request.now,
        request.reference,
        present.person_id,
    )
    return _done(registered)


@at_desk("change-clients")
def operator_client_edit(request: Request, desk: DeskSession) -> Response:
    """The form of an application as it is."""
    client = client_in_path(request)
    return _form(request, desk, client, form_of_client(client))


@at_desk("change-clients")
def operator_client_edit_checked(request: Request, desk: DeskSession) -> Response:
    """What the form would change; or what is wrong, at its field."""
    client = client_in_path(request)
    try:
        registered = changed_client(client, **_values(request, client, request.form))
    except _REFUSALS as refusal:
        return _form(request, desk, client, request.form, refusal)
    return _confirm(request, desk, client, registered)


@at_desk_script("change-clients")
def operator_client_edit_options(request: Request, desk: DeskSession) -> Response:
    """Options to confirm it."""
    return shown_options(request, desk, _change(client_in_path(request).client_id))


@at_desk_script("change-clients")
def operator_client_changed(request: Request, desk: DeskSession) -> Response:
    """It has these values from now on, or once a second operator agrees; a secret that it needs
    only now is told here."""
    client_id = request.path_params["client_id"]
    present, sent = confirm_as_shown(request, desk, _change(client_id))
    client = locked_client(request.connection, client_id)
    if client is None:
        raise nothing_here()
    if sent.get("version") != version_of(client):
        raise Forbidden("changed_meanwhile", MEANWHILE)
    values = _values(request, client, sent)
    registered = changed_client(client, **values)
    wanted = wanted_client(request.connection, request.settings, client, registered.client)
    if wanted.gives:
        return _answer(registered, asked_here(request, present, wanted))
    # The secret that was made above, where one is.
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
    return _done(registered)


def _new(request: Request, form: Mapping[str, str]) -> RegisteredClient:
    client_id = _client_id(form)
    values = values_of_form(request.connection, request.settings, client_id, form)
    return new_client(request.now, client_id=client_id, **values)


def _client_id(form: Mapping[str, str]) -> str:
    """The id that was said; of a system its organisation's, else a random one."""
    said = form.get("client_id", "").strip()
    if not said and form.get("kind") == SYSTEM_KIND:
        said = SYSTEM + form.get("organisation", "").replace(".", "").strip()
    return said or new_client_id()


def _values(request: Request, client: Client, form: Mapping[str, str]) -> dict[str, Any]:
    return values_of_form(request.connection, request.settings, client.client_id, form)


def _change(client_id: str) -> str:
    """What is confirmed, besides the content."""
    return f"change {client_id}"


def _done(registered: RegisteredClient) -> Response:
    return _answer(registered, {"location": f"{LIST}/{registered.client.client_id}"})


def _answer(registered: RegisteredClient, answer: dict[str, Any]) -> Response:
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
        field, sentence = errors_of(refusal, sent)
        errors = [{"field": field, "text": request.translate(sentence)}]
    method = client.token_endpoint_auth_method if client else ""
    return desk_answer(
        request,
        desk,
        "console/operator_client_form.html",
        422 if errors else 200,
        shown=client,
        sent=sent,
        errors=errors,
        offered=choices(request.connection, request.settings, method),
    )


def _confirm(
    request: Request, desk: DeskSession, client: Client | None, registered: RegisteredClient
) -> Response:
    carried = {name: text for name, text in request.form.items() if name != "csrf_token"}
    # The id that is shown is the one that it will have.
    carried["client_id"] = registered.client.client_id
    if client is not None:
        carried["version"] = version_of(client)
    one = f"{LIST}/{client.client_id}" if client else NEW
    wanted = wanted_client(request.connection, request.settings, client, registered.client)
    return confirm_page(
        request,
        desk,
        _change(client.client_id) if client else REGISTER,
        carried,
        "client" if client else "new-client",
        wanted,
        before=client and client.client_name,
        name=registered.client.client_name,
        changes=changes_between(client, registered.client),
        back=f"{one}/edit" if client else NEW,
        new_secret=registered.client_secret is not None,
    )


ONE: Final = f"{LIST}/{{client_id}}"
routes = [
    desk_page(NEW, operator_client_new),
    desk_form(NEW, operator_client_checked),
    desk_script(f"{NEW}/confirmed/{{mark}}/options", operator_client_new_options, writes=False),
    desk_script(f"{NEW}/confirmed/{{mark}}", operator_client_registered),
    desk_page(f"{ONE}/edit", operator_client_edit),
    desk_form(f"{ONE}/edit", operator_client_edit_checked),
    desk_script(f"{ONE}/change/{{mark}}/options", operator_client_edit_options, writes=False),
    desk_script(f"{ONE}/change/{{mark}}", operator_client_changed),
]
