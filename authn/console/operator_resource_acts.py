"""Pages to register a resource server and to change one, as `operator_client_acts` for a client."""

from collections.abc import Mapping
from typing import Final

from starlette.responses import Response

from authn.clients.resource_servers.document import InvalidResource
from authn.clients.resource_servers.registration import (
    change_resource,
    changed_resource,
    lock_resource,
    new_resource,
    register_resource,
)
from authn.clients.resource_servers.resources import Resource, find_resource
from authn.console.desk_pages import render_desk_page
from authn.console.operator_changes import resource_changes, version_of_resource
from authn.console.operator_confirming import (
    ask_second_operator,
    confirm_as_shown,
    confirmation_options,
    confirmation_page,
)
from authn.console.operator_request_acts import resource_request
from authn.console.operator_resource_form import (
    EXAMPLE,
    read_resource_form,
    refused_field,
    resource_form_fields,
)
from authn.console.operator_resources import ONE, require_resource, resource_path, resource_query
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
from authn.policies import LEVELS
from authn.web.request import Request, json_answer

NEW: Final = "/desk/operator/new-resource"
CHANGE: Final = "change resource"
REGISTER: Final = "new resource"
MEANWHILE: Final = N_(
    "Somebody changed this resource server meanwhile. Open it again, and see what is still needed."
)


@desk_endpoint("change-clients")
def show_new_resource_form(request: Request, desk: DeskSession) -> Response:
    """The form of a new resource server."""
    return _form(request, desk, None, {"token_format": "jwt"})


@desk_endpoint("change-clients")
def check_new_resource(request: Request, desk: DeskSession) -> Response:
    """The page that asks to confirm a new resource server; or the form with its errors."""
    try:
        after = new_resource(
            request.connection,
            request.settings,
            request.now,
            resource=request.form.get("resource", "").strip(),
            **read_resource_form(request.form),
        )
    except InvalidResource as refusal:
        return _form(request, desk, None, request.form, refusal)
    return _confirm(request, desk, None, after)


@desk_script_endpoint("change-clients")
def new_resource_options(request: Request, desk: DeskSession) -> Response:
    """Options to confirm a new resource server."""
    return confirmation_options(request, desk, REGISTER)


@desk_script_endpoint("change-clients")
def confirm_new_resource(request: Request, desk: DeskSession) -> Response:
    """The resource server is registered, or waits for a second operator."""
    present, sent = confirm_as_shown(request, desk, REGISTER)
    values = {"resource": sent.get("resource", "").strip(), **read_resource_form(sent)}
    after = new_resource(request.connection, request.settings, request.now, **values)
    wanted = resource_request(request.connection, None, after)
    if wanted.gives:
        return json_answer(ask_second_operator(request, present, wanted))
    registered = register_resource(
        request.connection,
        request.secrets,
        request.settings,
        request.now,
        reference=request.reference,
        actor_id=present.person_id,
        **values,
    )
    return json_answer({"location": resource_path(registered)})


@desk_endpoint("change-clients")
def show_resource_form(request: Request, desk: DeskSession) -> Response:
    """The form of a registered resource server."""
    found = require_resource(request)
    return _form(request, desk, found, resource_form_fields(found))


@desk_endpoint("change-clients")
def check_resource_change(request: Request, desk: DeskSession) -> Response:
    """The page that asks to confirm a change of a resource server; or the form with its errors."""
    found = find_resource(request.connection, request.form.get("resource", ""))
    if found is None:
        raise not_found_error()
    try:
        values = read_resource_form(request.form)
        after = changed_resource(request.connection, request.settings, found, **values)
    except InvalidResource as refusal:
        return _form(request, desk, found, request.form, refusal)
    return _confirm(request, desk, found, after)


@desk_script_endpoint("change-clients")
def resource_change_options(request: Request, desk: DeskSession) -> Response:
    """Options to confirm a change of a resource server."""
    return confirmation_options(request, desk, CHANGE)


@desk_script_endpoint("change-clients")
def confirm_resource_change(request: Request, desk: DeskSession) -> Response:
    """The resource server is changed, or waits for a second operator."""
    present, sent = confirm_as_shown(request, desk, CHANGE)
    found = lock_resource(request.connection, sent.get("resource", ""))
    if found is None:
        raise not_found_error()
    if sent.get("version") != version_of_resource(found):
        raise Forbidden("changed_meanwhile", MEANWHILE)
    values = read_resource_form(sent)
    after = changed_resource(request.connection, request.settings, found, **values)
    wanted = resource_request(request.connection, found, after)
    if wanted.gives:
        return json_answer(ask_second_operator(request, present, wanted))
    changed = change_resource(
        request.connection,
        request.secrets,
        request.settings,
        found,
        request.now,
        reference=request.reference,
        actor_id=present.person_id,
        **values,
    )
    return json_answer({"location": resource_path(changed)})


def _form(
    request: Request,
    desk: DeskSession,
    resource: Resource | None,
    sent: Mapping[str, str],
    refusal: InvalidResource | None = None,
) -> Response:
    errors = []
    if refusal is not None:
        text = refusal.sentence(request.translate)
        errors = [{"field": refused_field(refusal), "text": text}]
    return render_desk_page(
        request,
        desk,
        "console/operator_resource_form.html",
        422 if errors else 200,
        shown=resource,
        sent=sent,
        errors=errors,
        levels=LEVELS,
        example=EXAMPLE,
        at=resource_query(resource) if resource else "",
    )


def _confirm(
    request: Request, desk: DeskSession, before: Resource | None, after: Resource
) -> Response:
    carried = {name: text for name, text in request.form.items() if name != "csrf_token"}
    if before is not None:
        carried["version"] = version_of_resource(before)
    return confirmation_page(
        request,
        desk,
        CHANGE if before else REGISTER,
        carried,
        "resource" if before else "new-resource",
        resource_request(request.connection, before, after),
        before=before and before.resource_name,
        name=after.resource_name,
        changes=resource_changes(before, after),
        new_secret=False,
        back=f"{ONE}/edit?{resource_query(before)}" if before else NEW,
    )


routes = [
    desk_page(NEW, show_new_resource_form),
    desk_form(NEW, check_new_resource),
    desk_script(f"{NEW}/confirmed/{{mark}}/options", new_resource_options, writes=False),
    desk_script(f"{NEW}/confirmed/{{mark}}", confirm_new_resource),
    desk_page(f"{ONE}/edit", show_resource_form),
    desk_form(f"{ONE}/edit", check_resource_change),
    desk_script(f"{ONE}/change/{{mark}}/options", resource_change_options, writes=False),
    desk_script(f"{ONE}/change/{{mark}}", confirm_resource_change),
]
