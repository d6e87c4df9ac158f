"""`authn sources serve`, `authn sources check`, and commands that ask the national register."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from authn.clock import system_clock
from authn.db.transaction import writing
from authn.settings import Settings
from authn.sources.answers import note_answer, note_failure
from authn.sources.questions import SOURCES
from authn.web.site import Site
from tests import browser, sources_server
from tests.citizen import activation_code
from tests.commands import WHY, environment, run_command
from tests.patience import SECONDS, until
from tests.sources_server import (
    CANCELLED,
    MOTHER,
    MOTHER_BEFORE,
    NUMBERS,
    UNKNOWN,
    Running,
    Said,
    Town,
    write_files,
)

pytestmark = [pytest.mark.thorough, pytest.mark.one_engine]


@pytest.fixture
def real(town: Town) -> Iterator[Running]:
    """A development server with the real time, as a command has it."""
    with sources_server.running(town, system_clock) as server:
        yield server


@pytest.fixture
def configured(settings: Settings, real: Running, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings of commands that ask that server."""
    changed = real.settings(settings)
    for name in (
        *(f"{source}_url" for source in SOURCES),
        "sources_token_url",
        "sources_client_id",
        "sources_key",
    ):
        monkeypatch.setenv(f"AUTHN_{name.upper()}", str(getattr(changed, name)))
    return changed


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """`authn sources serve` as a program of its own, and its address."""
    command = [sys.executable, "-m", "authn", "sources", "serve", str(folder)]
    with browser.reserved_port() as port:
        program = subprocess.Popen(
            [*command, "--port", str(port), *options],
            env=environment(Settings()),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        url = f"http://localhost:{port}"

        def answers() -> bool:
            assert program.poll() is None, program.communicate()[0]
            try:
                httpx2.get(url, timeout=SECONDS)
            except httpx2.ConnectError:
                return False
            return True

        try:
            until(answers, "an answer of the sources")
            yield url, program
        finally:
            program.send_signal(signal.SIGINT)
            program.communicate(timeout=SECONDS)


def test_the_development_server_is_a_program(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = write_files(tmp_path / "files")
    with serving(tmp_path / "files", "--delay", "0.05") as (url, _):
        monkeypatch.setenv("AUTHN_PROFESSIONS_URL", url)
        monkeypatch.setenv("AUTHN_SOURCES_TOKEN_URL", f"{url}/token")
        monkeypatch.setenv("AUTHN_SOURCES_CLIENT_ID", "authn-test")
        monkeypatch.setenv("AUTHN_SOURCES_KEY", str(key))
        checked = run_command(settings, "sources", "check")
        assert checked.returncode == 0, checked.stderr
        took = re.search(
            rf"professions +{url} answers \((\d+) ms, breaker closed\)", checked.stdout
        )
        assert took
        assert int(took[1]) >= 50
        assert "mandates           embedded twin" in checked.stdout
    checked = run_command(settings, "sources", "check")
    assert checked.returncode == 1
    assert "professions" in checked.stderr
    assert "does not answer" in checked.stdout


def test_its_failures_are_as_frequent_as_was_asked(tmp_path: Path) -> None:
    write_files(tmp_path / "files")
    with serving(tmp_path / "files", "--failures", "1") as (url, _):
        answer = httpx2.post(f"{url}/mandates", json={})
    assert answer.status_code == 503
    assert answer.headers["retry-after"]


def test_it_says_what_is_wrong_with_its_files(tmp_path: Path, settings: Settings) -> None:
    def refused(folder: Path) -> str:
        ended = run_command(settings, "sources", "serve", str(folder))
        assert ended.returncode == 1, ended.stderr
        assert "Traceback" not in ended.stderr
        assert not any(number in ended.stderr for number in NUMBERS)
        return ended.stderr

    empty = tmp_path / "empty"
    empty.mkdir()
    assert "clients.jwks.json" in refused(empty)
    folder = tmp_path / "files"
    write_files(folder)
    (folder / "mandates.csv").write_text(f"mandate_id\n{MOTHER}\n", encoding="utf-8")
    assert "header" in refused(folder)
    (folder / "mandates.csv").unlink()
    (folder / "children.json").write_text("[{}]", encoding="utf-8")
    assert "children.json: Entry 1" in refused(folder)
    for path in folder.glob("*.csv"):
        path.unlink()
    (folder / "children.json").unlink()
    assert "citizens.csv" in refused(folder)


def test_check_asks_each_source(configured: Settings, real: Running) -> None:
    checked = run_command(configured, "sources", "check")
    assert checked.returncode == 0, checked.stderr
    assert checked.stdout.count("answers (") == len(SOURCES)
    assert {each.path for each in real.server.seen} == {
        "/token",
        "/citizen",
        "/qualities",
        "/memberships",
        "/mandates",
    }
    real.server.dictated = lambda seen: Said(500) if seen.path == "/mandates" else None
    checked = run_command(configured, "sources", "check")
    assert checked.returncode == 1
    assert "No answer from mandates." in checked.stderr
    assert "does not answer: status 500" in checked.stdout
    assert not any(number in checked.stdout + checked.stderr for number in NUMBERS)


def test_check_says_how_the_running_service_fares(
    configured: Settings, site: Site, register: None
) -> None:
    person, _ = activation_code(site)
    with writing(site.database) as connection:
        note_failure(connection, person.id, "mandates", site.clock())
    checked = run_command(configured, "sources", "check")
    assert "mandates: never answered, people for whom asking fails: 1" in checked.stdout
    with writing(site.database) as connection:
        note_answer(connection, person.id, "mandates", site.settings, site.clock())
    checked = run_command(configured, "sources", "check")
    assert "mandates: answered last at 2026-03-02 10:30 (Brussels)\n" in checked.stdout


@pytest.mark.parametrize("ssin", [MOTHER, MOTHER_BEFORE])
def test_an_activation_code_is_for_whom_the_real_register_knows(
    configured: Settings, ssin: str
) -> None:
    issued = run_command(configured, "activation", "issue", *WHY, typed=f"{ssin}\n")
    assert issued.returncode == 0, issued.stderr
    assert "Hanne Van der Meulen" in issued.stdout
    shown = run_command(configured, "people", "show", *WHY, typed=f"{MOTHER}\n")
    assert "Hanne Van der Meulen" in shown.stdout


@pytest.mark.parametrize("ssin", [CANCELLED, UNKNOWN])
def test_it_is_for_nobody_else(configured: Settings, register: None, ssin: str) -> None:
    """Though the embedded twin knows them."""
    issued = run_command(configured, "activation", "issue", *WHY, typed=f"{ssin}\n")
    assert issued.returncode == 1
    assert "There is nobody with this number in the national register." in issued.stderr


def test_a_person_is_looked_up_by_id_too(configured: Settings, real: Running) -> None:
    run_command(configured, "activation", "issue", *WHY, typed=f"{MOTHER}\n")
    shown = run_command(configured, "people", "show", *WHY, typed=f"{MOTHER}\n")
    found = re.search(r"Person +([0-9a-f-]{36})", shown.stdout)
    assert found
    asked = len(real.server.asked("/citizen"))
    issued = run_command(configured, "activation", "issue", *WHY, "--person", found[1])
    assert issued.returncode == 0, issued.stderr
    assert len(real.server.asked("/citizen")) == asked + 1


def test_a_citizen_without_a_code_is_told_apart(configured: Settings) -> None:
    shown = run_command(configured, "people", "show", *WHY, typed=f"{MOTHER}\n")
    assert "had no activation code yet" in shown.stderr
    shown = run_command(configured, "people", "show", *WHY, typed=f"{UNKNOWN}\n")
    assert "There is no such person." in shown.stderr


def test_while_the_register_is_down_no_code_is_issued(configured: Settings, real: Running) -> None:
    real.server.dictated = lambda seen: None if seen.path == "/token" else Said(500)
    issued = run_command(configured, "activation", "issue", *WHY, typed=f"{MOTHER}\n")
    assert issued.returncode == 1
    assert "cannot be asked now (status 500)" in issued.stderr
    assert "Traceback" not in issued.stderr
    assert MOTHER not in issued.stdout + issued.stderr
