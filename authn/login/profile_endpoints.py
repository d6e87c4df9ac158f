"""Choosing in which capacity to act, on the way to an application."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from authn.audit.log import record
from authn.audit.profile_events import ProfileChosen
from authn.errors import N_
from authn.login.acting import CapacityChoice, choice_of
from authn.login.hallway import account_selection_required, next_location, proceed
from authn.login.offered import UNCHECKED_WORDS, chosen_of, offer
from authn.login.passage import Passage
from authn.login.pending import pending_token
from authn.login.profile_choices import note_choice
from authn.login.profile_step import NOBODY, PATH, profile_required
from authn.login.response import authorization_response
from authn.login.steps import authentication_required, device_needed
from authn.login.waiting import passage_of, shown_to_another, waiting
from authn.profiles.profile import Profile
from authn.web.request import Request, page, redirect
from authn.web.routing import WHEN_NEEDED, form_route, page_route

ON_THE_WAY = "on the way"
GONE = N_("You can't choose this one any more. Please choose another.")
# What an application may need, and whom to ask for it.
NEEDED_WORDS = {
    "quality": N_(
        "A health profession in which you are recognised. Ask the authority that recognises it."
    ),
    "organisation": N_(
        "A place in an organisation. Ask the responsible access manager there to add you."
    ),
    "mandate": N_(
        "A mandate. Ask the person or organisation to give you one, then accept it yourself."
    ),
    "child": N_(
        "A child for whom you act as a parent. The national register says who that is, and until "
        "which age."
    ),
}


def choices(request: Request) -> Response:
    """The page that asks; or what is missing, and whom to ask, where there is nothing to choose."""
    passage = passage_of(request, request.query.get("request", ""))
    if _not_yet(passage):
        return proceed(request, passage.pending, passage.client, passage.session)
    choice = choice_of(passage)
    if not choice.candidates:
        return _nobody_page(passage, choice)
    asked = profile_required(passage) is not None
    if not asked and ("change" not in request.query or len(choice.candidates) == 1):
        return redirect("/login/continue?" + _named(passage))
    return _choices_page(passage, choice)


def chosen(request: Request) -> Response:
    """In the capacity chosen the person goes on; of a search, the page with what was found."""
    passage = passage_of(request, request.form.get("request", ""))
    if _not_yet(passage):
        return proceed(request, passage.pending, passage.client, passage.session)
    assert passage.session is not None
    choice = choice_of(passage)
    if shown_to_another(passage) or not choice.candidates:
        # Somebody else signed in here since the page was shown, or all that it offered has ended.
        return redirect(f"{PATH}?{_named(passage)}")
    if "search" in request.form:
        return _choices_page(passage, choice, search=request.form["search"])
    profile = chosen_of(choice.candidates, request.form.get("profile", ""))
    if profile is None:
        return _choices_page(passage, choice, error=GONE)
    _note(passage, profile)
    # With nothing of what was found out for the capacity of before.
    passage = replace(passage, level=None, found={})
    return _onwards(passage, next_location(passage))


def without(request: Request) -> Response:
    """Back to the application, which is told that the person has no capacity that would do."""
    pending, client = waiting(request, request.query.get("request", ""))
    error = {"error": NOBODY.error, "error_description": NOBODY.description}
    return authorization_response(request, client, pending, error)


def _note(passage: Passage, profile: Profile) -> None:
    """The choice holds for this request, and from now on for the session at this application."""
    request, session, client_id = passage.request, passage.session, passage.client.client_id
    assert session is not None
    request_id = passage.pending.request_id
    note_choice(request.connection, session, client_id, request_id, profile, request.now)
    event = ProfileChosen(
        person_id=session.person_id,
        device_id=session.device_id,
        client_id=client_id,
        kind=profile.kind,
        profile_id=profile.id,
        where=ON_THE_WAY,
    )
    record(request.connection, request.secrets, event, request.now, request.reference)


def _onwards(passage: Passage, location: str) -> Response:
    """To a page of ours by a redirect; to the application by a page that navigates.

    Browsers hold the redirects after a form against `form-action` (decisions 4.16).
    """
    if location.startswith("/"):
        return redirect(location)
    return page(passage.request, "login/continue.html", client=passage.client, location=location)


def _choices_page(
    passage: Passage, choice: CapacityChoice, *, search: str = "", error: str = ""
) -> Response:
    request, session, client = passage.request, passage.session, passage.client
    assert session is not None
    kept = choice.profile or choice.last
    return page(
        request,
        "login/profile.html",
        status=422 if error else 200,
        current_path=f"{PATH}?{_named(passage)}",  # of a search too, for the language switch
        offer=offer(
            choice.candidates,
            request.translate,
            session.name,
            last=kept,
            default_kind=client.default_profile_kind,
            search=search.strip(),
        ),
        lost=choice.lost,
        error=request.translate(error),
        **_common(passage, choice),
    )


def _nobody_page(passage: Passage, choice: CapacityChoice) -> Response:
    request = passage.request
    needed = [
        request.translate(words) for kind, words in NEEDED_WORDS.items() if kind in choice.kinds
    ]
    return page(request, "login/no_profile.html", needed=needed, **_common(passage, choice))


def _common(passage: Passage, choice: CapacityChoice) -> dict[str, Any]:
    request = passage.request
    return {
        "person": passage.session,
        "client": passage.client,
        "unchecked": [request.translate(UNCHECKED_WORDS[each]) for each in choice.unchecked],
        "request_token": pending_token(request, passage.pending),
    }


def _not_yet(passage: Passage) -> bool:
    """Whether something else comes first."""
    first = (authentication_required, device_needed, account_selection_required)
    return any(check(passage) for check in first)


def _named(passage: Passage) -> str:
    return urlencode({"request": pending_token(passage.request, passage.pending)})


routes = [
    page_route(PATH, choices, writes=WHEN_NEEDED),
    form_route(PATH, chosen),
    page_route("/profile/without", without),
]
