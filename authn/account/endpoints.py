"""The holder's pages, and signing out."""

from starlette.responses import Response

from authn.account.adding_endpoints import routes as adding_routes
from authn.account.address_endpoints import routes as address_routes
from authn.account.device_endpoints import routes as device_routes
from authn.account.life_endpoints import routes as life_routes
from authn.account.not_me_endpoints import routes as not_me_routes
from authn.account.return_endpoints import routes as return_routes
from authn.account.well_known import routes as well_known_routes
from authn.audit.events import SignedOut
from authn.audit.log import record
from authn.sessions.cookie import current_session
from authn.sessions.sessions import end_session
from authn.sessions.sign_in import forget
from authn.web.request import Request, page, redirect
from authn.web.routing import form_route, page_route


def sign_out(request: Request) -> Response:
    """The session of this browser has ended."""
    session = current_session(request)
    if session is not None and end_session(request.connection, session.id, request.now):
        event = SignedOut(person_id=session.person_id, device_id=session.device_id)
        record(request.connection, request.secrets, event, request.now, request.reference)
    return forget(redirect("/signed-out"), request)


def signed_out(request: Request) -> Response:
    """The page that says so."""
    return page(request, "account/signed_out.html")


routes = [
    *device_routes,
    *life_routes,
    *adding_routes,
    *address_routes,
    *not_me_routes,
    *return_routes,
    *well_known_routes,
    form_route("/sign-out", sign_out),
    page_route("/signed-out", signed_out),
]
