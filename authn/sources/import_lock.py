"""Whoever reads an embedded source to note its answer, and an import that changes what it says.

On PostgreSQL a transaction may have read what was told before an import, and note it as fresh after
the import has made all answers due: then nobody would ask again for hours. So the import waits,
once its facts are in, for those who were reading; whoever reads from then on reads the new ones.
SQLite writes one transaction after another.
"""

from typing import Final

from sqlalchemy import Connection, text

_KEY: Final = 0x6175_7468_6E_01  # "authn", and which of its locks
_STAND_BY: Final = text(f"SELECT pg_advisory_xact_lock_shared({_KEY})")
_WAIT_FOR_READERS: Final = text(f"SELECT pg_advisory_xact_lock({_KEY})")


def stand_by_import(connection: Connection) -> None:
    """What is read and noted from here on in this transaction, an import makes due if it is old."""
    if connection.dialect.name == "postgresql":
        connection.execute(_STAND_BY)


def wait_for_readers(connection: Connection) -> None:
    """Those who read what was told before have noted it, and are seen by the next statement."""
    if connection.dialect.name == "postgresql":
        connection.execute(_WAIT_FOR_READERS)
