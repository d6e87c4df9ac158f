"""/logout: an application sends the browser here to sign the person out.

OpenID Connect RP-Initiated Logout 1.0
(https://openid.net/specs/openid-connect-rpinitiated-1_0.html).

The person is always asked before signing out. Afterwards the browser goes to an address only with
an ID token of ours as hint, and only to an address that the hint's client registered (decisions
4.15).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import timedelta
from urllib.parse import urlencode

from starlette.responses import Response

from authn.audit.events.people import SignedOut
from authn.audit.log import record
from authn.clients.clients import Client, find_client
from authn.errors import N_, InvalidRequest
from authn.keys.signing_keys import current_keys
from authn.login.interaction import request_in_ui_locales, set_language_cookie
from authn.login.pages.signed_out_page import build_signed_out_page
from authn.oidc.requests.requested_authentication import read_id_token_hint
from authn.secrets import read_token, sign_token
from authn.sessions.browser import current_session, forget_session_cookie
from authn.sessions.sessions import end_session
from authn.web.request import Request, page, redirect
from authn.web.routing import form_route, protocol_route

PURPOSE = "logout"
LIFETIME = timedelta(minutes=10)
LONGEST_STATE = 4096


@dataclass(frozen=True, slots=True)
class LogoutRequest:
    """A checked logout request: its client, and where to go afterwards; "" is nowhere."""

    client_id: str = ""
    post_logout_redirect_uri: str = ""
    state: str = ""

    def location(self, client: Client | None) -> str:
        """The address to go to; "" also where the client removed the address since."""
        uri = self.post_logout_redirect_uri
        if client is None or uri not in client.post_logout_redirect_uris:
            return ""
        query = urlencode({"state": self.state}) if self.state else ""
        return uri + (("&" if "?" in uri else "?") + query if query else "")


def logout(request: Request) -> Response:
    """The page that asks the person; where nobody is signed in, the page of the end."""
    if request.method == "POST":
        # From another site it comes without our cookies (Lax): on with GET (decisions 4.16).
        checked = check_logout_request(request, request.form)
        answer = redirect("/logout?" + urlencode({"logout": _token(request, checked)}))
        return set_language_cookie(request, answer, request.form.get("ui_locales", ""))
    wishes = request.query.get("ui_locales", "")
    request = request_in_ui_locales(request, wishes)
    return set_language_cookie(request, _confirmation_page(request), wishes)


def _confirmation_page(request: Request) -> Response:
    if "logout" in request.query:
        checked = _read_token(request, request.query["logout"])
    else:
        checked = check_logout_request(request, request.query)
    session, client = current_session(request), _client(request, checked)
    if session is None:
        return build_signed_out_page(request, None, client, checked.location(client))
    return page(
        request,
        "oidc/logout.html",
        person=session,
        client=client,
        logout=_token(request, checked),
        current_path="/logout?" + urlencode({"logout": _token(request, checked)}),
    )


def confirm_logout(request: Request) -> Response:
    """The browser's session has ended, with every grant that belongs to the session."""
    checked = _read_token(request, request.form.get("logout", ""))
    client = _client(request, checked)
    session = current_session(request)
    if session is not None and end_session(request.connection, session.id, request.now):
        event = SignedOut(
            person_id=session.person_id,
            device_id=session.device_id,
            client_id=checked.client_id or None,
        )
        record(request.connection, request.secrets, event, request.now, request.reference)
    ended = session.id if session else None
    return forget_session_cookie(
        build_signed_out_page(request, ended, client, checked.location(client)), request
    )


def check_logout_request(request: Request, parameters: Mapping[str, str]) -> LogoutRequest:
    """The checked request; raises `InvalidRequest` where client and address don't agree.

    `logout_hint` is not read: only the person of this browser can be signed out. An
    `id_token_hint` that is not ours counts as omitted.
    """
    client = _client_of_hint(request, parameters.get("id_token_hint", ""))
    if client is None:
        return LogoutRequest()
    if parameters.get("client_id", client.client_id) != client.client_id:  # §2
        raise InvalidRequest("invalid_request", N_("This came from another application."))
    uri = parameters.get("post_logout_redirect_uri", "")
    if not uri:
        return LogoutRequest(client.client_id)
    if uri not in client.post_logout_redirect_uris:  # §3: exactly a registered one
        raise InvalidRequest(
            "invalid_redirect_uri",
            N_("The application wants you sent back to an address that it has not registered."),
        )
    state = parameters.get("state", "")
    if len(state) > LONGEST_STATE:  # §2: it is passed back as it came, or not at all
        raise InvalidRequest(
            "invalid_request",
            N_("The application sent you here with a request that we cannot accept."),
            detail="the state is too long",
        )
    return LogoutRequest(client.client_id, uri, state)


def _client_of_hint(request: Request, id_token_hint: str) -> Client | None:
    if not id_token_hint:
        return None
    keys = current_keys(request.site, request.connection, request.now)
    hint = read_id_token_hint(keys, request.settings, id_token_hint)
    return find_client(request.connection, hint.client_id) if hint else None


def _client(request: Request, checked: LogoutRequest) -> Client | None:
    return find_client(request.connection, checked.client_id) if checked.client_id else None


def _token(request: Request, checked: LogoutRequest) -> str:
    content = asdict(checked)
    return sign_token(request.secrets, PURPOSE, content, request.now, LIFETIME)


def _read_token(request: Request, token: str) -> LogoutRequest:
    content = read_token(request.secrets, PURPOSE, token, request.now)
    return LogoutRequest(*(content.get(each.name, "") for each in fields(LogoutRequest)))


routes = [
    protocol_route("/logout", logout, methods=["GET", "POST"], answers="page"),
    form_route("/logout/confirm", confirm_logout),
]
