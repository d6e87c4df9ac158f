"""Giving a consent, until when, and withdrawing it.

The names of what is allowed are those of `consents.consent_names`.

Why a withdrawal is one transaction: either everything given by the consent has ended and all who
are concerned will be told, or nothing has.
"""

from calendar import monthrange
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, bindparam, delete, exists, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from authn.clients.clients import allowed_kinds
from authn.clients.tables import clients
from authn.consents.tables import consents
from authn.db.occasion import Occasion
from authn.errors import N_
from authn.grants.endings.ended_grants import notify_of_ended_grants
from authn.grants.grants import list_live_grants, revoke_grants_at_client
from authn.people.ssin import today_in_brussels
from authn.profiles.profile import Profile
from authn.sources.facts import start_of_day

# Built once: putting a statement together costs more than executing it. The lock makes a withdrawal
# wait for what is being given by these rows, so that it ends that too; SQLite writes one by one.
_GIVEN = (
    select(consents.c.scope, consents.c.declined, consents.c.given_at, consents.c.expires_at)
    .where(
        consents.c.person_id == bindparam("person_id"),
        consents.c.client_id == bindparam("client_id"),
        consents.c.profile_id == bindparam("profile_id"),
    )
    .with_for_update(read=True, key_share=True)
)
_FORGET_ENDED = delete(consents).where(consents.c.expires_at < bindparam("now"))


def _give(insert: Any) -> Any:
    statement = insert(consents)
    columns = ("given_at", "declined", "expires_at")
    return statement.on_conflict_do_update(
        index_elements=list(consents.primary_key.columns),
        set_={name: statement.excluded[name] for name in columns},
    )


_GIVE = {"sqlite": _give(sqlite.insert), "postgresql": _give(postgresql.insert)}


@dataclass(frozen=True, slots=True)
class ConsentAnswer:
    """A person's answer for one name: allowed or declined, and when.

    `expires_at` is None where it holds until they take it back.
    """

    allowed: bool
    given_at: datetime
    expires_at: datetime | None = None


def find_answers(
    connection: Connection, person_id: UUID, client_id: str, profile_id: UUID, now: datetime
) -> dict[str, ConsentAnswer]:
    """The person's answers to the client in a profile (`Profile.consent_id`), by name.

    Answers whose end has come are left out.
    """
    parameters = {"person_id": person_id, "client_id": client_id, "profile_id": profile_id}
    return {
        name: ConsentAnswer(not declined, given_at, expires_at)
        for name, declined, given_at, expires_at in connection.execute(_GIVEN, parameters)
        if expires_at is None or expires_at > now
    }


def give_consent(
    connection: Connection,
    person_id: UUID,
    client_id: str,
    profile_id: UUID,
    scopes: Iterable[str],
    now: datetime,
    *,
    declined: Collection[str] = (),
    expires_at: datetime | None = None,
) -> None:
    """Stores that the person allows the client these names in a profile (`Profile.consent_id`).

    What was allowed before stays. They hold until `expires_at`, None until withdrawn.

    What is `declined` is stored too, so that it is not asked each time.
    """
    of = {"person_id": person_id, "client_id": client_id, "profile_id": profile_id}
    rows = [
        {
            **of,
            "scope": scope,
            "given_at": now,
            "declined": scope in declined,
            "expires_at": None if scope in declined else expires_at,
        }
        for scope in sorted({*scopes, *declined})
    ]
    if rows:
        connection.execute(_GIVE[connection.dialect.name], rows)


def forget_ended_consents(connection: Connection, now: datetime) -> int:
    """How many consents were deleted because their end has come."""
    return connection.execute(_FORGET_ENDED, {"now": now}).rowcount


def _months_later(day: date, months: int) -> date:
    """The day some months later, or the last day of that month where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


# Each choice of an end: the last day on which the consent holds, None until it is withdrawn.
LAST_DAYS: dict[str, Callable[[date], date | None]] = {
    "withdrawn": lambda today: None,
    "year": lambda today: _months_later(today, 12),
    "month": lambda today: _months_later(today, 1),
    "today": lambda today: today,
}
DEFAULT_END = "withdrawn"
END_TEXTS = {
    "withdrawn": N_("Until I take it back"),
    "year": N_("For one year"),
    "month": N_("For one month"),
    "today": N_("Only today"),
}


def consent_end(choice: str, now: datetime) -> datetime | None:
    """The moment from which a consent with this choice holds no more, a midnight in Brussels.

    Raises `KeyError` for what is no choice."""
    last_day = LAST_DAYS[choice](today_in_brussels(now))
    return start_of_day(last_day + timedelta(days=1)) if last_day else None


_CONSENT = exists().where(
    consents.c.person_id == bindparam("person_id"),
    consents.c.client_id == clients.c.client_id,
    consents.c.profile_id == bindparam("profile_id"),
    consents.c.declined.is_(False),
    or_(consents.c.expires_at.is_(None), consents.c.expires_at > bindparam("now")),
)
_CLIENT = select(
    clients.c.profile_kinds,
    clients.c.required_profile_kinds,
    or_(clients.c.first_party, _CONSENT),
).where(clients.c.client_id == bindparam("client_id"), clients.c.ended_at.is_(None))


def has_consent_in_profile(
    connection: Connection, person_id: UUID, client_id: str, profile: Profile, now: datetime
) -> bool:
    """Whether the client may hold a token in this profile: registered, for this kind, with consent.

    For a token that was switched to another profile (RFC 8693, decisions 4.10). The grant goes on
    when the consent to the other profile is withdrawn. A first-party client needs no consent.
    """
    of = {"person_id": person_id, "profile_id": profile.consent_id, "client_id": client_id}
    row = connection.execute(_CLIENT, {**of, "now": now}).first()
    if row is None:
        return False
    kinds, required, allowed = row
    return bool(allowed) and profile.kind in allowed_kinds(kinds, required)


_OF_BOTH = (
    consents.c.person_id == bindparam("person_id"),
    consents.c.client_id == bindparam("client_id"),
)
_WITHDRAW = delete(consents).where(*_OF_BOTH)
_WITHDRAW_IN_PROFILE = delete(consents).where(
    *_OF_BOTH, consents.c.profile_id == bindparam("profile_id")
)
# For `profile_id`: whatever capacity it was in.
EVERY_PROFILE: Final = None


def withdraw_consents(
    occasion: Occasion, person_id: UUID, client_id: str, profile_id: UUID | None = EVERY_PROFILE
) -> int:
    """Withdraws all consents of a person to a client, or those in one profile; the number of grants
    that ended.

    `profile_id` is a `Profile.consent_id`. Offline grants end too, the session goes on
    (decisions 7). The consents are deleted first: a consent given at the same moment waits for that
    statement, or the statement for the consent.
    """
    connection, now = occasion.connection, occasion.now
    of = {"person_id": person_id, "client_id": client_id}
    if profile_id is None:
        connection.execute(_WITHDRAW, of)
    else:
        connection.execute(_WITHDRAW_IN_PROFILE, {**of, "profile_id": profile_id})
    settings = occasion.settings
    ending = list_live_grants(connection, settings, person_id, client_id, now, profile_id)
    ended = revoke_grants_at_client(connection, person_id, client_id, now, profile_id)
    notify_of_ended_grants(occasion, ending)
    return ended
