"""The migrations make exactly the tables that the rooms declare."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from authn.db.engine import Database
from authn.db.metadata import metadata
from authn.db.transaction import reading


def test_the_migrated_schema_is_the_declared_one(database: Database) -> None:
    with reading(database) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
