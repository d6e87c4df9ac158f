"""Alembic's entry: runs inside the connection and transaction that `db.upgrade` opened."""

from alembic import context

from authn.db.metadata import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
