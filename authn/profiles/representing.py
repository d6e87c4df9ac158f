"""The person for whom somebody acts in a profile: a mandator, a child.

They may never have been here. Their row of `persons` is made, through the national register, when
a profile of somebody else first needs it.
"""

from datetime import datetime
from functools import partial
from uuid import UUID

from sqlalchemy import Connection, bindparam, update

from authn.db.transaction import must_write, writing
from authn.errors import N_, Expired, Unavailable
from authn.people.numbers import current_ssin
from authn.people.persons import Citizen, find_or_create_person, find_person, find_person_by_ssin
from authn.people.tables import Person
from authn.profiles.kinds import KINDS
from authn.profiles.kinds.kind import NameInClaims
from authn.profiles.profile import Profile
from authn.profiles.profiles import end_profile
from authn.profiles.refreshing import Here, refresh_from_sources
from authn.profiles.tables import profiles
from authn.secrets import Secrets
from authn.settings import Settings
from authn.sources.answers import note_answer
from authn.sources.embedded.register import EmbeddedRegister
from authn.sources.facts import NaturalPerson
from authn.sources.real_sources import SourceDown, ask_citizen, is_embedded
from authn.web.routing import NeededFromOutside
from authn.web.site import Site

_REPRESENTS = (
    update(profiles)
    .where(profiles.c.id == bindparam("profile_id"))
    .values(represented_id=bindparam("of_person"))
)
_END_OF_REPRESENTED = (
    update(profiles)
    .where(
        profiles.c.represented_id.in_(bindparam("ids", expanding=True)),
        profiles.c.ended_at.is_(None),
    )
    .values(ended_at=bindparam("now"))
)


class EndedRepresentation(Expired):
    """Nobody can act in a profile any more: the represented person is dead, or the same person."""

    def __init__(self) -> None:
        super().__init__("profile_ended", N_("You can no longer act in this capacity."))


def represented_in_source(profile: Profile) -> NaturalPerson | None:
    """The represented person of a profile as its source names them; None for no person."""
    return KINDS[profile.kind].represents(profile.fact)


def resolve_represented_person(request: Here, profile: Profile) -> Person | None:
    """The represented person of a profile, created or refreshed; None without such a person.

    The row of the person is as fresh as the national register allows, under whichever number the
    source knows them. Raises `EndedRepresentation` when they are dead, or the person who acts: then
    the profile has ended; `Unavailable` when the register knows nobody of that number, or doesn't
    answer; `NeedsToWrite` and `NeededFromOutside` as `refresh_from_sources` does.
    """
    named = represented_in_source(profile)
    if named is None:
        return None
    person = _find_represented(request, profile, named)
    if person is None:
        person = _create_from_register(request, named)
    else:
        refresh_from_sources(request, person.id, ["citizen"])
        person = find_person(request.connection, person.id) or person
    # Nobody acts for themselves, under whichever number: here only the register's answer shows it.
    if person.deceased or person.id == profile.person_id:
        if profile.id:
            end_profile(request.connection, profile.id, request.now)
        raise EndedRepresentation
    if profile.represented_id != person.id:
        must_write(request.connection)
        values = {"profile_id": profile.id, "of_person": person.id}
        request.connection.execute(_REPRESENTS, values)
    return person


def end_profiles_representing(connection: Connection, person_ids: list[UUID], now: datetime) -> int:
    """The number of profiles ended now in which others acted for these persons."""
    return connection.execute(_END_OF_REPRESENTED, {"ids": person_ids, "now": now}).rowcount


def name_for_claims(
    connection: Connection, secrets: Secrets, person: Person, *, with_ssin: bool
) -> NameInClaims:
    """The name of a person in claims, with the present number where the receiver may have it."""
    ssin = current_ssin(connection, secrets, person.id) if with_ssin else ""
    return NameInClaims(person.given_name, person.family_name, ssin)


def represented_name_for_claims(
    connection: Connection, secrets: Secrets, profile: Profile, *, with_ssin: bool
) -> NameInClaims | None:
    """The name of the represented person in claims: as known here, else as in the source."""
    fact_names = represented_in_source(profile)
    if fact_names is None:
        return None
    person = find_person(connection, profile.represented_id) if profile.represented_id else None
    if person is not None:
        return name_for_claims(connection, secrets, person, with_ssin=with_ssin)
    ssin = fact_names.ssin if with_ssin else ""
    return NameInClaims(fact_names.given_name, fact_names.family_name, ssin)


def _find_represented(
    request: Here, profile: Profile, named_person: NaturalPerson
) -> Person | None:
    if profile.represented_id:
        person = find_person(request.connection, profile.represented_id)
        if person is not None:
            return person
    return find_person_by_ssin(request.connection, request.secrets, named_person.ssin)


def _create_from_register(request: Here, named_person: NaturalPerson) -> Person:
    """The person created from the register's answer about an unknown number."""
    if not is_embedded(request.settings, "national_register"):
        raise NeededFromOutside(partial(_fetch_represented, request.site, named_person.ssin))
    must_write(request.connection)
    register = EmbeddedRegister(request.connection, request.secrets)
    return _create_represented(
        request.connection,
        request.secrets,
        request.settings,
        register.citizen(named_person.ssin),
        request.now,
    )


def _fetch_represented(site: Site, ssin: str) -> None:
    try:
        citizen = ask_citizen(site, ssin)
    except SourceDown as down:
        raise Unavailable(detail=f"national register: {down}") from None
    with writing(site.database) as connection:
        _create_represented(connection, site.secrets, site.settings, citizen, site.clock())


def _create_represented(
    connection: Connection,
    secrets: Secrets,
    settings: Settings,
    citizen: Citizen | None,
    now: datetime,
) -> Person:
    if citizen is None or citizen.cancelled:
        # No quality is invented: for somebody whom the register doesn't know, nobody acts.
        raise Unavailable(detail="the national register does not know who is represented")
    person = find_or_create_person(connection, secrets, citizen, now)
    note_answer(connection, person.id, "citizen", settings, now)
    return person
