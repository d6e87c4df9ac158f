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
and members of staff are named by their internal id, never by a name or a national number. Of a look
or an act at the help desk, `role` is the role of theirs by which they might; "" where nobody of the
staff did it.

## How a row becomes certain

1. **Sealed.** A row is written in the transaction of the act itself, with an HMAC-SHA-256 whose key
   (`AUTHN_AUDIT_KEY`) is not in the database.
2. **Chained.** A worker gives each row a number and links it to the one before, about a second
   later, and nobody waits for it. `authn audit status` and the auditor's page show what waits; a
   row that was not chained after 15 minutes is a finding.
3. **Signed.** Every five minutes in which rows came (`AUTHN_AUDIT_HEAD_EVERY`) the number and link
   of the last one are signed (a JWS, ES256, `audit-head+jwt`): a running head. A day (UTC) that is
   over gets a head of its own (`audit-day+jwt`). Nothing is added to a day that is signed.
4. **Exported.** Heads are written into a folder (`AUTHN_AUDIT_DIRECTORY`: `DAY.heads`, a line each,
   and `DAY.jws`) and running heads into the stream (`AUTHN_AUDIT_STREAM`: lines of JSON or CEF, to
   a file or a syslog server) beside the rows. Let the folder be one to which the service can only
   append, or copy it elsewhere: what has left this machine is what binds those who run it.

| command | what it does |
|---|---|
| `authn audit verify` | checks every seal, link and signed head; fails, and names what is wrong |
| `authn audit verify --heads PATH` | with a copy of the heads that was kept elsewhere: a folder, or a file of the stream |
| `authn audit verify --archive DIR` | with the files of archived days |
| `authn audit status` | how many rows wait to be chained, since when; the last running head |
| `authn audit days` | each signed day with its number of rows and its head |
| `authn audit archive DIR` | moves signed days older than `AUTHN_AUDIT_KEPT` into files |
| `authn audit chain` | chains, signs and streams now (see `AUTHN_AUDIT_WORKER`) |

## What is found, and what is not

| what somebody did | what finds it |
|---|---|
| altered, removed, put in or moved a row, having the database | `verify`: seals and links need the audit key |
| cut off the last rows | `verify`, by the number that the chain remembers; where that was changed too, by a running head that says that there were more |
| wrote rows, a day, or all of it anew, having the audit key too | `verify` with heads that were exported before |
| deleted or changed the exported heads as well | only a copy kept elsewhere: `verify --heads` |
| deleted rows that no running head covers yet (five minutes at most) | what was streamed: each row has its number and link there |
| deleted a row in the second before it was chained | nothing. The row is on no record; the database refuses it to all but the owner of its tables |
| kept an act off the record from the start | nothing: whoever changes the program that runs. Rows are written in the act's own transaction, so no failure does it |

## Who may delete

The database refuses to change a row, and to delete one unless its day is signed and archived. On
PostgreSQL, who owns the tables could take away what refuses, so let the service be a role that owns
nothing, and the archive another one:

```console
$ createuser authn_service && createuser authn_archive    # with passwords
$ authn db upgrade                                        # as the owner: AUTHN_DATABASE_URL
$ authn db grants authn_service authn_archive | psql authn    # as the owner; after each upgrade
$ AUTHN_DATABASE_URL=postgresql://authn_service@… authn serve
$ AUTHN_AUDIT_ARCHIVE_DATABASE_URL=postgresql://authn_archive@… authn audit archive /archive    # beside the service's own settings
```

`docker-compose.yml` as it comes has one role for all, which owns the tables: there the triggers can
be taken away by whoever has the service's password, until you do the above.

The service's role can add audit rows and read them: the server refuses it to update, delete or
truncate them, to drop or disable a trigger, to say that a day is archived. The archive's role can
read and delete audit rows of days that are signed and that it has marked as archived; it sees
nothing else. Give its password to the job that archives alone: that role could mark a signed day
without having written its file, and what `verify --archive` then finds is that the file is gone.

**SQLite has no roles.** The triggers refuse the same, but whoever can write to the file can drop
them. There the chain and the exported heads are all there is: they don't prevent, they find.

## For how long

Rows stay in the database for `AUTHN_AUDIT_KEPT` (six months). `authn audit archive DIR`, as a daily
job, writes each older day into a file of its own (`DAY.jsonl.gz`), reads it back, verifies it, and
only then deletes its rows; that it did is on record. The newest signed day always stays. Files are
to be kept for `AUTHN_AUDIT_ARCHIVED` (ten years): each run names those that are older as ones that
may go, and **deletes none**. Once such a file is deleted `verify --archive` says that it is gone.
The public halves of the keys that signed heads are kept for just as long ([keys.md](keys.md)).

## Events

This page is made from `authn/audit` (`make docs`). Beside what every event has:

"""  # noqa: E501 (rows of tables)


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
