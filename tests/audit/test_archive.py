"""Old days in files: moved, verified there, and nothing in a file makes the check fail."""

import gzip
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import DatabaseError

from authn.audit.archive import archive_path, delete_archived, verify_archive, write_archive
from authn.audit.chain import BEGINNING
from authn.audit.days import SignedDay, audit_days, mark_archived, record_signed_file, signed_days
from authn.audit.log import audit_events
from authn.cli.ground import Ground
from authn.cli.service.audit import _archive as archive_day
from authn.db.transaction import reading, writing
from authn.errors import CommandError
from authn.keys.audit_files import is_file_signed
from authn.keys.signing_keys import load_audit_keys
from authn.settings import PREFIX
from authn.web.site import Site
from tests.audit.test_chain import chained, findings, happen
from tests.audit.test_days import command
from tests.commands import run_command


@pytest.fixture
def archived(three_days: Site, tmp_path: Path) -> tuple[Site, Path]:
    """All but the newest day are in files, and nowhere else."""
    directory = tmp_path / "archive"
    command(three_days, "chain")
    ran = run_command(three_days.settings, "audit", "archive", str(directory))
    assert ran.returncode == 0, ran.stderr
    return three_days, directory


def test_old_days_are_moved_into_files(archived: tuple[Site, Path]) -> None:
    site, directory = archived
    files = sorted(path.name for path in directory.iterdir())
    assert files == [f"2026-03-0{day}.jsonl.gz" for day in (2, 3)]
    with reading(site.database) as connection:
        left = connection.execute(select(audit_events).order_by(audit_events.c.id)).all()
    assert [row.event for row in left] == ["session.signed-in"] * 2 + ["audit.archived"] * 2
    assert orjson.loads(left[-1].details) == {"day": "2026-03-03", "rows": 2}
    assert findings(site) == []
    happen(site, 2)
    assert chained(site) == 4
    assert findings(site) == []  # the chain goes on from what is archived
    code, words = command(site, "verify", "--archive", str(directory))
    assert code == 0, words


def test_an_archive_that_is_gone_or_changed_is_named(archived: tuple[Site, Path]) -> None:
    site, directory = archived
    assert "is archived: give its folder" in command(site, "verify")[1]
    path = archive_path(directory, "2026-03-03")
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    forgeries = {
        "altered": [lines[0], lines[1].replace(b'"device\\"', b'"certified\\"'), lines[2]],
        "numbers are missing": [lines[0], lines[2]],
        "does not end": lines[:2],
        "can't be read": [b"garbage"],
    }
    for words, forged in forgeries.items():
        path.write_bytes(gzip.compress(b"".join(forged)))
        code, said = command(site, "verify", "--archive", str(directory))
        assert code != 0
        assert words in said
    path.write_bytes(b"no gzip")
    assert "can't be read" in command(site, "verify", "--archive", str(directory))[1]


def test_no_day_counts_as_archived_before_its_file_is_signed_or_otherwise_afterwards(
    archived: tuple[Site, Path],
) -> None:
    """What the database itself refuses, to whoever may change a day at all."""
    site, _ = archived
    one = (audit_days.c.day == "2026-03-02", audit_days.c.day == "2026-03-04")
    row = {"day": "2026-03-05", "first_sequence": 9, "last_sequence": 9, "head": "", "signed": ""}
    for statement in (
        update(audit_days).where(one[1]).values(archived_at=site.clock()),
        update(audit_days).where(one[0]).values(archived_at=None),
        update(audit_days).where(one[0]).values(archive_signed=None),
        update(audit_days).where(one[0]).values(archive_signed="another"),
        insert(audit_days).values(**row, signed_at=site.clock(), archived_at=site.clock()),
    ):
        with (
            pytest.raises(DatabaseError, match="once its file is signed"),
            writing(site.database) as connection,
        ):
            connection.execute(statement)


def test_a_day_whose_rows_went_without_a_file_is_named_at_once(three_days: Site) -> None:
    """Also without the folder of the files: what is signed of a file is ours, or it is nothing."""
    with writing(three_days.database) as connection:
        record_signed_file(connection, "2026-03-02", "forged")
        mark_archived(connection, "2026-03-02", three_days.clock())
        delete_archived(connection, "2026-03-02")
    code, said = command(three_days, "verify")
    assert code == 1
    assert "2026-03-02 counts as archived, and nobody signed its file" in said


def test_the_signature_of_another_day_s_file_is_none(archived: tuple[Site, Path]) -> None:
    site, _ = archived
    with reading(site.database) as connection:
        first, second = signed_days(connection)[:2]
        keys = load_audit_keys(connection, site.secrets)
    assert is_file_signed(keys, first)
    for forged in (second.archive_signed, first.signed, None, ""):
        assert not is_file_signed(keys, replace(first, archive_signed=forged))
    assert not is_file_signed({}, first)


def test_another_file_with_the_same_rows_is_named(archived: tuple[Site, Path]) -> None:
    site, directory = archived
    path = archive_path(directory, "2026-03-02")
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()), compresslevel=1))
    said = command(site, "verify", "--archive", str(directory))[1]
    assert "2026-03-02.jsonl.gz is not the file that was signed" in said


def test_files_from_before_files_were_signed_are_signed_by_the_next_run(
    archived: tuple[Site, Path],
) -> None:
    site, directory = archived
    with writing(site.database) as connection:  # as they were before migration 0008
        unguarded = (
            "DROP TRIGGER audit_days_marked"
            if site.database.write_lock
            else "SET LOCAL session_replication_role = replica"
        )
        connection.execute(text(unguarded))
        connection.execute(update(audit_days).values(archive_signed=None))
    damaged = archive_path(directory, "2026-03-03")
    whole = damaged.read_bytes()
    damaged.write_bytes(b"no gzip")
    said = command(site, "archive", str(directory))
    assert said[0] == 0
    assert "The file of 2026-03-03 can't be signed: 2026-03-03.jsonl.gz can't be read" in said[1]
    damaged.write_bytes(whole)
    assert "counts as archived" in command(site, "verify", "--archive", str(directory))[1]
    assert command(site, "archive", str(directory))[0] == 0
    code, words = command(site, "verify", "--archive", str(directory))
    assert code == 0, words


def first_of(site: Site) -> SignedDay:
    with reading(site.database) as connection:
        return signed_days(connection)[0]


def test_who_archives_the_same_day_later_leaves_the_file_as_it_is(
    three_days: Site, tmp_path: Path
) -> None:
    """Two runs that overlap: the second read the days before the first had moved their rows."""
    command(three_days, "chain")
    site, directory = three_days, tmp_path / "archive"
    run = Ground(site.settings, site.secrets, site.database, site.clock())
    first = first_of(site)
    with reading(site.database) as connection:
        written = [write_archive(connection, tmp_path / "both", first) for _ in "12"]
    assert written[0].read_bytes() == written[1].read_bytes(), "what one signs, both have"
    assert archive_day(run, site.database, first, BEGINNING, directory) == first.day.rows
    path = archive_path(directory, first.day.day)
    whole = path.read_bytes()
    with pytest.raises(CommandError, match="can't be archived"):
        archive_day(run, site.database, first, BEGINNING, directory)
    assert path.read_bytes() == whole
    assert [each.name for each in directory.iterdir()] == [path.name]
    assert list(verify_archive(path, site.secrets, first.day, BEGINNING)) == []


def test_a_forged_signature_of_a_file_stays_to_be_found_and_stops_nothing(
    three_days: Site, tmp_path: Path
) -> None:
    command(three_days, "chain")
    first, directory = first_of(three_days), tmp_path / "archive"
    with reading(three_days.database) as connection:
        written = write_archive(connection, directory, first)
    written.rename(archive_path(directory, first.day.day))
    with writing(three_days.database) as connection:
        record_signed_file(connection, first.day.day, "forged")
        mark_archived(connection, first.day.day, three_days.clock())
        delete_archived(connection, first.day.day)
    ran = run_command(three_days.settings, "audit", "archive", str(directory))
    assert ran.returncode == 0, ran.stderr
    said = command(three_days, "verify", "--archive", str(directory))[1]
    assert "2026-03-02 counts as archived, and nobody signed its file" in said


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("sqlite:///elsewhere.db", "with SQLite there are no roles"),
        ("postgresql://archive@/authn", "is for PostgreSQL alone"),
    ],
)
def test_on_sqlite_there_is_no_other_role_to_archive_as(
    three_days: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, words: str
) -> None:
    monkeypatch.setenv(f"{PREFIX}AUDIT_ARCHIVE_DATABASE_URL", url)
    code, said = command(three_days, "archive", str(tmp_path / "archive"))
    assert code == 1
    assert words in said


def test_a_day_whose_head_is_not_ours_is_not_archived(three_days: Site, tmp_path: Path) -> None:
    with writing(three_days.database) as connection:
        connection.execute(update(audit_days).values(signed="forged"))
    code, said = command(three_days, "archive", str(tmp_path / "archive"))
    assert code == 1
    assert "The signed head of 2026-03-02 is not ours." in said
    assert findings(three_days) == []


def test_files_of_two_days_that_changed_places_are_named(archived: tuple[Site, Path]) -> None:
    site, directory = archived
    second, third = (archive_path(directory, f"2026-03-0{day}") for day in (2, 3))
    contents = second.read_bytes(), third.read_bytes()
    third.write_bytes(contents[0])
    second.write_bytes(contents[1])
    said = command(site, "verify", "--archive", str(directory))[1]
    assert "2026-03-02.jsonl.gz does not end as 2026-03-02 was signed" in said
    assert "2026-03-03.jsonl.gz does not end as 2026-03-03 was signed" in said


def test_whatever_is_in_an_archived_file_is_said_in_words(three_days: Site, tmp_path: Path) -> None:
    """No file makes the check itself fail, or take more memory than its longest line."""
    with reading(three_days.database) as connection:
        first = signed_days(connection)[0]
        path = write_archive(connection, tmp_path, first)
    whole = path.read_bytes()
    lines = gzip.decompress(whole).splitlines(keepends=True)
    row = orjson.loads(lines[1])
    broken = bytearray(whole)
    broken[len(whole) // 2 :] = bytes(len(whole) - len(whole) // 2)
    values: dict[str, list[object]] = {
        "occurred_at": [None, 1, "", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"],
        "person_id": [1, "x", [], {"a": 1}],
        "sequence": [None, "1", 1e300, -1, 2**70],
        "seal": [None, 1, "\u00e9"],
        "details": [None, {}, "[" * 1000],
        "event_id": [None, [], "x"],
    }
    odd = [
        gzip.compress(lines[0] + orjson.dumps({**row, name: value}, default=str) + b"\n" + lines[2])
        for name, several in values.items()
        for value in several
        if not (isinstance(value, int) and value > 2**64)
    ]
    contents = [
        b"",
        b"no gzip",
        whole[: len(whole) // 2],
        whole[:-4],
        whole[:20],
        bytes(broken),
        gzip.compress(b"[]\n[]\n"),
        gzip.compress(b"\n" * 1000),
        gzip.compress(lines[0] + b'{"sequence": ' + b"[" * 30_000 + b"\n"),
        gzip.compress(lines[0] + b"\xff" * 100 + b"\n"),
        gzip.compress(bytes(50_000_000)),  # 50 MB from 50 kB, and no end of a line
        *odd,
    ]
    for content in contents:
        path.write_bytes(content)
        said = [*verify_archive(path, three_days.secrets, first.day, BEGINNING)]
        assert said, content[:100]
    path.write_bytes(whole)
    assert [*verify_archive(path, three_days.secrets, first.day, BEGINNING)] == []
