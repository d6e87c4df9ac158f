"""Expiry of approvals that nobody decided in time, and deletion of old ones.

Each process looks into an index every two seconds, so that the page of who asked shows the end and
the audit log has its time. Two processes at once end each approval once: by one UPDATE.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from sqlalchemy import Connection, bindparam, delete, exists, or_, select, update

from authn.audit.events.desk_acts import ApprovalExpired
from authn.audit.log import record
from authn.console.operator_request_rows import OVER, expire_requests
from authn.console.tables import approvals
from authn.db.engine import Database
from authn.db.metadata import UtcDateTime
from authn.db.occasion import Job, Occasion
from authn.db.transaction import must_write, reading, writing
from authn.secrets import Secrets
from authn.settings import Settings
from authn.web.logs import logger
from authn.web.site import Site
from authn.web.threads import background_thread, randomise_pause

LOOKED_AT_EVERY: Final = 2.0  # seconds
PAUSE_SECONDS: Final = 60.0  # after the database did not answer
# An approval is shown and can be used for a day at most; who approved what stays in the audit log.
KEPT: Final = timedelta(days=30)

_OVER = (
    approvals.c.state == "waiting",
    approvals.c.expires_at <= bindparam("now", type_=UtcDateTime),
)
_ANY_OVER = select(approvals.c.id).where(*_OVER).limit(1)
_EITHER_OVER = select(or_(exists().where(*_OVER), exists().where(*OVER)))
_EXPIRE = update(approvals).where(*_OVER).values(state="expired").returning(approvals)
_FORGET = delete(approvals).where(
    approvals.c.state != "waiting",
    approvals.c.expires_at < bindparam("before", type_=UtcDateTime),
)


def expire_approvals(occasion: Occasion) -> int:
    """Expire the approvals that are over without a decision, each on record; returns how many."""
    if not _any_over(occasion.connection, occasion.now):
        return 0
    must_write(occasion.connection)
    rows = occasion.connection.execute(_EXPIRE, {"now": occasion.now}).all()
    for row in rows:
        event = ApprovalExpired(
            person_id=row.person_id, approval=row.id, act=row.act, asked_by=row.asked_by
        )
        record(occasion.connection, occasion.secrets, event, occasion.now, occasion.reference)
    return len(rows)


def expire_overdue(database: Database, settings: Settings, secrets: Secrets, now: datetime) -> int:
    """Expire approvals and operators' requests, in a transaction that writes only if needed.

    Returns how many.
    """
    with reading(database) as connection:
        if not connection.execute(_EITHER_OVER, {"now": now}).scalar():
            return 0
    with writing(database) as connection:
        job = Job(connection, settings, secrets, now)
        return expire_approvals(job) + expire_requests(job)


def forget_old_approvals(connection: Connection, now: datetime) -> int:
    """Delete the approvals that ended long ago; returns how many."""
    return connection.execute(_FORGET, {"before": now - KEPT}).rowcount


@contextmanager
def approval_expiry_thread(site: Site) -> Iterator[None]:
    """Run a thread that expires approvals for as long as the block runs, whatever goes wrong."""
    if not site.settings.outbox_worker:
        yield
        return
    with background_thread("approvals", partial(_run, site)):
        yield


def _run(site: Site, stop: threading.Event) -> None:
    while not stop.wait(randomise_pause(LOOKED_AT_EVERY)):
        try:
            expire_overdue(site.database, site.settings, site.secrets, site.clock())
        except Exception:  # noqa: BLE001  a database that is gone for a while comes back
            logger.exception("approvals_not_looked_after")
            stop.wait(PAUSE_SECONDS)


def _any_over(connection: Connection, now: datetime) -> bool:
    return connection.execute(_ANY_OVER, {"now": now}).first() is not None
