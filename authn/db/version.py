"""Whether the database's schema is the newest one; without Alembic, which only upgrading needs."""

from pathlib import Path

from sqlalchemy import inspect, text

from authn.db.engine import Database
from authn.db.transaction import reading

MIGRATIONS = Path(__file__).parent / "migrations"


def newest_revision() -> str:
    """The revision of the last migration: files are named by it, in order."""
    return max(path.name.partition("_")[0] for path in MIGRATIONS.glob("versions/[0-9]*.py"))


def is_current(database: Database) -> bool:
    """Whether the schema is the newest one this version knows."""
    with reading(database) as connection:
        if not inspect(connection).has_table("alembic_version"):
            return False
        present = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return present == newest_revision()
