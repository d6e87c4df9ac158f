"""`authn mds update` and `show`; the BLOB that a service takes over when it starts."""

from datetime import date
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from authn.cli.ground import Ground
from authn.cli.service.mds import take_over_configured_blob
from authn.clock import system_clock
from authn.db.transaction import reading
from authn.errors import CommandError
from authn.settings import Settings
from authn.web.site import Site
from authn.webauthn.metadata.current import newest_number, packaged_metadata
from tests.commands import run_command
from tests.fido_metadata import NUMBER, Lies, entry, signed_blob, with_test_root

pytestmark = pytest.mark.thorough

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
ENTRIES = [entry("Key One", None, key_ids=["ab" * 20])]


@pytest.fixture
def settings(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Those of a service that believes the tests' metadata, and so in the environment."""
    believing = with_test_root(settings, tmp_path)
    monkeypatch.setenv("AUTHN_MDS_ROOT", str(believing.mds_root))
    return believing


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "blob.jwt"


def test_a_newer_blob_is_taken_over_once(site: Site, settings: Settings, file: Path) -> None:
    file.write_bytes(signed_blob(ENTRIES))
    first = run_command(settings, "mds", "update", str(file))
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout == "Number 100000 is in force, with 1 models.\n"
    again = run_command(settings, "mds", "update", str(file))
    assert (again.returncode, again.stdout) == (
        0,
        "Number 100000 is already known; nothing was changed.\n",
    )
    shown = run_command(settings, "mds", "show", "--check")
    assert shown.returncode == 0
    assert "Number       100000" in shown.stdout
    assert "Stale        no" in shown.stdout
    assert "taken over here" in shown.stdout


@ON_SQLITE
def test_the_packaged_copy_is_shown_with_its_age(site: Site, settings: Settings) -> None:
    shown = run_command(settings, "mds", "show").stdout
    packaged = packaged_metadata()
    assert f"Number       {packaged.number}" in shown
    late = (system_clock().date() - packaged.next_update).days
    assert f"Stale        {f'yes, {late} days' if late > 0 else 'no'}" in shown
    assert "Unreadable   0 entries" in shown


@ON_SQLITE
@pytest.mark.parametrize(
    ("blob", "sentence"),
    [
        (b"garbage", "the BLOB is no JWT as the FIDO Alliance publishes it."),
        (
            signed_blob(ENTRIES, lies=Lies(tampered=True)),
            "the BLOB is not signed by the certificate that it names.",
        ),
        (
            signed_blob(ENTRIES, lies=Lies(header={"x5c": None})),
            "the BLOB does not bring the certificate of its signer (x5c).",
        ),
        (signed_blob(ENTRIES, number=7), "number 7 is older than what is already known."),
    ],
    ids=["garbage", "tampered", "no x5c", "older"],
)
def test_a_blob_that_is_not_taken_over_is_one_sentence(
    site: Site, settings: Settings, file: Path, blob: bytes, sentence: str
) -> None:
    file.write_bytes(blob)
    result = run_command(settings, "mds", "update", str(file))
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == f"{file}: {sentence}\n"


@ON_SQLITE
def test_a_stale_blob_is_taken_over_and_said_to_be_stale(
    site: Site, settings: Settings, file: Path
) -> None:
    file.write_bytes(signed_blob(ENTRIES, next_update=date(2021, 1, 1)))
    result = run_command(settings, "mds", "update", str(file))
    assert result.returncode == 0
    assert "It is stale: the next one was due on 2021-01-01." in result.stdout
    assert run_command(settings, "mds", "show").returncode == 0
    checked = run_command(settings, "mds", "show", "--check")
    assert checked.returncode == 1
    assert "stale" in checked.stderr


@ON_SQLITE
@pytest.mark.parametrize("content", [None, b"no certificate"])
def test_a_root_that_is_none_is_one_sentence(
    site: Site,
    settings: Settings,
    file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    content: bytes | None,
) -> None:
    root = tmp_path / "no-root.pem"
    if content:
        root.write_bytes(content)
    monkeypatch.setenv("AUTHN_MDS_ROOT", str(root))
    file.write_bytes(signed_blob(ENTRIES))
    result = run_command(settings, "mds", "update", str(file))
    assert result.returncode == 1
    assert result.stderr.startswith("Setting AUTHN_MDS_ROOT: ")
    assert result.stderr.count("\n") == 1


# At start


def start(site: Site, file: Path) -> None:
    settings = site.settings.model_copy(update={"mds_blob": file})
    take_over_configured_blob(Ground(settings, site.secrets, site.database, system_clock()))


def newest(site: Site) -> int:
    with reading(site.database) as connection:
        return newest_number(connection)


def test_a_service_takes_over_the_blob_of_its_setting(site: Site, file: Path) -> None:
    file.write_bytes(signed_blob(ENTRIES))
    start(site, file)
    start(site, file)  # the next day
    assert newest(site) == NUMBER


@ON_SQLITE
def test_an_older_blob_of_the_setting_is_a_warning(site: Site, file: Path) -> None:
    file.write_bytes(signed_blob(ENTRIES, number=packaged_metadata().number - 1))
    with capture_logs() as logs:
        start(site, file)
    assert [(log["event"], log["log_level"]) for log in logs] == [
        ("fido_metadata_older", "warning")
    ]
    assert newest(site) == -1


@ON_SQLITE
@pytest.mark.parametrize("content", [None, b"garbage"])
def test_a_bad_blob_of_the_setting_stops_the_start(
    site: Site, file: Path, content: bytes | None
) -> None:
    if content:
        file.write_bytes(content)
    with pytest.raises(CommandError, match=r"^Setting AUTHN_MDS_BLOB: .*\.$"):
        start(site, file)
