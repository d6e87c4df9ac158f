"""What a supervisor's desk did: by day and by agent, what waits, and each look and act of a day.

Read from the log, down the index of who acted. Names of citizens are shown, numbers never.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import Connection, Integer, bindparam, case, func, select

from authn.audit.log import audit_events
from authn.audit.searching import AuditRowMark
from authn.console.approval_rows import WAITS
from authn.console.desk_activity_words import ASKED, BY_NAME, REFUSED, ActivitySentence
from authn.console.tables import approvals
from authn.db.metadata import UtcDateTime
from authn.errors import N_
from authn.people.ssin import BRUSSELS
from authn.people.tables import persons
from authn.staff.reasons import reason_in_words
from authn.staff.staff import WHOM_THEY_SUPERVISE, Staff
from authn.web.request import Request

DAYS: Final = 14
ROWS_ON_PAGE: Final = 100
DEED_FOR: Final = N_("%(deed)s: %(act)s")
CHARTED: Final = ("look", "act", "refusal")


@dataclass(frozen=True, slots=True)
class CountedAgent:
    """Who works, or worked, at one of the supervisor's desks."""

    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class CountedActivity:
    """How often which group of events happened: on a day, or by an agent."""

    of: date | CountedAgent
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ActivityAct:
    """A row of the log in words."""

    id: int
    at: datetime
    agent: str
    group: str
    what: str
    person_id: UUID | None
    person: str
    why: str
    ticket: str
    note: str


@dataclass(frozen=True, slots=True)
class OpenActivity:
    """An approval that waits."""

    id: UUID
    act: str
    person: str
    asked_by: str
    asked_at: datetime
    expires_at: datetime


_AGENTS = (
    select(persons.c.id, persons.c.given_name, persons.c.family_name)
    .where(persons.c.id.in_(WHOM_THEY_SUPERVISE))
    .order_by(persons.c.family_name, persons.c.given_name, persons.c.id)
)
_NAMES = select(persons.c.id, persons.c.given_name, persons.c.family_name).where(
    persons.c.id.in_(bindparam("ids", expanding=True))
)
_OF_AGENTS = (
    audit_events.c.actor_id.in_(bindparam("agents", expanding=True)),
    audit_events.c.event.in_(bindparam("events", expanding=True)),
    audit_events.c.occurred_at >= bindparam("since", type_=UtcDateTime),
)
# Which day a row is of: the last whose beginning is not after it.
_DAY = case(
    *(
        (audit_events.c.occurred_at >= bindparam(f"day{index}", type_=UtcDateTime), index)
        for index in range(DAYS - 1, 0, -1)
    ),
    else_=0,
)
_EACH = (
    select(audit_events.c.actor_id, audit_events.c.event, _DAY.label("day"))
    .where(*_OF_AGENTS)
    .subquery()
)
_COUNTS = select(_EACH.c.actor_id, _EACH.c.event, _EACH.c.day, func.count()).group_by(
    _EACH.c.actor_id, _EACH.c.event, _EACH.c.day
)
_DEEDS = (
    select(audit_events)
    .where(
        *_OF_AGENTS,
        audit_events.c.occurred_at <= bindparam("at", type_=UtcDateTime),
        (audit_events.c.occurred_at < bindparam("at", type_=UtcDateTime))
        | (audit_events.c.id < bindparam("below", type_=Integer)),
    )
    .order_by(audit_events.c.occurred_at.desc(), audit_events.c.id.desc())
    .limit(ROWS_ON_PAGE + 1)
)
_OPEN = (
    select(approvals)
    .where(WAITS, approvals.c.asked_by.in_(bindparam("agents", expanding=True)))
    .order_by(approvals.c.asked_at, approvals.c.id)
)


def agents_of(connection: Connection, supervisor: Staff) -> list[CountedAgent]:
    """Everybody who works, or worked, at the desks that they supervise, by name."""
    rows = connection.execute(_AGENTS, {"supervisor_id": supervisor.person_id})
    return [CountedAgent(row.id, _full(row)) for row in rows]


def last_days(now: datetime) -> list[date]:
    """The Belgian days that are counted, the oldest first; today is the last."""
    today = now.astimezone(BRUSSELS).date()
    return [today - timedelta(days=DAYS - 1 - index) for index in range(DAYS)]


def counted(
    connection: Connection, agents: Collection[CountedAgent], days: list[date]
) -> tuple[list[CountedActivity], list[CountedActivity]]:
    """How often each group happened: by day, and by agent."""
    parameters = {
        "agents": [agent.id for agent in agents],
        "events": list(BY_NAME),
        "since": _midnight(days[0]),
        **{f"day{index}": _midnight(day) for index, day in enumerate(days) if index},
    }
    by_day: dict[date, dict[str, int]] = {day: {} for day in days}
    by_agent: dict[UUID, dict[str, int]] = {agent.id: {} for agent in agents}
    for actor_id, event, index, count in connection.execute(_COUNTS, parameters):
        done = BY_NAME[event]
        if done.counted or done.group == "unusual":
            for counts in (by_day[days[index]], by_agent[actor_id]):
                counts[done.group] = counts.get(done.group, 0) + count
    return (
        [CountedActivity(day, counts) for day, counts in by_day.items()],
        [CountedActivity(agent, by_agent[agent.id]) for agent in agents],
    )


def deeds_of(
    request: Request, agents: Collection[CountedAgent], day: date, before: AuditRowMark | None
) -> tuple[list[ActivityAct], AuditRowMark | None]:
    """What these agents did on a day, the latest first; and the mark of what was earlier."""
    end = AuditRowMark(_midnight(day + timedelta(days=1)), 0)
    mark = before if before and before.at < end.at else end
    parameters = {
        "agents": [agent.id for agent in agents],
        "events": list(BY_NAME),
        "since": _midnight(day),
        "at": mark.at,
        "below": mark.id,
    }
    rows = request.connection.execute(_DEEDS, parameters).all()
    shown = rows[:ROWS_ON_PAGE]
    called = {agent.id: agent.name for agent in agents}
    people = names_of(request.connection, (row.person_id for row in shown))
    further = None
    if len(rows) > ROWS_ON_PAGE:
        further = AuditRowMark(shown[-1].occurred_at, shown[-1].id)
    return [_deed(request, row, called, people) for row in _told_once(shown)], further


def open_approvals(
    connection: Connection, agents: Collection[CountedAgent], now: datetime
) -> list[OpenActivity]:
    """What these agents asked and nobody decided yet, the oldest first."""
    called = {agent.id: agent.name for agent in agents}
    rows = connection.execute(_OPEN, {"agents": list(called), "now": now}).all()
    people = names_of(connection, (row.person_id for row in rows))
    return [
        OpenActivity(
            row.id,
            row.act,
            people.get(row.person_id, ""),
            called[row.asked_by],
            row.asked_at,
            row.expires_at,
        )
        for row in rows
    ]


def names_of(connection: Connection, ids: Iterable[UUID | None]) -> dict[UUID, str]:
    """What these persons are called."""
    known = {each for each in ids if each}
    if not known:
        return {}
    return {row.id: _full(row) for row in connection.execute(_NAMES, {"ids": list(known)})}


def _told_once(rows: Sequence[Any]) -> list[Any]:
    """These rows, the latest first, without those that opened what the same agent did next."""
    kept: list[Any] = []
    did_next: dict[UUID, Any] = {}
    for row in rows:
        after = did_next.get(row.actor_id)
        if after is None or not _opened(row, after):
            kept.append(row)
        did_next[row.actor_id] = row
    return kept


def _opened(row: Any, after: Any) -> bool:
    """Whether the one was the way to the other, which names whom it was about."""
    groups = BY_NAME[row.event].opens
    return BY_NAME[after.event].group in groups and row.person_id in (None, after.person_id)


def _deed(
    request: Request, row: Any, called: Mapping[UUID, str], people: Mapping[UUID, str]
) -> ActivityAct:
    details = orjson.loads(row.details)
    done = BY_NAME[row.event]
    reason = str(details.get("reason", ""))
    refused = str(details.get("refused", ""))
    why = ""
    if reason:
        why = reason_in_words(request.settings, reason, request.language, request.translate)
    elif refused:
        why = request.translate(REFUSED.get(refused, refused))
    own = row.person_id == row.actor_id
    return ActivityAct(
        id=row.id,
        at=row.occurred_at,
        agent=called[row.actor_id],
        group=done.group,
        what=_what(request, done, details),
        person_id=None if own else row.person_id,
        person="" if own else people.get(row.person_id, ""),
        why=why,
        ticket=str(details.get("ticket", "")),
        note=str(details.get("explanation", "") or details.get("remark", "")),
    )


def _what(request: Request, done: ActivitySentence, details: Mapping[str, Any]) -> str:
    """What was done, and what it was for where that is something else."""
    words, asked = request.translate(done.words), ASKED.get(str(details.get("act", "")))
    if asked is None:
        return words
    return request.translate(DEED_FOR) % {"deed": words, "act": request.translate(asked)}


def _full(row: Any) -> str:
    return f"{row.given_name} {row.family_name}".strip()


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), BRUSSELS)
