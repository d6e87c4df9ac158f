"""Errors on the command line are one clear sentence and exit code 1, never a traceback."""

from pathlib import Path

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from authn.cli import COMMANDS
from authn.settings import Settings
from authn.web.site import Site
from tests.citizen import enrolled
from tests.commands import run_command

pytestmark = pytest.mark.thorough


def failure(settings: Settings, *arguments: str, typed: str = "") -> str:
    result = run_command(settings, *arguments, typed=typed)
    assert result.returncode == 1, result
    assert "Traceback" not in result.stderr
    lines = [line for line in result.stderr.splitlines() if line]
    assert len(lines) == 1, result.stderr
    return lines[0]


@pytest.fixture
def missing(settings: Settings, tmp_path: Path) -> Settings:
    """The settings of a service whose database is not there."""
    gone = SecretStr(f"sqlite:///{tmp_path / 'other.db'}")
    if not settings.sqlalchemy_url.startswith("sqlite"):
        gone = SecretStr("postgresql://nobody@/nothing?host=/nowhere")
    return settings.model_copy(update={"database_url": gone})


def test_a_database_that_is_not_there_is_one_sentence(missing: Settings) -> None:
    assert "database" in failure(missing, "keys", "list")


def test_a_file_that_is_not_there_is_one_sentence(settings: Settings) -> None:
    assert "nowhere.csv" in failure(settings, "people", "import", "/nowhere.csv")


def test_a_client_that_does_not_exist_is_one_sentence(settings: Settings) -> None:
    assert failure(settings, "clients", "show", "nobody")


def test_a_wrong_setting_is_named(settings: Settings) -> None:
    wrong = settings.model_copy(update={"issuer": "http://authn.example"})
    assert "AUTHN_ISSUER" in failure(wrong, "keys", "list")


def test_a_secret_of_the_wrong_length_is_named(settings: Settings) -> None:
    wrong = settings.model_copy(update={"token_key": SecretStr("c2hvcnQ")})
    assert "token key" in failure(wrong, "keys", "list")


def test_serving_with_another_rp_id_is_refused(
    settings: Settings, site: Site, client: TestClient
) -> None:
    enrolled(site, client)
    moved = settings.model_copy(update={"issuer": "https://authn.example"})
    assert "authn.example" in failure(moved, "serve")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_its_help(command: str) -> None:
    result = run_command(Settings(), command, "--help")
    assert result.returncode == 0
    assert "Usage" in result.stdout
