"""Notices what no answer shows: a transaction that says it only reads, and writes."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, event

_WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE|REPLACE|CREATE|ALTER|DROP)\b", re.IGNORECASE)


@contextmanager
def writes_while_reading() -> Iterator[list[str]]:
    """Every writing statement that any engine executes outside `db.transaction.writing`.

    Such a statement is committed at once, whatever becomes of the request, and on SQLite it took no
    write lock.
    """
    found: list[str] = []

    def before_cursor_execute(
        connection: Connection,
        cursor: Any,
        statement: str,
        parameters: Any,
        context: Any,
        many: bool,
    ) -> None:
        compiled_write = context and (context.isinsert or context.isupdate or context.isdelete)
        if not compiled_write and not _WRITES.match(statement):
            return
        if not connection.get_execution_options().get("authn_writes"):
            found.append(statement)

    event.listen(Engine, "before_cursor_execute", before_cursor_execute)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", before_cursor_execute)
