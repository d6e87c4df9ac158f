"""Settings, secrets, database and clock of one command, and the terminal."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from rich.console import Console
from sqlalchemy import Connection

from authn.clock import system_clock
from authn.db.engine import Database, open_database
from authn.db.transaction import reading, writing
from authn.db.version import is_current
from authn.errors import CommandError
from authn.secrets import Secrets, load_secrets
from authn.settings import Settings, load_settings

console = Console(highlight=False, soft_wrap=True)


@dataclass(frozen=True, slots=True)
class Ground:
    """The settings, secrets and open database of a command, and the moment of its beginning."""

    settings: Settings
    secrets: Secrets
    database: Database
    now: datetime

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that may write."""
        with writing(self.database) as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads."""
        with reading(self.database) as connection:
            yield connection


@contextmanager
def ground() -> Iterator[Ground]:
    """Open what a command needs; raises `CommandError` unless the database schema is the newest."""
    settings = load_settings()
    database = open_database(settings)
    try:
        if not is_current(database):
            raise CommandError("The database is not up to date: run `authn db upgrade` first.")
        yield Ground(settings, load_secrets(settings), database, system_clock())
    finally:
        database.close()
