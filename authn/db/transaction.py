"""Opening a transaction: a refusal commits, a crash rolls back; reading never writes."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from sqlalchemy import Connection

from authn.db.engine import Database
from authn.errors import Refusal


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
            yield connection
        except Refusal:
            transaction.commit()
            raise
        except BaseException:
            transaction.rollback()
            raise
        transaction.commit()
