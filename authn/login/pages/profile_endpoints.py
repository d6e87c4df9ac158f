"""The page of a login on which a person chooses in which capacity to act."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from authn.audit.events.capacities import ProfileChosen
from authn.audit.log import record
from authn.errors import N_
from authn.login.checks.authentication import (
    account_selection_required,
    authentication_required,
    device_needed,
)
from authn.login.checks.capacity import NOBODY, PATH, find_capacity_choice, profile_required
from authn.login.findings import CapacityChoice, InteractionFindings
from authn.login.interaction import continue_interaction, next_location
from authn.login.pages.profile_offers import (
    UNCHECKED_WORDS,
    build_profile_offer,
    find_chosen_profile,
)
from authn.login.pending import (
    Interaction,
    find_interaction,
    find_pending_request,
    is_form_of_another_person,
    pending_token,
)
from authn.login.profile_choices import record_choice
from authn.login.response import authorization_response
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


def profile_choice_page(request: Request) -> Response:
    """The page with the capacities to choose from, or with whom to ask where there is none."""
    interaction = find_interaction(request, request.query.get("request", ""))
    if _is_earlier_check_unmet(interaction):
        return continue_interaction(
            request, interaction.pending, interaction.client, interaction.session
        )
    choice = find_capacity_choice(interaction)
    if not choice.candidates:
        return _nobody_page(interaction, choice)
    asked = profile_required(interaction) is not None
    if not asked and ("change" not in request.query or len(choice.candidates) == 1):
        return redirect("/login/continue?" + _request_query(interaction))
    return _choices_page(interaction, choice)


def choose_profile(request: Request) -> Response:
    """Stores the capacity chosen and goes on; for a search, shows the page with the results."""
    interaction = find_interaction(request, request.form.get("request", ""))
    if _is_earlier_check_unmet(interaction):
        return continue_interaction(
            request, interaction.pending, interaction.client, interaction.session
        )
    assert interaction.session is not None
    choice = find_capacity_choice(interaction)
    if is_form_of_another_person(interaction) or not choice.candidates:
        # Somebody else signed in here since the page was shown, or all that it offered has ended.
        return redirect(f"{PATH}?{_request_query(interaction)}")
    if "search" in request.form:
        return _choices_page(interaction, choice, search=request.form["search"])
    profile = find_chosen_profile(choice.candidates, request.form.get("profile", ""))
    if profile is None:
        return _choices_page(interaction, choice, error=GONE)
    _note(interaction, profile)
    # Without the findings for the capacity of before.
    interaction = replace(interaction, level=None, findings=InteractionFindings())
    return _go_on(interaction, next_location(interaction))


def leave_without_profile(request: Request) -> Response:
    """Answers the application that the person has no capacity that would do."""
    pending, client = find_pending_request(request, request.query.get("request", ""))
    error = {"error": NOBODY.error, "error_description": NOBODY.description}
    return authorization_response(request, client, pending, error)


def _note(interaction: Interaction, profile: Profile) -> None:
    """Stores and records the choice, for this request and for the session at the application."""
    request, session, client_id = (
        interaction.request,
        interaction.session,
        interaction.client.client_id,
    )
    assert session is not None
    request_id = interaction.pending.request_id
    record_choice(request.connection, session, client_id, request_id, profile, request.now)
    event = ProfileChosen(
        person_id=session.person_id,
        device_id=session.device_id,
        client_id=client_id,
        kind=profile.kind,
        profile_id=profile.id,
        where=ON_THE_WAY,
    )
    record(request.connection, request.secrets, event, request.now, request.reference)


def _go_on(interaction: Interaction, location: str) -> Response:
    """A redirect to a page of ours, or a page that navigates to the application.

    Browsers hold the redirects after a form against `form-action` (decisions 4.16).
    """
    if location.startswith("/"):
        return redirect(location)
    return page(
        interaction.request, "login/continue.html", client=interaction.client, location=location
    )


def _choices_page(
    interaction: Interaction, choice: CapacityChoice, *, search: str = "", error: str = ""
) -> Response:
    request, session, client = interaction.request, interaction.session, interaction.client
    assert session is not None
    kept = choice.profile or choice.last
    return page(
        request,
        "login/profile.html",
        status=422 if error else 200,
        # Of a search too, for the language switch.
        current_path=f"{PATH}?{_request_query(interaction)}",
        offer=build_profile_offer(
            choice.candidates,
            request.translate,
            session.name,
            last=kept,
            default_kind=client.default_profile_kind,
            search=search.strip(),
        ),
        lost=choice.lost,
        error=request.translate(error),
        **_common(interaction, choice),
    )


def _nobody_page(interaction: Interaction, choice: CapacityChoice) -> Response:
    request = interaction.request
    needed = [
        request.translate(words) for kind, words in NEEDED_WORDS.items() if kind in choice.kinds
    ]
    return page(request, "login/no_profile.html", needed=needed, **_common(interaction, choice))


def _common(interaction: Interaction, choice: CapacityChoice) -> dict[str, Any]:
    request = interaction.request
    return {
        "person": interaction.session,
        "client": interaction.client,
        "unchecked": [request.translate(UNCHECKED_WORDS[each]) for each in choice.unchecked],
        "request_token": pending_token(request, interaction.pending),
    }


def _is_earlier_check_unmet(interaction: Interaction) -> bool:
    """Whether an earlier check is not met."""
    first = (authentication_required, device_needed, account_selection_required)
    return any(check(interaction) for check in first)


def _request_query(interaction: Interaction) -> str:
    return urlencode({"request": pending_token(interaction.request, interaction.pending)})


routes = [
    page_route(PATH, profile_choice_page, writes=WHEN_NEEDED),
    form_route(PATH, choose_profile),
    page_route("/profile/without", leave_without_profile),
]
