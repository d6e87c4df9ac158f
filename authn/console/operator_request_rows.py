"""What waits for a second operator, as it is kept: written with a seal, found, listed.

Nothing of a row is changed after it was asked but how it ended. The seal is a keyed hash of all
else: what was changed in the table all the same is never done.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Any, Final, Literal, cast
from uuid import UUID

import orjson
from sqlalchemy import Connection, and_, bindparam, or_, select

from authn.clients.clients import find_client
from authn.clients.resources import find_resource
from authn.console.desk_sessions import Desk
from authn.console.tables import operator_requests
from authn.db.metadata import UtcDateTime
from authn.db.occasion import Occasion
from authn.secrets import Secrets, derived_token
from authn.staff.roles import Role

Kind = Literal["new-client", "client", "new-resource", "resource", "exchange", "issuer", "role"]
# "failed": approved, but it could not be done any more.
State = Literal["waiting", "approved", "refused", "withdrawn", "expired", "failed"]
Line = tuple[str, str, str]
"""The name of a value, and what it is before and after; "" where there is none."""
SHOWN_FOR: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class OperatorRequestInput:
    """What somebody wants done: all of it, and all that is shown of it.

    `gives` is of `clients.weight`, () for a role, which `person_id` would have. `values` are what
    `operator_request_deeds` does it with, `version` what it is on was then.
    """

    kind: Kind
    target: str
    gives: tuple[str, ...]
    shown: tuple[Line, ...]
    values: Mapping[str, Any]
    version: str = ""
    person_id: UUID | None = None
    decider: Role = "operator"


@dataclass(frozen=True, slots=True)
class OperatorRequest:
    """A row of `operator_requests`."""

    id: UUID
    wanted: OperatorRequestInput
    seal: str
    reason: str
    ticket: str
    asked_by: UUID | None
    """None where it was asked at the machine, on the command line."""
    asked_at: datetime
    expires_at: datetime
    state: State
    decided_by: UUID | None
    decided_at: datetime | None
    remark: str

    @property
    def involved(self) -> set[UUID]:
        """Who is locked, together, where it is decided: who asked, and who gets a role."""
        return {each for each in (self.asked_by, self.wanted.person_id) if each}

    def on_record(self, actor_id: UUID | None) -> dict[str, Any]:
        """What every event tells of it, as of who did the step (`OperatorRequestEvent`)."""
        return {
            "actor_id": actor_id,
            "person_id": self.wanted.person_id,
            "request": self.id,
            "kind": self.wanted.kind,
            "target": self.wanted.target,
        }

    def state_at(self, now: datetime) -> State:
        """Its state, "expired" once nobody decided in time, though that may not be written yet."""
        return "expired" if self.state == "waiting" and self.expires_at <= now else self.state


OF_ID = operator_requests.c.id == bindparam("request_id")
WAITS = and_(
    operator_requests.c.state == "waiting",
    operator_requests.c.expires_at > bindparam("now", type_=UtcDateTime),
)
_FIND = select(operator_requests).where(OF_ID)
# What waits for a role of theirs, and what was asked lately for one, by whomever.
_SHOWN = (
    select(operator_requests)
    .where(
        operator_requests.c.decider.in_(bindparam("roles", expanding=True)),
        or_(WAITS, operator_requests.c.asked_at > bindparam("since", type_=UtcDateTime)),
    )
    .order_by(operator_requests.c.asked_at.desc(), operator_requests.c.id)
)
_STATES = _SHOWN.with_only_columns(
    operator_requests.c.id,
    operator_requests.c.state,
    operator_requests.c.expires_at,
    maintain_column_froms=True,
)
_AT_THE_MACHINE = (
    select(operator_requests)
    .where(
        operator_requests.c.asked_by.is_(None),
        operator_requests.c.asked_at > bindparam("since", type_=UtcDateTime),
    )
    .order_by(operator_requests.c.asked_at.desc(), operator_requests.c.id)
)


def find_request(occasion: Occasion, request_id: UUID) -> OperatorRequest | None:
    """The request with this id, whatever became of it."""
    row = occasion.connection.execute(_FIND, {"request_id": request_id}).first()
    return request_from_row(row) if row else None


def shown_requests(occasion: Occasion, desk: Desk) -> list[OperatorRequest]:
    """What waits for a role of this member of staff, and how what was asked lately ended."""
    rows = occasion.connection.execute(_SHOWN, _shown_to(desk, occasion.now))
    return [request_from_row(row) for row in rows]


def states_shown(connection: Connection, desk: Desk, now: datetime) -> list[str]:
    """What tells, in one statement, whether `shown_requests` has changed."""
    rows = connection.execute(_STATES, _shown_to(desk, now))
    return [f"{row.id} {row.state} {row.expires_at > now}" for row in rows]


def name_of(connection: Connection, kind: str, target: str, values: Mapping[str, Any]) -> str:
    """What people call it: as it is registered now, or as a new one would be.

    Its `target` where it has no name: an issuer, a role, or what has ended since.
    """
    if kind in ("client", "exchange") and (client := find_client(connection, target)):
        return client.client_name
    if kind == "resource" and (resource := find_resource(connection, target)):
        return resource.resource_name
    return str(values.get("client_name") or values.get("resource_name") or target)


def name_and_id(connection: Connection, kind: str, target: str) -> str:
    """What it is called and its id, once it was done; the id alone where that is its name."""
    name = name_of(connection, kind.removeprefix("new-"), target, {})
    return target if name == target else f"{name} ({target})"


def asked_at_the_machine(occasion: Occasion) -> list[OperatorRequest]:
    """What was asked on the command line lately, however it ended, the newest first."""
    rows = occasion.connection.execute(_AT_THE_MACHINE, {"since": occasion.now - SHOWN_FOR})
    return [request_from_row(row) for row in rows]


def _shown_to(desk: Desk, now: datetime) -> dict[str, Any]:
    return {
        "now": now,
        "roles": list(desk.staff.roles),
        "since": now - SHOWN_FOR,
    }


def store_request(occasion: Occasion, asked: OperatorRequest) -> None:
    """The request is in the table, under its seal."""
    columns = [column.name for column in operator_requests.c]
    own = {name: getattr(asked, name) for name in columns if hasattr(asked, name)}
    of_wanted = ("kind", "target", "person_id", "decider")
    row = own | {name: getattr(asked.wanted, name) for name in of_wanted}
    row |= {"content": content_of(asked.wanted), "seal": seal_of(occasion.secrets, asked)}
    occasion.connection.execute(operator_requests.insert(), row)


def request_from_row(row: Any) -> OperatorRequest:
    """A row of `operator_requests` as a value."""
    content = orjson.loads(row.content)
    wanted = OperatorRequestInput(
        kind=cast("Kind", row.kind),
        target=row.target,
        gives=tuple(content["gives"]),
        shown=tuple((name, before, after) for name, before, after in content["shown"]),
        values=content["values"],
        version=content["version"],
        person_id=row.person_id,
        decider=cast("Role", row.decider),
    )
    names = [each for each in OperatorRequest.__dataclass_fields__ if each != "wanted"]
    return OperatorRequest(wanted=wanted, **{name: getattr(row, name) for name in names})


def is_as_asked(secrets: Secrets, request: OperatorRequest) -> bool:
    """Whether nothing of the row was changed since it was asked."""
    return compare_digest(request.seal.encode(), seal_of(secrets, request).encode())


def seal_of(secrets: Secrets, request: OperatorRequest) -> str:
    """The keyed hash of all that was asked, by whom and why."""
    wanted = request.wanted
    whole = [
        *(str(request.id), wanted.kind, wanted.target, str(wanted.person_id), wanted.decider),
        *(content_of(wanted), request.reason, request.ticket, str(request.asked_by)),
    ]
    return derived_token(secrets, "operator-request", orjson.dumps(whole).decode())


def content_of(wanted: OperatorRequestInput) -> str:
    """What would be done, and all that is shown of it, as it is kept."""
    content = {name: getattr(wanted, name) for name in ("gives", "shown", "values", "version")}
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS).decode()
