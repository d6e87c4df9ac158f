"""In which capacity the person acts at the application: chosen, or still to be chosen.

Chosen for this very request; else what they chose in this session at this application, unless it
asks to let them choose (`prompt=select_account`); else the only capacity that there is.

Why the choice hangs on the request: in another tab the person may choose another capacity, and what
one tab asks, shows and gives must not change with it.
"""

from collections.abc import Iterable
from typing import cast
from uuid import UUID

from authn.clients.clients import Client
from authn.consents.authorization_details import profile_details
from authn.grants.authorization_request import AuthorizationRequest
from authn.login.checks.authentication import LoginStep
from authn.login.findings import AS_CITIZEN, CapacityChoice
from authn.login.pending import Interaction
from authn.login.profile_choices import (
    ChosenProfile,
    RememberedProfile,
    find_remembered_profile,
    keep_choice,
)
from authn.profiles.available import (
    available_profiles,
    list_unusable_questions,
    may_have_unknown_profiles,
    questions_for_kinds,
)
from authn.profiles.profile import Kind, Profile
from authn.profiles.profiles import find_by_public_id
from authn.profiles.refreshing import refresh_from_sources
from authn.sessions.sessions import Session
from authn.sources.questions import QuestionName
from authn.web.request import Request

PATH = "/profile"

# It is no account that is chosen, so not `account_selection_required`.
CHOOSE = LoginStep(
    PATH, "interaction_required", "The person must choose in which capacity they act."
)

# No page could change it: a page only explains it.
NOBODY = LoginStep(
    PATH,
    "access_denied",
    "The person has no capacity in which this client may be used as it asks.",
)

# The same request may be answered a little later.
NOT_NOW = LoginStep(
    PATH,
    "temporarily_unavailable",
    "In which capacities the person may act can't be checked now.",
)


def profile_required(interaction: Interaction) -> LoginStep | None:
    """The person has not chosen in which capacity they act, or has none that will do.

    Needs a session. Raises `NeededFromOutside` when a source is to be asked first. OpenID Connect
    Core 1.0 §3.1.2.6 for the errors (https://openid.net/specs/openid-connect-core-1_0.html).
    """
    choice = find_capacity_choice(interaction)
    if choice.profile is not None:
        return None
    if choice.candidates:
        return CHOOSE
    return NOT_NOW if choice.unchecked else NOBODY


def acting_profile(interaction: Interaction) -> Profile:
    """The profile in which the person acts; to be asked once `profile_required` is None.

    Raises `NeededFromOutside` when a source is to be asked first.
    """
    profile = find_capacity_choice(interaction).profile
    if profile is None:
        raise RuntimeError("in which capacity the person acts is not chosen yet")
    return profile


def find_capacity_choice(interaction: Interaction) -> CapacityChoice:
    """The capacities to choose from and the one chosen; read once in a request.

    Raises `NeededFromOutside` as `acting_profile` does.
    """
    if not (interaction.client.profile_kinds or interaction.client.required_profile_kinds):
        return AS_CITIZEN
    findings = interaction.findings
    if findings.capacity is None:
        findings.capacity = _determine_choice(interaction)
    return findings.capacity


def keep_capacity_choice(interaction: Interaction) -> None:
    """Stores the capacity for this request, so that a choice in another tab does not change it.

    For pages that show in which capacity something is to be allowed.
    """
    kept = find_capacity_choice(interaction).kept
    if kept is not None and interaction.session is not None:
        keep_choice(
            interaction.request.connection,
            interaction.session,
            interaction.client.client_id,
            interaction.pending.request_id,
            kept,
        )


def list_candidate_profiles(request: Request, session: Session, client: Client) -> list[Profile]:
    """The profiles with which the session's person may use the client, as the sources say now.

    Raises `NeededFromOutside` when one of them is to be asked first.
    """
    kinds = client_profile_kinds(client)
    refresh_from_sources(request, session.person_id, questions_for_kinds(kinds))
    found = available_profiles(
        request.connection, request.secrets, request.settings, session.person_id, request.now
    )
    return [profile for profile in found if profile.kind in kinds]


def list_unchecked_questions(
    request: Request, session: Session, kinds: Iterable[Kind]
) -> list[QuestionName]:
    """The questions about these kinds of profiles that no source can answer now."""
    questions = questions_for_kinds(kinds)
    return list_unusable_questions(
        request.connection, request.settings, session.person_id, request.now, questions
    )


def client_profile_kinds(client: Client) -> frozenset[Kind]:
    """The kinds of profiles with which people may use the client."""
    return cast(frozenset[Kind], client.allowed_profile_kinds)


def find_by_consent_id(profiles: Iterable[Profile], consent_id: UUID | None) -> Profile | None:
    """The profile with this `consent_id`; None if there is none among `profiles`."""
    return next((each for each in profiles if each.consent_id == consent_id), None)


def _determine_choice(interaction: Interaction) -> CapacityChoice:
    session, pending = interaction.session, interaction.pending
    assert session is not None, "somebody is signed in"
    request, client = interaction.request, interaction.client
    allowed = list_candidate_profiles(request, session, client)
    candidates, kinds = narrow_candidates(allowed, pending, client)
    known = find_remembered_profile(
        request.connection, session, client.client_id, pending.request_id
    )
    kept = _settled(known, candidates, asked_to_choose="select_account" in pending.prompt)
    if kept is not None:
        profile = find_by_consent_id(candidates, kept.consent_id)
        return CapacityChoice(candidates, profile, kept, kinds=kinds)
    lost = known.in_session is not None and not find_by_consent_id(
        allowed, known.in_session.consent_id
    )
    open_questions = tuple(list_unchecked_questions(request, session, kinds))
    only = candidates[0] if len(candidates) == 1 and not lost else None
    if only and may_have_unknown_profiles(request.connection, session.person_id, open_questions):
        only = None
    last = find_by_consent_id(candidates, known.last.consent_id) if known.last else None
    return CapacityChoice(candidates, only, None, last, open_questions, lost, kinds)


def _settled(
    known: RememberedProfile, candidates: tuple[Profile, ...], *, asked_to_choose: bool
) -> ChosenProfile | None:
    """The choice that holds for the request; None for a profile that is no candidate."""
    chosen = known.for_request or (None if asked_to_choose else known.in_session)
    return chosen if chosen and find_by_consent_id(candidates, chosen.consent_id) else None


def narrow_candidates(
    profiles: Iterable[Profile], pending: AuthorizationRequest, client: Client
) -> tuple[tuple[Profile, ...], frozenset[Kind]]:
    """The profiles that the request asks for, and the kinds of which any would do.

    Its authorization details bind; its `profile` is a hint, without effect where it leads nowhere.
    """
    sector, kinds = client.sector_identifier, client_profile_kinds(client)
    for detail in profile_details(pending.authorization_details):
        kinds &= frozenset(detail.get("kinds", kinds))
        if "sub" in detail:
            profiles = _named(profiles, sector, detail["sub"])
    found = tuple(each for each in profiles if each.kind in kinds)
    hinted = tuple(each for each in found if each.kind == pending.profile)
    if pending.profile:
        hinted = hinted or _named(found, sector, pending.profile)
    return (hinted, frozenset(each.kind for each in hinted)) if hinted else (found, kinds)


def _named(profiles: Iterable[Profile], sector: str, public_id: str) -> tuple[Profile, ...]:
    found = find_by_public_id(profiles, sector, public_id)
    return (found,) if found else ()
