"""What is cut off at the end of the present day is found by a head that was signed before."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from authn.audit.chain import ChainFinding
from authn.audit.days import AuditDay
from authn.audit.heads import ChainHeads
from authn.audit.verification import verify_log
from authn.db.transaction import reading
from authn.jose import ES256, sign
from authn.keys.audit_days import sign_days, stream_new_rows
from authn.keys.audit_heads import RUNNING, read_heads, sign_running_head
from authn.keys.signing_keys import ensure_signing_keys, load_audit_keys, load_keys
from authn.settings import Settings
from authn.web.site import Site
from tests.audit.test_chain import chained, findings, happen
from tests.audit.test_tampering import behind_its_back, event_ids
from tests.commands import run_command
from tests.conftest import MovableClock
from tests.together import at_once


@pytest.fixture
def headed(site: Site, clock: MovableClock) -> Site:
    """A log of five rows, of which a running head was signed."""
    ensure_signing_keys(site.database, site.secrets, clock())
    happen(site, 5)
    chained(site)
    assert head(site)
    return site


def head(site: Site, settings: Settings | None = None) -> bool:
    return sign_running_head(site.database, settings or site.settings, site.secrets, site.clock())


def heads_file(site: Site) -> Path:
    return site.settings.audit_heads / "2026-03-02.heads"


def found(site: Site, *more: Path) -> list[str]:
    """What a check finds that knows the exported heads."""
    heads = ChainHeads()
    said: list[ChainFinding] = []
    with reading(site.database) as connection:
        keys = load_audit_keys(connection, site.secrets)
        for path in (site.settings.audit_heads, *more):
            said += read_heads(heads, path, keys)
        said += verify_log(connection, site.secrets, site.clock(), signed=heads)
    return [str(each) for each in said]


def cut_off(site: Site, first: int, last: int) -> None:
    """By somebody who has the database: rows of these numbers, and the chain's own memory."""
    events = ", ".join(f"{each}" for each in event_ids(site)[first - 1 : last])
    behind_its_back(
        site,
        f"DELETE FROM audit_events WHERE id IN ({events})",
        f"DELETE FROM audit_chain WHERE sequence >= {first}",
        f"UPDATE audit_progress SET sequence = {first - 1}, link = "
        f"(SELECT link FROM audit_chain WHERE sequence = {first - 1})",
    )


def test_it_says_how_far_the_day_has_come(headed: Site) -> None:
    [line] = heads_file(headed).read_text().splitlines()
    heads = ChainHeads()
    with reading(headed.database) as connection:
        keys = load_audit_keys(connection, headed.secrets)
        link = connection.execute(text("SELECT link FROM audit_chain WHERE sequence = 5")).scalar()
    assert list(read_heads(heads, heads_file(headed), keys)) == []
    assert heads.at == {5: {(link, "2026-03-02")}}
    assert line.count(".") == 2
    assert found(headed) == []


def test_it_is_signed_every_few_minutes_when_rows_came(headed: Site, clock: MovableClock) -> None:
    assert not head(headed)
    happen(headed)
    chained(headed)
    clock.advance(minutes=4)
    assert not head(headed)
    clock.advance(minutes=1)
    assert head(headed)
    clock.advance(minutes=60)
    assert not head(headed)
    often = headed.settings.model_copy(update={"audit_head_every": timedelta(seconds=10)})
    happen(headed)
    chained(headed)
    assert head(headed, often)
    assert len(heads_file(headed).read_text().splitlines()) == 3


def test_without_it_the_cut_leaves_no_trace_and_with_it_it_is_named(headed: Site) -> None:
    cut_off(headed, 4, 5)
    assert findings(headed) == []
    [finding] = found(headed)
    assert finding == (
        "rows were cut off at the end: a signed head of 2026-03-02 says that there were numbers "
        "4 to 5"
    )


def test_rows_that_take_the_place_of_the_cut_ones_are_named(
    headed: Site, clock: MovableClock
) -> None:
    cut_off(headed, 4, 5)
    happen(headed, 3)
    chained(headed)
    clock.advance(minutes=5)
    heads = headed.settings.audit_heads
    behind_its_back(headed, "UPDATE audit_progress SET headed = NULL")
    assert head(headed)
    assert findings(headed) == []
    assert found(headed) == ["a signed head of 2026-03-02 says that another row was here, number 5"]
    clock.advance(days=1)
    sign_days(headed.database, headed.settings, headed.secrets, clock())
    assert len(list(heads.iterdir())) == 2
    assert len(found(headed)) == 1  # also once the day was signed without them


def test_a_day_that_was_exported_and_is_gone_is_named(headed: Site, clock: MovableClock) -> None:
    clock.advance(days=1)
    sign_days(headed.database, headed.settings, headed.secrets, clock())
    heads_file(headed).unlink()
    trigger = {"sqlite": ["DROP TRIGGER audit_days_kept"], "postgresql": []}
    behind_its_back(headed, *trigger[headed.database.reader.dialect.name], "DELETE FROM audit_days")
    cut_off(headed, 4, 5)
    [finding] = found(headed)
    assert "says that there were numbers 4 to 5" in finding


def test_a_cut_that_the_chain_itself_remembers_needs_no_head(headed: Site) -> None:
    events = ", ".join(f"{each}" for each in event_ids(headed)[3:])
    behind_its_back(
        headed,
        f"DELETE FROM audit_events WHERE id IN ({events})",
        "DELETE FROM audit_chain WHERE sequence > 3",
    )
    assert findings(headed) == ["rows were cut off at the end: 4 to 5"]


@pytest.mark.parametrize("form", ["json", "cef"])
def test_a_copy_in_the_stream_does_it_when_ours_was_deleted(
    site: Site, clock: MovableClock, tmp_path: Path, form: str
) -> None:
    path = tmp_path / "siem.log"
    ensure_signing_keys(site.database, site.secrets, clock())
    settings = site.settings.model_copy(
        update={"audit_stream": f"file://{path}", "audit_stream_format": form}
    )
    happen(site, 5)
    chained(site)
    stream_new_rows(site.database, settings)
    assert head(site, settings)
    heads_file(site).unlink()
    cut_off(site, 5, 5)
    assert found(site) == []
    assert len(found(site, path)) == 1
    # Also with what a syslog server puts before each line.
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(f"Mar  2 09:30:00 host authn: {line}" for line in lines))
    assert len(found(site, path)) == 1


def test_what_cannot_be_exported_is_due_again(
    site: Site, clock: MovableClock, tmp_path: Path
) -> None:
    ensure_signing_keys(site.database, site.secrets, clock())
    happen(site, 2)
    chained(site)
    (tmp_path / "file").write_text("")
    settings = site.settings.model_copy(update={"audit_directory": tmp_path / "file"})
    with pytest.raises(OSError, match="file"):
        head(site, settings)
    assert head(site)


def test_workers_at_once_sign_it_once(site: Site, clock: MovableClock) -> None:
    ensure_signing_keys(site.database, site.secrets, clock())
    happen(site, 2)
    chained(site)
    assert sum(each is True for each in at_once(lambda: head(site), 4)) == 1
    assert len(heads_file(site).read_text().splitlines()) == 1


def test_a_clock_that_goes_back_does_not_stop_it(headed: Site, clock: MovableClock) -> None:
    happen(headed)
    chained(headed)
    clock.advance(minutes=-30)
    assert head(headed)


def test_garbage_among_heads_is_named_and_no_more(headed: Site) -> None:
    with reading(headed.database) as connection:
        keys = load_keys(connection, headed.secrets)
    day = AuditDay("2026-03-02", 1, 9, "no link")
    another = sign(keys.active[ES256], dict(day.claims), "JWT")
    garbage = [b"", b"\xff\x00", b"eyJ.a.b", b"eyJhbGciOiJub25lIn0.e30.eA", another.encode()]
    garbage += [b"x" * 200_000, b"[" * 5_000]
    with heads_file(headed).open("ab") as file:
        file.write(b"\n".join(garbage))
    said = found(headed)
    assert said
    assert all("is no head of ours" in each for each in said)
    assert {f"line {number} of 2026-03-02.heads is no head of ours" for number in range(2, 7)} < {
        *said
    }


def test_the_command_reads_them(headed: Site, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    heads_file(headed).rename(elsewhere / "2026-03-02.heads")
    said = run_command(headed.settings, "audit", "status").stdout
    assert "Last running head: number 5" in said
    assert "15 minutes" in said
    cut_off(headed, 5, 5)
    assert run_command(headed.settings, "audit", "verify").returncode == 0
    for copy in (elsewhere, elsewhere / "2026-03-02.heads"):
        ran = run_command(headed.settings, "audit", "verify", "--heads", str(copy))
        assert ran.returncode == 1
        assert "there were numbers 5 to 5" in " ".join(ran.stdout.split())
    ran = run_command(headed.settings, "audit", "verify", "--heads", str(tmp_path / "none"))
    assert ran.returncode == 2


@pytest.mark.one_engine
def test_its_type_is_its_own() -> None:
    assert RUNNING == "audit-head+jwt"
