"""Choosing an account: going on as who is signed in, or signing in as another."""

from dataclasses import replace
from urllib.parse import urlencode

from starlette.responses import Response

from authn.errors import N_, InvalidRequest
from authn.login.hallway import next_step, proceed
from authn.login.pending import pending_token
from authn.login.steps import authentication_required
from authn.login.waiting import passage_of, shown_to_another
from authn.sessions.sessions import select_for_request
from authn.web.request import Request, page, redirect
from authn.web.routing import form_route, page_route


def select_account(request: Request) -> Response:
    """The page that asks whether to go on as this person or as another."""
    passage = passage_of(request, request.query.get("request", ""))
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
    passage = passage_of(request, request.form.get("request", ""))
    token = pending_token(request, passage.pending)
    if passage.session is None or request.form.get("choice") == "another":
        return redirect("/login?another=1&request=" + token)
    if shown_to_another(passage):
        return redirect("/select-account?" + urlencode({"request": token}))
    if request.form.get("choice") != "continue":
        raise InvalidRequest("invalid_request", N_("Please choose an account."))
    request_id = passage.pending.request_id
    select_for_request(request.connection, passage.session.id, request_id)
    selected = replace(passage.session, selected_request=request_id)
    step = next_step(replace(passage, session=selected))
    location = "/login/continue?request=" + token
    # Browsers hold the redirects after a form against `form-action` (decisions 4.16): where the
    # last leads to the application, a page navigates.
    if step is None:
        return page(request, "login/continue.html", client=passage.client, location=location)
    return redirect(location)


routes = [
    page_route("/select-account", select_account, writes=True),
    form_route("/select-account", account_selected),
]
