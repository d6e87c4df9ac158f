"""Choosing an account, and allowing an application what it asks."""

from collections.abc import Callable
from urllib.parse import urlencode

from starlette.responses import Response

from authn.audit.events import ConsentDeclined, ConsentGiven
from authn.audit.log import record
from authn.consents.asked import allow
from authn.errors import N_, InvalidRequest
from authn.grants.authorization_request import DEVICE
from authn.login.acting import acting
from authn.login.hallway import (
    authentication_required,
    decline,
    device_needed,
    left_to_allow,
    next_location,
    proceed,
)
from authn.login.passage import Passage
from authn.login.pending import pending_token
from authn.login.scopes import in_words
from authn.login.waiting import waiting
from authn.sessions.cookie import current_session
from authn.sessions.sessions import Session, select_for_request
from authn.web.request import Request, page, redirect
from authn.web.routing import form_route, page_route


def consent(request: Request) -> Response:
    """The page that says who asks what, with the values it would get."""
    passage = _passage(request, request.query.get("request", ""))
    if authentication_required(passage) or device_needed(passage):
        return proceed(request, passage.pending, passage.client, passage.session)
    asked = left_to_allow(passage)
    if not asked:
        return redirect("/login/continue?request=" + pending_token(request, passage.pending))
    assert passage.session is not None
    return page(
        request,
        "login/consent.html",
        person=passage.session,
        client=passage.client,
        asked=in_words(request, passage.session.person_id, asked, passage.pending),
        request_token=request.query["request"],
    )


def decide(request: Request) -> Response:
    """The decision is on record, and a page leads back to the application.

    A page and not a redirect: browsers apply `form-action` to redirects after a POST.
    """
    passage = _passage(request, request.form.get("request", ""))
    if authentication_required(passage) or device_needed(passage):
        return proceed(request, passage.pending, passage.client, passage.session)
    assert passage.session is not None
    if _shown_to_another(passage):
        token = pending_token(request, passage.pending)
        return redirect("/consent?" + urlencode({"request": token}))
    decision = DECISIONS.get(request.form.get("decision", ""))
    if decision is None:
        raise InvalidRequest("invalid_request", N_("Please choose: allow or decline."))
    location = decision(passage, passage.session, left_to_allow(passage))
    if passage.pending.response_mode == DEVICE:
        return redirect(location)  # no application opens here: a page of ours is the last one
    return page(request, "login/continue.html", client=passage.client, location=location)


def _allow(passage: Passage, session: Session, asked: frozenset[str]) -> str:
    """Where to go on; the consent holds from now on."""
    request, client_id = passage.request, passage.client.client_id
    profile_id = acting(passage).consent_id
    allow(request.connection, session.person_id, profile_id, passage.pending, asked, request.now)
    event = ConsentGiven(
        person_id=session.person_id,
        device_id=session.device_id,
        client_id=client_id,
        scopes=" ".join(sorted(asked)),
    )
    record(request.connection, request.secrets, event, request.now, request.reference)
    return next_location(passage)


def _decline(passage: Passage, session: Session, asked: frozenset[str]) -> str:
    """Back to the application, which is told; nothing is remembered but that it was so."""
    request = passage.request
    event = ConsentDeclined(
        person_id=session.person_id,
        device_id=session.device_id,
        client_id=passage.client.client_id,
        scopes=" ".join(sorted(asked)),
    )
    record(request.connection, request.secrets, event, request.now, request.reference)
    return decline(passage)


DECISIONS: dict[str, Callable[[Passage, Session, frozenset[str]], str]] = {
    "allow": _allow,
    "decline": _decline,
}


def select_account(request: Request) -> Response:
    """The page that asks whether to go on as this person or as another."""
    passage = _passage(request, request.query.get("request", ""))
    if authentication_required(passage):
        return proceed(request, passage.pending, passage.client, passage.session)
    return page(
        request,
        "login/select_account.html",
        person=passage.session,
        client=passage.client,
        request_token=request.query["request"],
    )


def account_selected(request: Request) -> Response:
    """The choice holds for this one request; another account signs in anew."""
    passage = _passage(request, request.form.get("request", ""))
    token = pending_token(request, passage.pending)
    if passage.session is None or request.form.get("choice") == "another":
        return redirect("/login?another=1&request=" + token)
    if _shown_to_another(passage):
        return redirect("/select-account?" + urlencode({"request": token}))
    if request.form.get("choice") != "continue":
        raise InvalidRequest("invalid_request", N_("Please choose an account."))
    select_for_request(request.connection, passage.session.id, passage.pending.request_id)
    return redirect("/login/continue?request=" + token)


def _shown_to_another(passage: Passage) -> bool:
    """Whether somebody else signed in here since the page was shown: it asked another person."""
    assert passage.session is not None
    return passage.request.form.get("person") != str(passage.session.person_id)


def _passage(request: Request, token: str) -> Passage:
    pending, client = waiting(request, token)
    return Passage(request, pending, client, current_session(request))


routes = [
    page_route("/consent", consent, writes=True),
    form_route("/consent", decide),
    page_route("/select-account", select_account, writes=True),
    form_route("/select-account", account_selected),
]
