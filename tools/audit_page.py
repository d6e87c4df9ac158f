"""Writes docs/audit.md from the events in authn/audit (`make docs`)."""

from dataclasses import fields
from pathlib import Path

from authn.audit.catalogue import event_meaning, events_by_name
from authn.audit.events.event import Event
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
| `authn audit chain` | chains, signs and streams now |
| `authn audit work` | chains, signs and streams each second, until stopped |

## Who chains

Each process of `authn serve` has a thread that looks once a second whether rows wait. Whichever
comes first takes all of them, in one transaction, and the others find nothing; so ten processes
chain no more often than one, and none is the chosen one whose end would leave rows waiting. Who
writes rows never waits for it: nothing that a login locks is locked by the worker.

What it does take is processor time of the process in which it runs. Where that matters, let it be a
process of its own: `authn audit work`, one or several, on this machine or another, and
`AUTHN_AUDIT_WORKER=false` for `authn serve`. With that setting and no such process nothing is
chained, and after 15 minutes `authn audit verify` says so.

## What is found, and what is not

| what somebody did | what finds it |
|---|---|
| altered, removed, put in or moved a row, having the database | `verify`: seals and links need the audit key |
| cut off the last rows | `verify`, by the number that the chain remembers; where that was changed too, by a running head that says that there were more |
| wrote rows, a day, or all of it anew, having the audit key too | `verify` with heads that were exported before |
| deleted or changed the exported heads as well | only a copy kept elsewhere: `verify --heads` |
| deleted rows that no running head covers yet (five minutes at most) | what was streamed: each row has its number and link there |
| deleted a row in the second before it was chained | nothing (see below); on PostgreSQL only who owns the tables can |
| marked a signed day as archived, as the archive's role, without its file | the database refuses it: the service signs the file's hash first. `verify` names an archived day whose file nobody signed, also without `--archive` |
| kept an act off the record from the start | nothing: whoever changes the program that runs. Rows are written in the act's own transaction, so no failure does it |

**The second before a row is chained.** What would find a row that was deleted then has to stand
somewhere that who deleted it can't reach, before or while the row is committed; and each cheap
place fails in that. A gap in the rows' ids: on PostgreSQL every transaction that was rolled back
leaves one, and on SQLite the last id is given anew. A count beside the session, grant or person:
who can delete the row can set it back. A number that each process gives its own rows, under the
seal: one that was rolled back is missing too, and the last rows of a process that ended are missed
by nothing. A copy in the process's memory, held against the table afterwards: it would have to
follow each commit, rollback and savepoint, and forgets with the process. The sound way is to chain
or to send the row before the commit, and every login would wait for that. So the second remains;
what keeps it small is that the worker looks each second, and who could use it: on PostgreSQL the
owner's role, with which nothing runs but the migration.

## Who may delete

The database refuses to change a row, and to delete one unless its day is signed and archived. On
PostgreSQL, who owns the tables could take away what refuses, so let the service be a role that owns
nothing, and the archive another one. `docker-compose.yml` is so. Elsewhere either `authn db
upgrade` makes both roles, with the passwords in their addresses, and gives them what they need:

```console
$ export AUTHN_DATABASE_OWNER_URL=postgresql://authn:…@database/authn          # for this command alone
$ export AUTHN_DATABASE_URL=postgresql://authn_service:…@database/authn
$ export AUTHN_AUDIT_ARCHIVE_DATABASE_URL=postgresql://authn_archive:…@database/authn
$ authn db upgrade
```

or you make the roles, and execute what it prints, after each upgrade:

```console
$ createuser authn_service && createuser authn_archive    # with passwords
$ authn db upgrade                                        # as the owner: AUTHN_DATABASE_URL
$ authn db grants authn_service authn_archive | psql authn    # as the owner; after each upgrade
```

Then `authn serve` has `AUTHN_DATABASE_URL` alone, and the job that runs `authn audit archive` has
`AUTHN_AUDIT_ARCHIVE_DATABASE_URL` beside the service's own settings.

The service's role can add audit rows and read them: the server refuses it to update, delete or
truncate them, to drop or disable a trigger, to say that a day is archived. The archive's role can
read and delete audit rows of days that are signed and that it has marked as archived; it sees
nothing else. It takes both to make a day go: before the archive's role can mark it, the service's
must have kept a signature (`audit-file+jwt`) of the hash of the file that the day is in, and whoever
has that role's password alone has not the key that signs it.

**SQLite has no roles.** The triggers refuse the same, but whoever can write to the file can drop
them. There the chain and the exported heads are all there is: they don't prevent, they find.

## For how long

Rows stay in the database for `AUTHN_AUDIT_KEPT` (six months). `authn audit archive DIR`, as a daily
job, writes each older day into a file of its own (`DAY.jsonl.gz`), reads it back, verifies it, signs
its hash, and only then deletes its rows; that it did is on record. The newest signed day always stays. Files are
to be kept for `AUTHN_AUDIT_ARCHIVED` (ten years): each run names those that are older as ones that
may go, and **deletes none**. Once such a file is deleted `verify --archive` says that it is gone.
Files of days that were archived before files were signed are signed by the next run, where they are
in its folder and as the day was signed.
The public halves of the keys that signed heads are kept for just as long ([keys.md](keys.md)).

## Events

This page is made from `authn/audit` (`make docs`). Beside what every event has:

"""  # noqa: E501 (rows of tables)


def page() -> str:
    """The page as it should be on file."""
    rows = [_row(event) for event in events_by_name().values()]
    head = ["| event | what happened | details |", "|---|---|---|"]
    return INTRODUCTION + "\n".join([*head, *rows]) + "\n"


def _row(event: type[Event]) -> str:
    meaning = event_meaning(event).replace("|", "\\|")
    own = [f"`{field.name}`" for field in fields(event) if field.name not in COMMON]
    return f"| `{event.name}` | {meaning} | {', '.join(own)} |"


def main() -> None:
    """The page on file says what the events are now."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
