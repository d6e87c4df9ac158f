"""Brings the database to the newest version: Alembic, in one transaction, by one process."""

from alembic import command
from alembic.config import Config

from authn.db.engine import Database
from authn.db.transaction import writing
from authn.db.version import MIGRATIONS, is_current

ADVISORY_LOCK = 0x6175_7468_6E  # "authn"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def upgrade(database: Database) -> bool:
    """Bring the schema to the newest version; whether anything had to be done."""
    if is_current(database):
        return False
    with writing(database) as connection:
        if connection.dialect.name == "postgresql":
            # Two processes that start at once: the second waits, then finds it done.
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})")
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return True
