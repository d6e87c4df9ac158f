"""Registering a resource server, and changing one: as `operator_client_acts` of an application."""

from collections.abc import Mapping
from typing import Final

from starlette.responses import Response

from authn.clients.resource_document import InvalidResource
from authn.clients.resource_registration import (
    change_resource,
    changed_resource,
    locked_resource,
    new_resource,
    register_resource,
)
from authn.clients.resources import Resource, find_resource
from authn.console.desk import DeskSession, at_desk, at_desk_script, nothing_here
from authn.console.operator_asking import asked_here
from authn.console.operator_confirming import confirm_as_shown, confirm_page, shown_options
from authn.console.operator_request_deeds import wanted_resource
from authn.console.operator_resource_form import EXAMPLE, field_of, form_of_resource, values_of_form
from authn.console.operator_resource_views import resource_changes, version_of_resource
from authn.console.operator_resources import ONE, address, query_of, resource_in_query
from authn.console.routes import desk_form, desk_page, desk_script
from authn.console.shown import desk_answer
from authn.errors import N_, Forbidden
from authn.policies import LEVELS
from authn.web.request import Request, json_answer

NEW: Final = "/desk/operator/new-resource"
CHANGE: Final = "change resource"
REGISTER: Final = "new resource"
MEANWHILE: Final = N_(
    "Somebody changed this resource server meanwhile. Open it again, and see what is still needed."
)


@at_desk("change-clients")
def operator_resource_new(request: Request, desk: DeskSession) -> Response:
    """The form of a new one."""
    return _form(request, desk, None, {"token_format": "jwt"})


@at_desk("change-clients")
def operator_resource_checked(request: Request, desk: DeskSession) -> Response:
    """What the form says would be registered; or what is wrong, at its field."""
    try:
        after = new_resource(
            request.connection,
            request.settings,
            request.now,
            resource=request.form.get("resource", "").strip(),
            **values_of_form(request.form),
        )
    except InvalidResource as refusal:
        return _form(request, desk, None, request.form, refusal)
    return _confirm(request, desk, None, after)


@at_desk_script("change-clients")
def operator_resource_new_options(request: Request, desk: DeskSession) -> Response:
    """Options to confirm it."""
    return shown_options(request, desk, REGISTER)


@at_desk_script("change-clients")
def operator_resource_registered(request: Request, desk: DeskSession) -> Response:
    """Access tokens can be for it from now on, or once a second operator agrees."""
    present, sent = confirm_as_shown(request, desk, REGISTER)
    values = {"resource": sent.get("resource", "").strip(), **values_of_form(sent)}
    after = new_resource(request.connection, request.settings, request.now, **values)
    wanted = wanted_resource(request.connection, None, after)
    if wanted.gives:
        return json_answer(asked_here(request, present, wanted))
    registered = register_resource(
        request.connection,
        request.secrets,
        request.settings,
        request.now,
        reference=request.reference,
        actor_id=present.person_id,
        **values,
    )
    return json_answer({"location": address(registered)})


@at_desk("change-clients")
def operator_resource_edit(request: Request, desk: DeskSession) -> Response:
    """The form of one as it is."""
    found = resource_in_query(request)
    return _form(request, desk, found, form_of_resource(found))


@at_desk("change-clients")
def operator_resource_edit_checked(request: Request, desk: DeskSession) -> Response:
    """What the form would change; or what is wrong, at its field."""
    found = find_resource(request.connection, request.form.get("resource", ""))
    if found is None:
        raise nothing_here()
    try:
        values = values_of_form(request.form)
        after = changed_resource(request.connection, request.settings, found, **values)
    except InvalidResource as refusal:
        return _form(request, desk, found, request.form, refusal)
    return _confirm(request, desk, found, after)


@at_desk_script("change-clients")
def operator_resource_edit_options(request: Request, desk: DeskSession) -> Response:
    """Options to confirm it."""
    return shown_options(request, desk, CHANGE)


@at_desk_script("change-clients")
def operator_resource_changed(request: Request, desk: DeskSession) -> Response:
    """It has these values from now on, or once a second operator agrees."""
    present, sent = confirm_as_shown(request, desk, CHANGE)
    found = locked_resource(request.connection, sent.get("resource", ""))
    if found is None:
        raise nothing_here()
    if sent.get("version") != version_of_resource(found):
        raise Forbidden("changed_meanwhile", MEANWHILE)
    values = values_of_form(sent)
    after = changed_resource(request.connection, request.settings, found, **values)
    wanted = wanted_resource(request.connection, found, after)
    if wanted.gives:
        return json_answer(asked_here(request, present, wanted))
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
    return json_answer({"location": address(changed)})


def _form(
    request: Request,
    desk: DeskSession,
    resource: Resource | None,
    sent: Mapping[str, str],
    refusal: InvalidResource | None = None,
) -> Response:
    errors = []
    if refusal is not None:
        text = refusal.said(request.translate)
        errors = [{"field": field_of(refusal), "text": text}]
    return desk_answer(
        request,
        desk,
        "console/operator_resource_form.html",
        422 if errors else 200,
        shown=resource,
        sent=sent,
        errors=errors,
        levels=LEVELS,
        example=EXAMPLE,
        at=query_of(resource) if resource else "",
    )


def _confirm(
    request: Request, desk: DeskSession, before: Resource | None, after: Resource
) -> Response:
    carried = {name: text for name, text in request.form.items() if name != "csrf_token"}
    if before is not None:
        carried["version"] = version_of_resource(before)
    return confirm_page(
        request,
        desk,
        CHANGE if before else REGISTER,
        carried,
        "resource" if before else "new-resource",
        wanted_resource(request.connection, before, after),
        before=before and before.resource_name,
        name=after.resource_name,
        changes=resource_changes(before, after),
        new_secret=False,
        back=f"{ONE}/edit?{query_of(before)}" if before else NEW,
    )


routes = [
    desk_page(NEW, operator_resource_new),
    desk_form(NEW, operator_resource_checked),
    desk_script(f"{NEW}/confirmed/{{mark}}/options", operator_resource_new_options, writes=False),
    desk_script(f"{NEW}/confirmed/{{mark}}", operator_resource_registered),
    desk_page(f"{ONE}/edit", operator_resource_edit),
    desk_form(f"{ONE}/edit", operator_resource_edit_checked),
    desk_script(f"{ONE}/change/{{mark}}/options", operator_resource_edit_options, writes=False),
    desk_script(f"{ONE}/change/{{mark}}", operator_resource_changed),
]
