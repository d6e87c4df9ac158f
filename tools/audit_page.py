"""Writes docs/audit.md from the events in authn/audit (`make docs`)."""

from dataclasses import fields
from pathlib import Path

from authn.audit.catalogue import every_event, meaning_of
from authn.audit.events import Event
from authn.audit.log import COMMON

PAGE = Path(__file__).parent.parent / "docs" / "audit.md"
INTRODUCTION = """\
# The audit log

Each row tells what happened, about whom, with which device, for which application, by whom of the
staff (`actor_id`), when, and the reference number that a person saw on the page. Persons, devices
and members of staff are named by their internal id, never by a name or a national number.

A row is written in the transaction of the act itself and sealed (HMAC-SHA-256, with a key that is
not in the database). A worker numbers the rows and links each to the one before, within seconds and
without making anybody wait; a day (UTC) that is over gets a head, signed as a JWS and written into
a folder (`AUTHN_AUDIT_DIRECTORY`) that the operator should not be able to change. The database
refuses to change or delete a row, until its day is archived.

| command | what it does |
|---|---|
| `authn audit verify` | checks every seal, link and signed head; fails, and names what is wrong |
| `authn audit status` | how many rows wait to be chained, since when |
| `authn audit days` | each signed day with its number of rows and its head |
| `authn audit archive DIR` | moves days older than `AUTHN_AUDIT_KEPT` into files |
| `authn audit verify --archive DIR` | the same check, of the files too |
| `authn audit chain` | chains, signs and streams now (see `AUTHN_AUDIT_WORKER`) |

What can be found: a row that was altered, removed, put in or moved, whoever did it without the
audit key; and whoever has even that key can't write a day anew once its head has been exported.
What can't: rows of the present day that are cut off at the end, before its head is signed, by
somebody who has the database, the audit key and its triggers' owner. Watch the stream
(`AUTHN_AUDIT_STREAM`: lines of JSON or CEF, to a file or a syslog server) for that.

On PostgreSQL give the service a role that owns no table: then it can't take the triggers away.

This page is made from `authn/audit` (`make docs`). Beside what every event has:

"""


def page() -> str:
    """The page as it should be on file."""
    rows = [_row(event) for event in every_event().values()]
    head = ["| event | what happened | details |", "|---|---|---|"]
    return INTRODUCTION + "\n".join([*head, *rows]) + "\n"


def _row(event: type[Event]) -> str:
    meaning = meaning_of(event).replace("|", "\\|")
    own = [f"`{field.name}`" for field in fields(event) if field.name not in COMMON]
    return f"| `{event.name}` | {meaning} | {', '.join(own)} |"


def main() -> None:
    """The page on file says what the events are now."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
