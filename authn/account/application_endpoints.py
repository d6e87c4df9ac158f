"""My applications: what was allowed to whom, and withdrawing it (decisions 7).

Without a device in hand, as signing out is: it takes nothing that can't be given again at once.
"""

from dataclasses import replace
from uuid import UUID

from starlette.responses import Response

from authn.account.applications import AllowedApplication, applications_of
from authn.account.signed_in import signed_in
from authn.audit.events import ConsentWithdrawn
from authn.audit.log import record
from authn.consents.withdrawal import EVERY_PROFILE, withdraw_consents
from authn.errors import N_, NotFound
from authn.sessions.sessions import Session, touch
from authn.web.request import Request, page, redirect
from authn.web.routing import form_route, page_route

FLASHES = {
    "withdrawn": N_("The application has no access any more."),
    "all": N_("No application has access any more."),
}


@signed_in
def applications(request: Request, session: Session) -> Response:
    """The applications that the person allowed something, or signs in to."""
    flash = FLASHES.get(request.query.get("done", ""), "")
    return page(
        request,
        "account/applications.html",
        person=session,
        applications=applications_of(request, session.person_id),
        flash=request.translate(flash) or None,
    )


@signed_in
def withdraw(request: Request, session: Session) -> Response:
    """The page that says what ends and what stays, before it asks."""
    profile = request.query.get("profile", "")
    application = _find(request, session, profile)
    if application is None:
        raise NotFound("not_found", N_("You have not allowed this application anything."))
    return page(
        request,
        "account/withdraw_application.html",
        person=session,
        application=application,
        profile=profile,
    )


@signed_in
def withdrawn(request: Request, session: Session) -> Response:
    """The application may nothing any more, and all that it held is worth nothing; or so in the one
    capacity that is named."""
    profile = request.form.get("profile", "")
    if application := _find(request, session, profile):
        only = application.allowed[0].consent_id if profile else EVERY_PROFILE
        _withdraw(request, session, application.client_id, only)
    touch(request.connection, session, request.now)
    return redirect("/applications?done=withdrawn")


@signed_in
def withdraw_all(request: Request, session: Session) -> Response:
    """The page that says what ends and what stays for all of them, before it asks."""
    found = applications_of(request, session.person_id)
    if not found:
        return redirect("/applications")
    return page(request, "account/withdraw_applications.html", person=session, applications=found)


@signed_in
def all_withdrawn(request: Request, session: Session) -> Response:
    """No application may anything any more."""
    found = applications_of(request, session.person_id)
    for client_id in sorted(each.client_id for each in found):
        _withdraw(request, session, client_id)
    touch(request.connection, session, request.now)
    return redirect("/applications?done=all")


def _withdraw(
    request: Request, session: Session, client_id: str, profile_id: UUID | None = EVERY_PROFILE
) -> None:
    ended = withdraw_consents(request, session.person_id, client_id, profile_id)
    event = ConsentWithdrawn(
        person_id=session.person_id,
        device_id=session.device_id,
        client_id=client_id,
        grants=ended,
        profile_id=str(profile_id) if profile_id else "",
    )
    record(request.connection, request.secrets, event, request.now, request.reference)


def _find(request: Request, session: Session, profile: str) -> AllowedApplication | None:
    """The one in the address, in this capacity alone if one is named; None where the person has
    not, or no longer, allowed it anything."""
    client_id = request.path_params["client_id"]
    found = applications_of(request, session.person_id)
    application = next((each for each in found if each.client_id == client_id), None)
    if application is None or not profile:
        return application
    in_it = [each for each in application.allowed if str(each.consent_id) == profile]
    return replace(application, allowed=in_it) if in_it else None


routes = [
    page_route("/applications", applications),
    page_route("/applications/withdraw", withdraw_all),
    form_route("/applications/withdraw", all_withdrawn),
    page_route("/applications/{client_id}/withdraw", withdraw),
    form_route("/applications/{client_id}/withdraw", withdrawn),
]
