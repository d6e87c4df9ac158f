"""In which capacity the person acts towards the application of a pending request.

Chosen for this very request; else what they chose in this session at this application, unless it
asks to let them choose (`prompt=select_account`); else the only capacity that there is.

Why the choice hangs on the request: in another tab the person may choose another capacity, and what
one tab asks, shows and gives must not change with it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, cast
from uuid import UUID

from authn.clients.clients import Client
from authn.consents.authorization_details import profiles_asked
from authn.grants.authorization_request import AuthorizationRequest
from authn.login.passage import Passage
from authn.login.profile_choices import ChosenProfile, RememberedProfile, keep_choice, remembered
from authn.profiles.available import available, may_miss, questions_of, unchecked
from authn.profiles.profile import CITIZEN, Kind, Profile
from authn.profiles.profiles import find_by_public_id
from authn.profiles.refreshing import bring_up_to_date
from authn.sessions.sessions import Session
from authn.sources.questions import QuestionName
from authn.web.request import Request

_FOUND: Final = "choice of a profile"


@dataclass(frozen=True, slots=True)
class CapacityChoice:
    """In which capacities the person may act for a request, and in which they do.

    `profile` is None while they must choose, or can't: then there are no `candidates`. `kept` is
    the choice of before that it is. `last` is what they chose last at this application, and may
    still. `unchecked` are questions whose answer nobody knows now: known of where the person has
    not chosen. `lost`: what they chose in this session they may not any more. `kinds` are those of
    which the request would take any.
    """

    candidates: tuple[Profile, ...] = (CITIZEN,)
    profile: Profile | None = CITIZEN
    kept: ChosenProfile | None = None
    last: Profile | None = None
    unchecked: tuple[QuestionName, ...] = ()
    lost: bool = False
    kinds: frozenset[Kind] = frozenset()


AS_CITIZEN: Final = CapacityChoice()


def acting(passage: Passage) -> Profile:
    """The profile in which the person acts; to be asked once `hallway.profile_required` is none.

    Raises `NeededFromOutside` when a source is to be asked first.
    """
    profile = choice_of(passage).profile
    if profile is None:
        raise RuntimeError("in which capacity the person acts is not chosen yet")
    return profile


def choice_of(passage: Passage) -> CapacityChoice:
    """What there is to choose, and what is chosen; found out once in a request.

    Raises `NeededFromOutside` as `acting` does.
    """
    if not (passage.client.profile_kinds or passage.client.required_profile_kinds):
        return AS_CITIZEN
    found: CapacityChoice | None = passage.found.get(_FOUND)
    if found is None:
        found = passage.found[_FOUND] = _found_out(passage)
    return found


def keep_to_choice(passage: Passage) -> None:
    """For this request it stays as it is, also when another tab chooses another capacity.

    For pages that show in which capacity something is to be allowed.
    """
    kept = choice_of(passage).kept
    if kept is not None and passage.session is not None:
        keep_choice(
            passage.request.connection,
            passage.session,
            passage.client.client_id,
            passage.pending.request_id,
            kept,
        )


def candidates_at(request: Request, session: Session, client: Client) -> list[Profile]:
    """In which capacities the session's person may use this client at all, as the sources say now.

    Raises `NeededFromOutside` when one of them is to be asked first.
    """
    kinds = kinds_at(client)
    bring_up_to_date(request, session.person_id, questions_of(kinds))
    found = available(
        request.connection, request.secrets, request.settings, session.person_id, request.now
    )
    return [profile for profile in found if profile.kind in kinds]


def unchecked_at(request: Request, session: Session, kinds: Iterable[Kind]) -> list[QuestionName]:
    """Which capacities of these kinds can't be checked now."""
    questions = questions_of(kinds)
    return unchecked(
        request.connection, request.settings, session.person_id, request.now, questions
    )


def kinds_at(client: Client) -> frozenset[Kind]:
    """The kinds of profiles in which people may use this client."""
    return cast(frozenset[Kind], client.allowed_profile_kinds)


def by_consent_id(profiles: Iterable[Profile], consent_id: UUID | None) -> Profile | None:
    """The profile of this `consent_id`, if it is among them."""
    return next((each for each in profiles if each.consent_id == consent_id), None)


def _found_out(passage: Passage) -> CapacityChoice:
    session, pending = passage.session, passage.pending
    assert session is not None, "somebody is signed in"
    request, client = passage.request, passage.client
    allowed = candidates_at(request, session, client)
    candidates, kinds = narrowed(allowed, pending, client)
    known = remembered(request.connection, session, client.client_id, pending.request_id)
    kept = _settled(known, candidates, asked_to_choose="select_account" in pending.prompt)
    if kept is not None:
        profile = by_consent_id(candidates, kept.consent_id)
        return CapacityChoice(candidates, profile, kept, kinds=kinds)
    lost = known.in_session is not None and not by_consent_id(allowed, known.in_session.consent_id)
    open_questions = tuple(unchecked_at(request, session, kinds))
    only = candidates[0] if len(candidates) == 1 and not lost else None
    if only and may_miss(request.connection, session.person_id, open_questions):
        only = None
    last = by_consent_id(candidates, known.last.consent_id) if known.last else None
    return CapacityChoice(candidates, only, None, last, open_questions, lost, kinds)


def _settled(
    known: RememberedProfile, candidates: tuple[Profile, ...], *, asked_to_choose: bool
) -> ChosenProfile | None:
    """The choice that holds for the request; one of what is not possible is none."""
    chosen = known.for_request or (None if asked_to_choose else known.in_session)
    return chosen if chosen and by_consent_id(candidates, chosen.consent_id) else None


def narrowed(
    profiles: Iterable[Profile], pending: AuthorizationRequest, client: Client
) -> tuple[tuple[Profile, ...], frozenset[Kind]]:
    """Those that the request asks for, and the kinds of which it would take any.

    Its authorization details bind; its `profile` is a hint, without effect where it leads nowhere.
    """
    sector, kinds = client.sector_identifier, kinds_at(client)
    for detail in profiles_asked(pending.authorization_details):
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
