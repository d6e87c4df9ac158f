"""The activity of a person as sentences, made from the audit rows about them."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, select

from authn.audit.reading import RecordedEvent, RowPlace, list_recorded_events
from authn.clients.clients import client_of_row
from authn.clients.resource_servers.resources import find_resources
from authn.clients.tables import clients
from authn.devices.devices import list_devices_and_removed
from authn.login.pages.scope_texts import describe_scopes
from authn.people.merge import list_merged_ids
from authn.people.ssin import BRUSSELS
from authn.profiles.available import describe_profile as profile_in_words
from authn.profiles.kinds.staff import ROLE_WORDS
from authn.profiles.profiles import find_profile
from authn.staff.reasons import reason_text
from authn.views.activity_words import BY, BY_NAME, ActivityLine, Kind
from authn.web.request import Request

SHOWN_FOR: Final = timedelta(days=183)
"""How far back the page goes; the downloaded file has everything."""
AT_ONCE: Final = 100
EVER: Final = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ActivityEntry:
    """An event about a person, in the language of the page; "" where something is not known.

    `by` is who did it, if not the person; `capacity` names for whom they acted, `capacity_kind`
    only the kind of capacity. `times` is how often the event happened in a row on that day: last
    `at`, first at `first_at`.
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
        """The day of the event in Belgium."""
        return self.at.astimezone(BRUSSELS).date()


@dataclass(frozen=True, slots=True)
class ActivityDays:
    """Entries by day, and the place in the log from which earlier ones can be read."""

    days: list[list[ActivityEntry]]
    earlier: RowPlace | None


def list_activity(
    request: Request, person_id: UUID, kind: Kind | None, place: RowPlace
) -> ActivityDays:
    """The person's activity of the last six months, from this place in the log backwards."""
    ids = list_merged_ids(request.connection, person_id)
    since = request.now - SHOWN_FOR
    rows = list_recorded_events(
        request.connection, ids, events_of_kind(kind), since, place, AT_ONCE
    )
    entries = _group_repeats(activity_entries(request, person_id, rows))
    days = [list(of_day) for _, of_day in groupby(entries, key=lambda entry: entry.day)]
    return ActivityDays(days, place.after(rows) if len(rows) == AT_ONCE else None)


def latest_entries(
    request: Request, person_id: UUID, left_out: Collection[str], most: int
) -> list[ActivityEntry]:
    """The latest activity, from at most `most` rows, without the events `left_out`."""
    ids = list_merged_ids(request.connection, person_id)
    events = [name for name in BY_NAME if name not in left_out]
    since, place = request.now - SHOWN_FOR, RowPlace(request.now)
    rows = list_recorded_events(request.connection, ids, events, since, place, most)
    return [*_group_repeats(activity_entries(request, person_id, rows))]


def events_of_kind(kind: Kind | None) -> list[str]:
    """The names of the events that the page shows: all, or those of one kind."""
    return [name for name, line in BY_NAME.items() if kind in (None, line.kind)]


def activity_entries(
    request: Request, person_id: UUID, rows: Sequence[RecordedEvent]
) -> list[ActivityEntry]:
    """The audit rows as entries, in a fixed number of statements."""
    names = _ActivityNames(request, person_id, rows)
    shown = filter(_is_about_kept_person, rows)
    return [names.build_entry(row, BY_NAME[row.event]) for row in shown]


def _is_about_kept_person(row: RecordedEvent) -> bool:
    """Whether the row is not the second of the two that a merge of persons wrote."""
    return row.details.get("role") != "merged"


def _group_repeats(entries: Collection[ActivityEntry]) -> Iterator[ActivityEntry]:
    """Equal entries in a row on one day become one with a count."""

    def same(entry: ActivityEntry) -> tuple[date, ActivityEntry]:
        return entry.day, replace(entry, at=EVER, reference="")

    for _, group in groupby(entries, key=same):
        run = list(group)
        yield replace(run[0], times=len(run), first_at=run[-1].at)


_CLIENTS = select(clients).where(clients.c.client_id.in_(bindparam("client_ids", expanding=True)))


class _ActivityNames:
    """The names of the ids in some audit rows, looked up once for all."""

    def __init__(self, request: Request, person_id: UUID, rows: Sequence[RecordedEvent]) -> None:
        self.request = request
        self.devices = {
            each.id: each.name for each in list_devices_and_removed(request.connection, person_id)
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

    def build_entry(self, row: RecordedEvent, line: ActivityLine) -> ActivityEntry:
        """The audit row as an entry, by the line of its event."""
        details, translate = row.details, self.request.translate
        capacity, capacity_kind = self.capacities.get(details.get("profile_id") or "", ("", ""))
        by = details.get("by") or details.get("proof") or ""
        roles = self._role_names(details.get(line.roles, []))
        return ActivityEntry(
            at=row.occurred_at,
            kind=line.kind,
            what=translate(line.what),
            application=self.applications.get(row.client_id or "", row.client_id or ""),
            device=self.devices.get(row.device_id, "") if row.device_id else "",
            capacity=capacity or roles,
            capacity_kind=capacity_kind or roles,
            resource=self._resource_name(details, line),
            data=self._scope_titles(details[line.data]) if line.data else "",
            by=translate(BY.get(by, "")),
            why=self._reason_text(str(details.get(line.why, ""))) if line.why else "",
            reference=row.reference,
        )

    def _applications(self, client_ids: set[str]) -> dict[str, str]:
        """Names of applications by client id, also of ended ones."""
        if not client_ids:
            return {}
        rows = self.request.connection.execute(_CLIENTS, {"client_ids": list(client_ids)})
        found = [client_of_row(row) for row in rows]
        return {each.client_id: each.display_name(self.request.language) for each in found}

    def _resources(self, rows: Sequence[RecordedEvent]) -> dict[str, str]:
        """Names by identifier of the resource servers in the rows; ended ones are absent."""
        wanted = {
            row.details[line.resource]
            for row in rows
            if (line := BY_NAME[row.event]).resource and row.details.get(line.resource)
        }
        found = find_resources(self.request.connection, wanted) if wanted else {}
        return {identifier: each.resource_name for identifier, each in found.items()}

    def _resource_name(self, details: object, line: ActivityLine) -> str:
        identifier = details.get(line.resource, "") if isinstance(details, dict) else ""
        return self.resources.get(identifier, identifier)

    def _reason_text(self, code: str) -> str:
        request = self.request
        return reason_text(request.settings, code, request.language, request.translate)

    def _role_names(self, roles: str | Sequence[str]) -> str:
        """The names of the roles, as their holders read them."""
        names = [roles] if isinstance(roles, str) else roles
        return ", ".join(self.request.translate(ROLE_WORDS.get(each, each)) for each in names)

    def _capacity(self, profile_id: UUID) -> tuple[str, str]:
        """The title of the capacity, and the name of its kind."""
        profile = find_profile(self.request.connection, self.request.secrets, profile_id)
        if profile is None:
            return "", ""
        words = profile_in_words(profile, self.request.translate)
        return words.title, words.group

    def _scope_titles(self, names: str) -> str:
        """The scopes by the titles that the consent page has for them."""
        if names not in self.data:
            words = describe_scopes(self.request, None, names.split())
            titles = [each.title for each in words.seen]
            for each in words.done:
                titles += each.sentences or (each.where,)
            self.data[names] = ", ".join(
                [*titles, *([words.offline.title] if words.offline else [])]
            )
        return self.data[names]
