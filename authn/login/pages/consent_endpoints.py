"""The consent page: a person allows an application all of a request, some, or nothing."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode
from uuid import UUID

from starlette.responses import Response

from authn.audit.events.applications import ConsentDeclined, ConsentGiven
from authn.audit.log import record
from authn.consents.consent_names import allow_names, allowed_names, scope_of_name
from authn.consents.consents import DEFAULT_END, END_TEXTS, consent_end
from authn.consents.scopes import OPENID, PROFILE, SSIN
from authn.errors import N_, InvalidRequest
from authn.grants.authorization_request import DEVICE
from authn.login.checks.capacity import acting_profile, find_capacity_choice, keep_capacity_choice
from authn.login.checks.consent import CONSENT, find_consent_question, forget_consent_question
from authn.login.findings import ConsentQuestion
from authn.login.interaction import continue_interaction, decline_location, next_location, next_step
from authn.login.pages.capacity_texts import (
    CapacityScopes,
    ChosenCapacity,
    describe_capacity,
    format_enterprise_number,
)
from authn.login.pages.scope_texts import ScopeMarks, describe_scopes
from authn.login.pending import (
    Interaction,
    find_interaction,
    is_form_of_another_person,
    pending_token,
)
from authn.people.persons import find_person
from authn.sessions.sessions import Session
from authn.sources.embedded.facts import find_organisation
from authn.web.request import Request, page, redirect
from authn.web.routing import form_route, page_route

SAYS_IT_NEEDS_IT = N_("It says that it needs this.")
NEEDED_TO_SIGN_IN = N_("Without this you can't sign in there.")
# The field of a box, before the name that it is for; a box that is not ticked is not sent.
TICKED = "allow:"


@dataclass(frozen=True, slots=True)
class ConsentOrganisation:
    """On whose behalf an application asks; `name` is "" where only the number is known."""

    name: str
    number: str


def consent_page(request: Request) -> Response:
    """The page that says who asks what, with the values that the application would get."""
    interaction = find_interaction(request, request.query.get("request", ""))
    step = next_step(interaction)
    if step is None:
        return redirect("/login/continue?" + _request_query(interaction))
    asked = find_consent_question(interaction) if step == CONSENT else None
    if asked is None:
        return continue_interaction(
            request, interaction.pending, interaction.client, interaction.session
        )
    assert interaction.session is not None
    keep_capacity_choice(interaction)
    left, client = asked.left, interaction.client
    marks = _marks(interaction, asked)
    return page(
        request,
        "login/consent.html",
        person=interaction.session,
        client=client,
        asked=describe_scopes(request, interaction.session.person_id, left, asked.request, marks),
        shown=" ".join(sorted(left)),
        organisation=_organisation(interaction),
        capacity=_capacity(interaction, interaction.session, asked),
        another_capacity=len(find_capacity_choice(interaction).candidates) > 1,
        profile_id=acting_profile(interaction).consent_id,
        ends=END_TEXTS,
        default_end=DEFAULT_END,
        request_token=request.query["request"],
    )


def _marks(interaction: Interaction, asked: ConsentQuestion) -> ScopeMarks:
    """The names that can't be left out, with why, and those that the person left out last time."""
    language, reasons = interaction.request.language, interaction.client.scope_reasons

    def reason(name: str) -> str:
        registered = reasons.get(scope_of_name(name), {})
        own = registered.get(language) or registered.get("en", "")
        if own:
            return own
        words = NEEDED_TO_SIGN_IN if name == OPENID else SAYS_IT_NEEDS_IT
        return interaction.request.translate(words)

    return ScopeMarks(
        needed={name: reason(name) for name in asked.needed},
        unticked={name for name, answer in asked.former.items() if not answer.allowed},
    )


def _organisation(interaction: Interaction) -> ConsentOrganisation | None:
    number = interaction.client.organisation
    if not number:
        return None
    known = find_organisation(interaction.request.connection, interaction.request.secrets, number)
    return ConsentOrganisation(known.name if known else "", format_enterprise_number(number))


def _capacity(
    interaction: Interaction, session: Session, asked: ConsentQuestion
) -> ChosenCapacity | None:
    """The capacity in which the person acts; None where the application has only citizens."""
    if not interaction.client.profile_kinds:
        return None
    person = find_person(interaction.request.connection, session.person_id)
    assert person is not None, "whoever is signed in exists"
    scopes = asked.request.scope.split()
    shared = CapacityScopes(named=PROFILE in scopes, numbered=SSIN in scopes)
    return describe_capacity(interaction.request, acting_profile(interaction), person, shared)


def decide_consent(request: Request) -> Response:
    """Records the decision; a page leads back to the application.

    A page and not a redirect: browsers apply `form-action` to redirects after a POST.
    """
    interaction = find_interaction(request, request.form.get("request", ""))
    if next_step(interaction) not in (None, CONSENT):
        return continue_interaction(
            request, interaction.pending, interaction.client, interaction.session
        )
    if interaction.session is None:  # whatever the person says, the client can get no code
        location = next_location(interaction)
        return page(request, "login/continue.html", client=interaction.client, location=location)
    if is_form_of_another_person(interaction) or _shown_in_another_capacity(interaction):
        return redirect("/consent?" + _request_query(interaction))
    decision = request.form.get("decision", "")
    if decision not in ("allow", "decline"):
        raise InvalidRequest("invalid_request", N_("Please choose: allow or decline."))
    location = (_allowed if decision == "allow" else _declined)(interaction, interaction.session)
    if interaction.pending.response_mode == DEVICE:
        return redirect(location)  # no application opens here: a page of ours is the last one
    return page(request, "login/continue.html", client=interaction.client, location=location)


def _allowed(interaction: Interaction, session: Session) -> str:
    """Stores what was ticked and what was left out; the address to go to next.

    What the page did not show is asked next. If nothing is left for the application, the person
    has declined.
    """
    request, asked = interaction.request, find_consent_question(interaction)
    if asked is None or not asked.left:
        return next_location(interaction)
    answered = asked.left & frozenset(request.form.get("shown", "").split())
    ticked = {name for name in answered if TICKED + name in request.form} | (
        answered & asked.needed
    )
    left_out = answered - ticked
    if not ticked and not allowed_names(asked.names, asked.answers):
        return _declined(interaction, session)
    profile_id, expires_at = acting_profile(interaction).consent_id, _ends_at(request)
    allow_names(
        request.connection,
        session.person_id,
        profile_id,
        asked.request,
        ticked,
        request.now,
        declined=left_out,
        expires_at=expires_at,
    )
    event = ConsentGiven(
        person_id=session.person_id,
        device_id=session.device_id,
        client_id=interaction.client.client_id,
        scopes=" ".join(sorted(ticked)),
        declined=" ".join(sorted(left_out)),
        profile_id=_text(acting_profile(interaction).id),
        expires_at=expires_at.isoformat() if expires_at else "",
    )
    record(request.connection, request.secrets, event, request.now, request.reference)
    forget_consent_question(interaction)
    return next_location(interaction)


def _ends_at(request: Request) -> datetime | None:
    try:
        return consent_end(request.form.get("ends", DEFAULT_END), request.now)
    except KeyError:
        raise InvalidRequest("invalid_request", N_("Please choose for how long.")) from None


def _declined(interaction: Interaction, session: Session) -> str:
    """Records that the person declined; the address that says so to the application."""
    request, asked = interaction.request, find_consent_question(interaction)
    event = ConsentDeclined(
        person_id=session.person_id,
        device_id=session.device_id,
        client_id=interaction.client.client_id,
        scopes=" ".join(sorted(asked.left if asked else ())),
    )
    record(request.connection, request.secrets, event, request.now, request.reference)
    return decline_location(interaction)


def _shown_in_another_capacity(interaction: Interaction) -> bool:
    """Whether the page was shown for another capacity than the one chosen now."""
    return interaction.request.form.get("profile") != str(acting_profile(interaction).consent_id)


def _text(profile_id: UUID | None) -> str:
    return str(profile_id) if profile_id else ""


def _request_query(interaction: Interaction) -> str:
    return urlencode({"request": pending_token(interaction.request, interaction.pending)})


routes = [
    page_route("/consent", consent_page, writes=True),
    form_route("/consent", decide_consent),
]
