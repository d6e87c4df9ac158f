"""My applications: what was allowed to whom, and withdrawing it (design 6).

Without a device in hand, as signing out is: it takes nothing that can't be given again at once.
"""

from starlette.responses import Response

from authn.account.applications import Application, applications_of
from authn.account.signed_in import signed_in
from authn.audit.events import ConsentWithdrawn
from authn.audit.log import record
from authn.consents.consents import withdraw_consents
from authn.errors import N_, NotFound
from authn.sessions.sessions import Session, touch
from authn.web.request import Request, page, redirect
from authn.web.routing import form_route, page_route

FLASHES = {"withdrawn": N_("The application has no access any more.")}


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
    application = _find(request, session)
    if application is None:
        raise NotFound("not_found", N_("You have not allowed this application anything."))
    return page(
        request, "account/withdraw_application.html", person=session, application=application
    )


@signed_in
def withdrawn(request: Request, session: Session) -> Response:
    """The application may nothing any more, and all that it held is worth nothing."""
    client_id = request.path_params["client_id"]
    if _find(request, session):
        ended = withdraw_consents(request.connection, session.person_id, client_id, request.now)
        event = ConsentWithdrawn(
            person_id=session.person_id,
            device_id=session.device_id,
            client_id=client_id,
            grants=ended,
        )
        record(request.connection, request.secrets, event, request.now, request.reference)
    touch(request.connection, session, request.now)
    return redirect("/applications?done=withdrawn")


def _find(request: Request, session: Session) -> Application | None:
    """The one in the address; None where the person has not, or no longer, allowed it anything."""
    client_id = request.path_params["client_id"]
    found = applications_of(request, session.person_id)
    return next((each for each in found if each.client_id == client_id), None)


routes = [
    page_route("/applications", applications),
    page_route("/applications/{client_id}/withdraw", withdraw),
    form_route("/applications/{client_id}/withdraw", withdrawn),
]
