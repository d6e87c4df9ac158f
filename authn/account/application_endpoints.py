"""My applications: what the person allowed, and withdrawing that (decisions 7).

A session is enough, as for signing out: what is taken can be given again at once.
"""

from dataclasses import replace
from uuid import UUID

from starlette.responses import Response

from authn.account.applications import AllowedApplication, list_applications
from authn.account.required_session import require_session
from authn.audit.events.applications import ConsentWithdrawn
from authn.audit.log import record
from authn.consents.consents import EVERY_PROFILE, withdraw_consents
from authn.errors import N_, NotFound
from authn.sessions.sessions import Session, record_session_use
from authn.web.request import Request, page, redirect
from authn.web.routing import form_route, page_route

FLASHES = {
    "withdrawn": N_("The application has no access any more."),
    "all": N_("No application has access any more."),
}


@require_session
def applications_page(request: Request, session: Session) -> Response:
    """The page with the applications that the person allowed something, or signs in to."""
    flash = FLASHES.get(request.query.get("done", ""), "")
    return page(
        request,
        "account/applications.html",
        person=session,
        applications=list_applications(request, session.person_id),
        flash=request.translate(flash) or None,
    )


@require_session
def withdraw_page(request: Request, session: Session) -> Response:
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


@require_session
def withdraw_application(request: Request, session: Session) -> Response:
    """Withdraws all that the application was allowed, or in the one capacity that is named."""
    profile = request.form.get("profile", "")
    if application := _find(request, session, profile):
        only = application.allowed[0].consent_id if profile else EVERY_PROFILE
        _withdraw(request, session, application.client_id, only)
    record_session_use(request.connection, session, request.now)
    return redirect("/applications?done=withdrawn")


@require_session
def withdraw_all_page(request: Request, session: Session) -> Response:
    """The page that says what withdrawing from all applications ends, before it asks."""
    found = list_applications(request, session.person_id)
    if not found:
        return redirect("/applications")
    return page(request, "account/withdraw_applications.html", person=session, applications=found)


@require_session
def withdraw_all_applications(request: Request, session: Session) -> Response:
    """Withdraws all that any application was allowed."""
    found = list_applications(request, session.person_id)
    for client_id in sorted(each.client_id for each in found):
        _withdraw(request, session, client_id)
    record_session_use(request.connection, session, request.now)
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
    """The application in the address, in one capacity if one is named; None if the person has
    allowed it nothing."""
    client_id = request.path_params["client_id"]
    found = list_applications(request, session.person_id)
    application = next((each for each in found if each.client_id == client_id), None)
    if application is None or not profile:
        return application
    in_it = [each for each in application.allowed if str(each.consent_id) == profile]
    return replace(application, allowed=in_it) if in_it else None


routes = [
    page_route("/applications", applications_page),
    page_route("/applications/withdraw", withdraw_all_page),
    form_route("/applications/withdraw", withdraw_all_applications),
    page_route("/applications/{client_id}/withdraw", withdraw_page),
    form_route("/applications/{client_id}/withdraw", withdraw_application),
]
