"""What happened to a person, in words: from the audit rows about them, and whom they tell of."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, select

from authn.audit.reading import RecordedEvent, RowPlace, recorded
from authn.clients.clients import client_of_row
from authn.clients.resources import find_resources
from authn.clients.tables import clients
from authn.devices.devices import every_device_of
from authn.login.scopes import in_words
from authn.people.merge import same_person
from authn.people.ssin import BRUSSELS
from authn.profiles.kinds.staff import ROLE_WORDS
from authn.profiles.profiles import find_profile
from authn.profiles.words import in_words as profile_in_words
from authn.staff.reasons import reason_in_words
from authn.views.activity_words import BY, BY_NAME, ActivityLine, Kind
from authn.web.request import Request

SHOWN_FOR: Final = timedelta(days=183)
"""What the page goes back to; the file has all."""
AT_ONCE: Final = 100
EVER: Final = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ActivityEntry:
    """One thing that happened, in the language of the page; what is not known of it is "".

    `by` is who did it, where it was not the person themselves; `capacity` names for whom they
    acted, and how `kind` of capacity is called alone. `times` is how often the same happened on
    that day in a row, the last time `at`, the first time `first_at`.
    """

    at: datetime
    kind: Kind
    what: str
    application: str = ""
    device: str = ""
    capacity: str = ""
    capacity_kind: str = ""
    resource: str = ""
    data: str = ""
    by: str = ""
    why: str = ""
    reference: str = ""
    times: int = 1
    first_at: datetime | None = None

    @property
    def day(self) -> date:
        """The Belgian day on which it happened."""
        return self.at.astimezone(BRUSSELS).date()


@dataclass(frozen=True, slots=True)
class ActivityDays:
    """Some entries, by day, and the place from which the earlier ones can be read."""

    days: list[list[ActivityEntry]]
    earlier: RowPlace | None


def activity_of(
    request: Request, person_id: UUID, kind: Kind | None, place: RowPlace
) -> ActivityDays:
    """What happened to the person in the last six months, from this place backwards."""
    ids = same_person(request.connection, person_id)
    since = request.now - SHOWN_FOR
    rows = recorded(request.connection, ids, events_of_kind(kind), since, place, AT_ONCE)
    entries = _in_a_row(entries_of(request, person_id, rows))
    days = [list(of_day) for _, of_day in groupby(entries, key=lambda entry: entry.day)]
    return ActivityDays(days, place.after(rows) if len(rows) == AT_ONCE else None)


def latest_entries(
    request: Request, person_id: UUID, left_out: Collection[str], most: int
) -> list[ActivityEntry]:
    """What happened to the person last, from at most so many rows; nothing of these events."""
    ids = same_person(request.connection, person_id)
    events = [name for name in BY_NAME if name not in left_out]
    since, place = request.now - SHOWN_FOR, RowPlace(request.now)
    rows = recorded(request.connection, ids, events, since, place, most)
    return [*_in_a_row(entries_of(request, person_id, rows))]


def events_of_kind(kind: Kind | None) -> list[str]:
    """The names of the events that are shown, or those of one kind."""
    return [name for name, line in BY_NAME.items() if kind in (None, line.kind)]


def entries_of(
    request: Request, person_id: UUID, rows: Sequence[RecordedEvent]
) -> list[ActivityEntry]:
    """The rows in words: a few statements, however many they are."""
    named = _ActivityNames(request, person_id, rows)
    return [named.entry(row, BY_NAME[row.event]) for row in rows if _is_theirs(row)]


def _is_theirs(row: RecordedEvent) -> bool:
    """Not the second half of what is on record about two persons who are one now."""
    return row.details.get("role") != "merged"


def _in_a_row(entries: Collection[ActivityEntry]) -> Iterator[ActivityEntry]:
    """The same on one day, several times in a row, is one entry that says how often."""

    def same(entry: ActivityEntry) -> tuple[date, ActivityEntry]:
        return entry.day, replace(entry, at=EVER, reference="")

    for _, group in groupby(entries, key=same):
        run = list(group)
        yield replace(run[0], times=len(run), first_at=run[-1].at)


_CLIENTS = select(clients).where(clients.c.client_id.in_(bindparam("client_ids", expanding=True)))


class _ActivityNames:
    """What the ids in some rows are called: looked up once for all of them."""

    def __init__(self, request: Request, person_id: UUID, rows: Sequence[RecordedEvent]) -> None:
        self.request = request
        self.devices = {
            each.id: each.name for each in every_device_of(request.connection, person_id)
        }
        client_ids = {row.client_id for row in rows if row.client_id}
        self.applications = self._applications(client_ids)
        self.resources = self._resources(rows)
        self.capacities = {
            profile_id: self._capacity(UUID(profile_id))
            for profile_id in {row.details.get("profile_id") for row in rows}
            if profile_id
        }
        self.data: dict[str, str] = {}

    def entry(self, row: RecordedEvent, line: ActivityLine) -> ActivityEntry:
        """The row in words, as its line says."""
        details, translate = row.details, self.request.translate
        capacity, capacity_kind = self.capacities.get(details.get("profile_id") or "", ("", ""))
        by = details.get("by") or details.get("proof") or ""
        roles = self._called_roles(details.get(line.roles, []))
        return ActivityEntry(
            at=row.occurred_at,
            kind=line.kind,
            what=translate(line.what),
            application=self.applications.get(row.client_id or "", row.client_id or ""),
            device=self.devices.get(row.device_id, "") if row.device_id else "",
            capacity=capacity or roles,
            capacity_kind=capacity_kind or roles,
            resource=self._called_resource(details, line),
            data=self._called_data(details[line.data]) if line.data else "",
            by=translate(BY.get(by, "")),
            why=self._called_reason(str(details.get(line.why, ""))) if line.why else "",
            reference=row.reference,
        )

    def _applications(self, client_ids: set[str]) -> dict[str, str]:
        """By its id the name of each, of those too that are none any more."""
        if not client_ids:
            return {}
        rows = self.request.connection.execute(_CLIENTS, {"client_ids": list(client_ids)})
        found = [client_of_row(row) for row in rows]
        return {each.client_id: each.shown_name(self.request.language) for each in found}

    def _resources(self, rows: Sequence[RecordedEvent]) -> dict[str, str]:
        """By its identifier the name of each that a row tells of; one that has ended has none."""
        wanted = {
            row.details[line.resource]
            for row in rows
            if (line := BY_NAME[row.event]).resource and row.details.get(line.resource)
        }
        found = find_resources(self.request.connection, wanted) if wanted else {}
        return {identifier: each.resource_name for identifier, each in found.items()}

    def _called_resource(self, details: object, line: ActivityLine) -> str:
        identifier = details.get(line.resource, "") if isinstance(details, dict) else ""
        return self.resources.get(identifier, identifier)

    def _called_reason(self, code: str) -> str:
        request = self.request
        return reason_in_words(request.settings, code, request.language, request.translate)

    def _called_roles(self, roles: str | Sequence[str]) -> str:
        """One or several, as those who have them read it."""
        names = [roles] if isinstance(roles, str) else roles
        return ", ".join(self.request.translate(ROLE_WORDS.get(each, each)) for each in names)

    def _capacity(self, profile_id: UUID) -> tuple[str, str]:
        """What the capacity is called: with its names, and its kind alone."""
        profile = find_profile(self.request.connection, self.request.secrets, profile_id)
        if profile is None:
            return "", ""
        said = profile_in_words(profile, self.request.translate)
        return said.title, said.group

    def _called_data(self, names: str) -> str:
        """What was asked or allowed, by the titles that the page of consent has for it."""
        if names not in self.data:
            words = in_words(self.request, None, names.split())
            titles = [each.title for each in words.seen]
            for each in words.done:
                titles += each.sentences or (each.where,)
            self.data[names] = ", ".join(
                [*titles, *([words.offline.title] if words.offline else [])]
            )
        return self.data[names]
