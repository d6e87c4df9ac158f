"""The activity of a supervisor's desk: counts by day and agent, each look and act, open approvals.

Read from the audit log, by the index of who acted. Names of citizens are shown, numbers never.
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
from authn.console.desk_activity_sentences import (
    ACT_WORDS,
    REFUSAL_WORDS,
    SENTENCE_BY_EVENT,
    ActivitySentence,
)
from authn.console.tables import approvals
from authn.db.metadata import UtcDateTime
from authn.errors import N_
from authn.people.ssin import BRUSSELS
from authn.people.tables import persons
from authn.staff.members import SUPERVISED_STAFF_IDS, Staff
from authn.staff.reasons import reason_text
from authn.web.request import Request

DAYS: Final = 14
ROWS_ON_PAGE: Final = 100
ACT_FOR: Final = N_("%(deed)s: %(act)s")
CHARTED: Final = ("look", "act", "refusal")


@dataclass(frozen=True, slots=True)
class DeskAgent:
    """Somebody who works, or worked, at one of the supervisor's desks."""

    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class ActivityCounts:
    """How often each group of events happened, on a day or by an agent."""

    of: date | DeskAgent
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ActivityRow:
    """A row of the audit log in words."""

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
class OpenApproval:
    """An approval that waits, as a supervisor sees it in the list."""

    id: UUID
    act: str
    person: str
    asked_by: str
    asked_at: datetime
    expires_at: datetime


_AGENTS = (
    select(persons.c.id, persons.c.given_name, persons.c.family_name)
    .where(persons.c.id.in_(SUPERVISED_STAFF_IDS))
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
_ACTIVITY = (
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


def list_supervised_agents(connection: Connection, supervisor: Staff) -> list[DeskAgent]:
    """Everybody who works, or worked, at the desks of this supervisor, by name."""
    rows = connection.execute(_AGENTS, {"supervisor_id": supervisor.person_id})
    return [DeskAgent(row.id, _full_name(row)) for row in rows]


def last_days(now: datetime) -> list[date]:
    """The `DAYS` days in Belgian time that are counted, oldest first; today is the last."""
    today = now.astimezone(BRUSSELS).date()
    return [today - timedelta(days=DAYS - 1 - index) for index in range(DAYS)]


def count_activity(
    connection: Connection, agents: Collection[DeskAgent], days: list[date]
) -> tuple[list[ActivityCounts], list[ActivityCounts]]:
    """How often each group of events happened, by day and by agent."""
    parameters = {
        "agents": [agent.id for agent in agents],
        "events": list(SENTENCE_BY_EVENT),
        "since": _midnight(days[0]),
        **{f"day{index}": _midnight(day) for index, day in enumerate(days) if index},
    }
    by_day: dict[date, dict[str, int]] = {day: {} for day in days}
    by_agent: dict[UUID, dict[str, int]] = {agent.id: {} for agent in agents}
    for actor_id, event, index, count in connection.execute(_COUNTS, parameters):
        done = SENTENCE_BY_EVENT[event]
        if done.counted or done.group == "unusual":
            for counts in (by_day[days[index]], by_agent[actor_id]):
                counts[done.group] = counts.get(done.group, 0) + count
    return (
        [ActivityCounts(day, counts) for day, counts in by_day.items()],
        [ActivityCounts(agent, by_agent[agent.id]) for agent in agents],
    )


def list_activity(
    request: Request, agents: Collection[DeskAgent], day: date, before: AuditRowMark | None
) -> tuple[list[ActivityRow], AuditRowMark | None]:
    """What these agents did on a day, latest first, and the mark of the next page or None."""
    end = AuditRowMark(_midnight(day + timedelta(days=1)), 0)
    mark = before if before and before.at < end.at else end
    parameters = {
        "agents": [agent.id for agent in agents],
        "events": list(SENTENCE_BY_EVENT),
        "since": _midnight(day),
        "at": mark.at,
        "below": mark.id,
    }
    rows = request.connection.execute(_ACTIVITY, parameters).all()
    shown = rows[:ROWS_ON_PAGE]
    called = {agent.id: agent.name for agent in agents}
    people = person_names(request.connection, (row.person_id for row in shown))
    further = None
    if len(rows) > ROWS_ON_PAGE:
        further = AuditRowMark(shown[-1].occurred_at, shown[-1].id)
    return [
        _activity_row(request, row, called, people) for row in _leave_out_openers(shown)
    ], further


def list_open_approvals(
    connection: Connection, agents: Collection[DeskAgent], now: datetime
) -> list[OpenApproval]:
    """The approvals that these agents asked for and nobody decided yet, oldest first."""
    called = {agent.id: agent.name for agent in agents}
    rows = connection.execute(_OPEN, {"agents": list(called), "now": now}).all()
    people = person_names(connection, (row.person_id for row in rows))
    return [
        OpenApproval(
            row.id,
            row.act,
            people.get(row.person_id, ""),
            called[row.asked_by],
            row.asked_at,
            row.expires_at,
        )
        for row in rows
    ]


def person_names(connection: Connection, ids: Iterable[UUID | None]) -> dict[UUID, str]:
    """The full names of these persons, by their id."""
    known = {each for each in ids if each}
    if not known:
        return {}
    return {row.id: _full_name(row) for row in connection.execute(_NAMES, {"ids": list(known)})}


def _leave_out_openers(rows: Sequence[Any]) -> list[Any]:
    """The rows, latest first, without those that only led to what the agent did next."""
    kept: list[Any] = []
    did_next: dict[UUID, Any] = {}
    for row in rows:
        after = did_next.get(row.actor_id)
        if after is None or not _leads_to(row, after):
            kept.append(row)
        did_next[row.actor_id] = row
    return kept


def _leads_to(row: Any, after: Any) -> bool:
    """Whether a row only led to the next row of the agent, about the same person or nobody."""
    groups = SENTENCE_BY_EVENT[row.event].opens
    return SENTENCE_BY_EVENT[after.event].group in groups and row.person_id in (
        None,
        after.person_id,
    )


def _activity_row(
    request: Request, row: Any, called: Mapping[UUID, str], people: Mapping[UUID, str]
) -> ActivityRow:
    details = orjson.loads(row.details)
    done = SENTENCE_BY_EVENT[row.event]
    reason = str(details.get("reason", ""))
    refused = str(details.get("refused", ""))
    why = ""
    if reason:
        why = reason_text(request.settings, reason, request.language, request.translate)
    elif refused:
        why = request.translate(REFUSAL_WORDS.get(refused, refused))
    own = row.person_id == row.actor_id
    return ActivityRow(
        id=row.id,
        at=row.occurred_at,
        agent=called[row.actor_id],
        group=done.group,
        what=_what_was_done(request, done, details),
        person_id=None if own else row.person_id,
        person="" if own else people.get(row.person_id, ""),
        why=why,
        ticket=str(details.get("ticket", "")),
        note=str(details.get("explanation", "") or details.get("remark", "")),
    )


def _what_was_done(request: Request, done: ActivitySentence, details: Mapping[str, Any]) -> str:
    """What was done, with the act that was asked or refused where the event names one."""
    words, asked = request.translate(done.words), ACT_WORDS.get(str(details.get("act", "")))
    if asked is None:
        return words
    return request.translate(ACT_FOR) % {"deed": words, "act": request.translate(asked)}


def _full_name(row: Any) -> str:
    return f"{row.given_name} {row.family_name}".strip()


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), BRUSSELS)
