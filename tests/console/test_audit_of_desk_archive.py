"""How long the log is at hand, and how long its files are kept: two settings, both heeded."""

from pathlib import Path

import pytest

from authn.keys.audit_days import sign_days
from authn.keys.signing_keys import ensure_signing_keys
from authn.settings import PREFIX
from authn.web.site import Site
from tests.audit.test_chain import chained, happen
from tests.commands import run_command
from tests.conftest import MovableClock


@pytest.fixture
def signed_days(site: Site, clock: MovableClock) -> Site:
    """Days of March, long over by the clock of the machine, that are signed."""
    ensure_signing_keys(site.database, site.secrets, clock())
    for _ in range(3):
        happen(site)
        chained(site)
        clock.advance(days=1)
    sign_days(site.database, site.settings, site.secrets, clock())
    return site


def archived(site: Site, directory: Path) -> str:
    ran = run_command(site.settings, "audit", "archive", str(directory))
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_a_day_stays_at_hand_for_as_long_as_the_setting_says(
    signed_days: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "archive"
    directory.mkdir()
    monkeypatch.setenv(f"{PREFIX}AUDIT_KEPT", "P30000D")
    assert "Moved 0 rows" in archived(signed_days, directory)
    assert list(directory.iterdir()) == []
    monkeypatch.setenv(f"{PREFIX}AUDIT_KEPT", "P1D")
    assert "Moved 2 rows" in archived(signed_days, directory)


@pytest.mark.one_engine
def test_a_file_may_go_once_its_years_are_over_and_is_never_deleted_by_us(
    signed_days: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in ("1999-01-01", "2026-03-01"):
        (tmp_path / f"{day}.jsonl.gz").write_bytes(b"")
    monkeypatch.setenv(f"{PREFIX}AUDIT_KEPT", "P30000D")
    said = archived(signed_days, tmp_path)
    assert "May be deleted now: 1999-01-01.jsonl.gz" in said
    assert "2026-03-01.jsonl.gz" not in said
    assert len(list(tmp_path.glob("*.jsonl.gz"))) == 2
