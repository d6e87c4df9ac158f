"""/logout: OpenID Connect RP-Initiated Logout 1.0
(https://openid.net/specs/openid-connect-rpinitiated-1_0.html).

The person is always asked. Only with an ID token of ours is anyone sent anywhere afterwards, and
only to an address that this token's client registered (decisions 4.15).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import timedelta
from urllib.parse import urlencode

from starlette.responses import Response

from authn.audit.events import SignedOut
from authn.audit.log import record
from authn.clients.clients import Client, find_client
from authn.errors import N_, InvalidRequest
from authn.keys.signing_keys import current_keys
from authn.login.language import in_language_asked, speak_language_asked
from authn.login.signed_out import signed_out_page
from authn.oidc.id_token import read_hint
from authn.secrets import read_token, sign_token
from authn.sessions.cookie import current_session
from authn.sessions.sessions import end_session
from authn.sessions.sign_in import forget
from authn.web.request import Request, page, redirect
from authn.web.routing import form_route, protocol_route

PURPOSE = "logout"
LIFETIME = timedelta(minutes=10)
LONGEST_STATE = 4096


@dataclass(frozen=True, slots=True)
class LogoutRequest:
    """A logout request that was checked: by whom, and where to go afterwards; "" is nowhere."""

    client_id: str = ""
    post_logout_redirect_uri: str = ""
    state: str = ""

    def location(self, client: Client | None) -> str:
        """Where to go; nowhere if the client has taken that address back since."""
        uri = self.post_logout_redirect_uri
        if client is None or uri not in client.post_logout_redirect_uris:
            return ""
        query = urlencode({"state": self.state}) if self.state else ""
        return uri + (("&" if "?" in uri else "?") + query if query else "")


def logout(request: Request) -> Response:
    """The page that asks; or on to where the application wants, if nobody is signed in here."""
    if request.method == "POST":
        # From another site it comes without our cookies (Lax): on with GET (decisions 4.16).
        checked = checked_logout(request, request.form)
        answer = redirect("/logout?" + urlencode({"logout": _token(request, checked)}))
        return speak_language_asked(request, answer, request.form.get("ui_locales", ""))
    wishes = request.query.get("ui_locales", "")
    request = in_language_asked(request, wishes)
    return speak_language_asked(request, _asked(request), wishes)


def _asked(request: Request) -> Response:
    if "logout" in request.query:
        checked = _read(request, request.query["logout"])
    else:
        checked = checked_logout(request, request.query)
    session, client = current_session(request), _client(request, checked)
    if session is None:
        return signed_out_page(request, None, client, checked.location(client))
    return page(
        request,
        "oidc/logout.html",
        person=session,
        client=client,
        logout=_token(request, checked),
        current_path="/logout?" + urlencode({"logout": _token(request, checked)}),
    )


def confirm(request: Request) -> Response:
    """The session of this browser has ended, with every grant that hangs on it."""
    checked = _read(request, request.form.get("logout", ""))
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
    return forget(signed_out_page(request, ended, client, checked.location(client)), request)


def checked_logout(request: Request, parameters: Mapping[str, str]) -> LogoutRequest:
    """What the request is worth; raises `InvalidRequest` where client and address don't agree.

    `logout_hint` is not read: whoever is signed in here is asked, and nobody else signed out. A
    hint that isn't ours is as none at all.
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
    hint = read_hint(keys, request.settings, id_token_hint)
    return find_client(request.connection, hint.client_id) if hint else None


def _client(request: Request, checked: LogoutRequest) -> Client | None:
    return find_client(request.connection, checked.client_id) if checked.client_id else None


def _token(request: Request, checked: LogoutRequest) -> str:
    content = asdict(checked)
    return sign_token(request.secrets, PURPOSE, content, request.now, LIFETIME)


def _read(request: Request, token: str) -> LogoutRequest:
    content = read_token(request.secrets, PURPOSE, token, request.now)
    return LogoutRequest(*(content.get(each.name, "") for each in fields(LogoutRequest)))


routes = [
    protocol_route("/logout", logout, methods=["GET", "POST"], answers="page"),
    form_route("/logout/confirm", confirm),
]
