"""The table of operators' requests: rows are stored with a seal, found, listed, expired, deleted.

Only the end of a request changes in its row. The seal is a keyed hash of everything else: a row
that was changed in the table is never acted on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Any, Final, Literal, cast
from uuid import UUID

import orjson
from sqlalchemy import Connection, and_, bindparam, delete, or_, select, update

from authn.audit.events.operators import OperatorRequestExpired
from authn.audit.log import record
from authn.clients.clients import find_client
from authn.clients.resource_servers.resources import find_resource
from authn.console.desk_sessions import Desk
from authn.console.tables import operator_requests
from authn.db.metadata import UtcDateTime
from authn.db.occasion import Occasion
from authn.db.transaction import must_write
from authn.secrets import Secrets, derived_token
from authn.staff.roles import Role

Kind = Literal["new-client", "client", "new-resource", "resource", "exchange", "issuer", "role"]
# "failed": approved, but it could not be done any more.
State = Literal["waiting", "approved", "refused", "withdrawn", "expired", "failed"]
Line = tuple[str, str, str]
"""The name of a value, the value before, the value after; "" for none."""
SHOWN_FOR: Final = timedelta(days=7)
KEPT: Final = timedelta(days=90)  # then rows are deleted; the audit log keeps who agreed to what


@dataclass(frozen=True, slots=True)
class OperatorRequestInput:
    """What an operator asks for: all that would be done, and all that is shown.

    `gives` are the risks (`clients.change_risks`), () for a role, which `person_id` would get.
    `values` are what `operator_request_acts` does it with, `version` hashes what is changed.
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
    """None for a local operator, on the command line."""
    asked_at: datetime
    expires_at: datetime
    state: State
    decided_by: UUID | None
    decided_at: datetime | None
    remark: str

    @property
    def involved(self) -> set[UUID]:
        """The persons to lock together with a decision: who asked, and who gets a role."""
        return {each for each in (self.asked_by, self.wanted.person_id) if each}

    def event_fields(self, actor_id: UUID | None) -> dict[str, Any]:
        """The fields that every `OperatorRequestEvent` has; `actor_id` is who did the step."""
        return {
            "actor_id": actor_id,
            "person_id": self.wanted.person_id,
            "request": self.id,
            "kind": self.wanted.kind,
            "target": self.wanted.target,
        }

    def state_at(self, now: datetime) -> State:
        """The state, "expired" after `expires_at` also where that is not written yet."""
        return "expired" if self.state == "waiting" and self.expires_at <= now else self.state


OF_ID = operator_requests.c.id == bindparam("request_id")
WAITS = and_(
    operator_requests.c.state == "waiting",
    operator_requests.c.expires_at > bindparam("now", type_=UtcDateTime),
)
_FIND = select(operator_requests).where(OF_ID)
# Requests that wait for one of these roles, or were made lately, by whomever.
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
_ASKED_LOCALLY = (
    select(operator_requests)
    .where(
        operator_requests.c.asked_by.is_(None),
        operator_requests.c.asked_at > bindparam("since", type_=UtcDateTime),
    )
    .order_by(operator_requests.c.asked_at.desc(), operator_requests.c.id)
)
OVER: Final = (
    operator_requests.c.state == "waiting",
    operator_requests.c.expires_at <= bindparam("now", type_=UtcDateTime),
)
_ANY_OVER = select(operator_requests.c.id).where(*OVER).limit(1)
_EXPIRE = (
    update(operator_requests).where(*OVER).values(state="expired").returning(operator_requests)
)
_FORGET = delete(operator_requests).where(
    operator_requests.c.state != "waiting",
    operator_requests.c.expires_at < bindparam("before", type_=UtcDateTime),
)


def find_request(occasion: Occasion, request_id: UUID) -> OperatorRequest | None:
    """The request with this id, in any state; or None."""
    row = occasion.connection.execute(_FIND, {"request_id": request_id}).first()
    return request_from_row(row) if row else None


def list_requests_for(occasion: Occasion, desk: Desk) -> list[OperatorRequest]:
    """Requests for this member of staff: those that wait for a role of theirs, and recent ones."""
    rows = occasion.connection.execute(_SHOWN, _shown_to(desk, occasion.now))
    return [request_from_row(row) for row in rows]


def request_states(connection: Connection, desk: Desk, now: datetime) -> list[str]:
    """A text for each of `list_requests_for`, which changes with its state: one statement."""
    rows = connection.execute(_STATES, _shown_to(desk, now))
    return [f"{row.id} {row.state} {row.expires_at > now}" for row in rows]


def target_name(connection: Connection, kind: str, target: str, values: Mapping[str, Any]) -> str:
    """The name of what a request is about: as registered now, or as a new one would be named.

    The `target` itself where there is no name: an issuer, a role, or what has ended since.
    """
    if kind in ("client", "exchange") and (client := find_client(connection, target)):
        return client.client_name
    if kind == "resource" and (resource := find_resource(connection, target)):
        return resource.resource_name
    return str(values.get("client_name") or values.get("resource_name") or target)


def target_name_and_id(connection: Connection, kind: str, target: str) -> str:
    """The name and id of what a finished act was about; the id alone where it is the name."""
    name = target_name(connection, kind.removeprefix("new-"), target, {})
    return target if name == target else f"{name} ({target})"


def list_local_requests(occasion: Occasion) -> list[OperatorRequest]:
    """The recent requests of local operators, in any state, the newest first."""
    rows = occasion.connection.execute(_ASKED_LOCALLY, {"since": occasion.now - SHOWN_FOR})
    return [request_from_row(row) for row in rows]


def _shown_to(desk: Desk, now: datetime) -> dict[str, Any]:
    return {
        "now": now,
        "roles": list(desk.staff.roles),
        "since": now - SHOWN_FOR,
    }


def store_request(occasion: Occasion, asked: OperatorRequest) -> None:
    """The request is stored, with its seal."""
    columns = [column.name for column in operator_requests.c]
    own = {name: getattr(asked, name) for name in columns if hasattr(asked, name)}
    of_wanted = ("kind", "target", "person_id", "decider")
    row = own | {name: getattr(asked.wanted, name) for name in of_wanted}
    row |= {"content": request_content(asked.wanted), "seal": compute_seal(occasion.secrets, asked)}
    occasion.connection.execute(operator_requests.insert(), row)


def request_from_row(row: Any) -> OperatorRequest:
    """The request of a row."""
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


def has_valid_seal(secrets: Secrets, request: OperatorRequest) -> bool:
    """Whether nothing of the row was changed since the request was stored."""
    return compare_digest(request.seal.encode(), compute_seal(secrets, request).encode())


def compute_seal(secrets: Secrets, request: OperatorRequest) -> str:
    """The keyed hash of what was asked, by whom and why."""
    wanted = request.wanted
    whole = [
        *(str(request.id), wanted.kind, wanted.target, str(wanted.person_id), wanted.decider),
        *(request_content(wanted), request.reason, request.ticket, str(request.asked_by)),
    ]
    return derived_token(secrets, "operator-request", orjson.dumps(whole).decode())


def request_content(wanted: OperatorRequestInput) -> str:
    """What would be done and is shown, as JSON for the table."""
    content = {name: getattr(wanted, name) for name in ("gives", "shown", "values", "version")}
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS).decode()


def expire_requests(occasion: Occasion) -> int:
    """How many requests expired without a decision now; each is recorded."""
    if not _any_over(occasion.connection, occasion.now):
        return 0
    must_write(occasion.connection)
    rows = occasion.connection.execute(_EXPIRE, {"now": occasion.now}).all()
    for each in map(request_from_row, rows):
        event = OperatorRequestExpired(**each.event_fields(None), asked_by=each.asked_by)
        record(occasion.connection, occasion.secrets, event, occasion.now, occasion.reference)
    return len(rows)


def _any_over(connection: Connection, now: datetime) -> bool:
    """Whether a request waits past its time."""
    return connection.execute(_ANY_OVER, {"now": now}).first() is not None


def forget_old_requests(connection: Connection, now: datetime) -> int:
    """How many requests that ended long ago were deleted; the audit log keeps their events."""
    return connection.execute(_FORGET, {"before": now - KEPT}).rowcount
