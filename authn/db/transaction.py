"""Opening a transaction: a refusal commits, a crash rolls back; reading never writes."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from sqlalchemy import Connection

from authn.db.engine import WRITES, Database, begin_immediate
from authn.errors import Refusal


class NeedsToWrite(Exception):
    """A write was reached in a transaction that only reads, and not made.

    A route that writes now and then begins by reading, and begins again when this is raised
    (`web.routing`).
    """


def must_write(connection: Connection) -> None:
    """Whoever opened this transaction said that it may write; raises `NeedsToWrite` if not."""
    if not connection.get_execution_options().get(WRITES):
        raise NeedsToWrite


@contextmanager
def reading(database: Database) -> Iterator[Connection]:
    """A connection that only reads: it takes no lock, and each statement sees what is committed."""
    with database.reader.connect() as connection:
        yield connection


@contextmanager
def writing(database: Database, *, wait: bool = True) -> Iterator[Connection]:
    """A transaction that may write.

    A `Refusal` that leaves it is committed with what was written before, and goes on; any other
    exception rolls everything back. Raises `Unavailable` when SQLite's write lock stays taken, or
    at once `Busy` when it is taken and this is not to wait.
    """
    lock = database.write_lock.held(wait=wait) if database.write_lock else nullcontext()
    with lock, database.writer.connect() as connection:
        transaction = connection.begin()
        try:
            if database.write_lock:
                begin_immediate(connection)
            yield connection
        except Refusal:
            transaction.commit()
            raise
        except BaseException:
            transaction.rollback()
            raise
        transaction.commit()
