"""What time does to requests of operators: nobody decides, and they are over; then gone."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, bindparam, delete, select, update

from authn.audit.log import record
from authn.audit.operator_events import OperatorRequestExpired
from authn.console.operator_request_rows import request_from_row
from authn.console.tables import operator_requests
from authn.db.metadata import UtcDateTime
from authn.db.occasion import Occasion
from authn.db.transaction import must_write

# Nothing of it can be done any more; who agreed to what is in the log.
KEPT: Final = timedelta(days=90)

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


def expire_requests(occasion: Occasion) -> int:
    """How many have come to their end by this, without a decision: each on record."""
    if not _any_over(occasion.connection, occasion.now):
        return 0
    must_write(occasion.connection)
    rows = occasion.connection.execute(_EXPIRE, {"now": occasion.now}).all()
    for each in map(request_from_row, rows):
        event = OperatorRequestExpired(**each.on_record(None), asked_by=each.asked_by)
        record(occasion.connection, occasion.secrets, event, occasion.now, occasion.reference)
    return len(rows)


def _any_over(connection: Connection, now: datetime) -> bool:
    """Whether one waits that nobody decided about in time."""
    return connection.execute(_ANY_OVER, {"now": now}).first() is not None


def forget_old_requests(connection: Connection, now: datetime) -> int:
    """How many that ended long ago are gone; that they were is in the log."""
    return connection.execute(_FORGET, {"before": now - KEPT}).rowcount
