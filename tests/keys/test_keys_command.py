"""`authn keys list`, `rotate`, `withdraw`."""

from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner

from authn.cli.service.keys import app
from authn.db.transaction import reading, writing
from authn.errors import CommandError
from authn.jose import ES256
from authn.keys.rotation import list_key_pairs
from authn.keys.signing_keys import ensure_signing_keys, list_keys
from authn.keys.tables import signing_keys
from authn.settings import PREFIX
from authn.web.site import Site
from tests.commands import SECRET_SETTINGS

Run = Callable[..., Any]


@pytest.fixture
def run(site: Site, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`authn keys …`, for the database of this test; what it refuses is raised."""
    for name in SECRET_SETTINGS:
        value = getattr(site.settings, name).get_secret_value()
        monkeypatch.setenv(PREFIX + name.upper(), value)
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *words: CliRunner().invoke(app, words, catch_exceptions=False)


def test_it_shows_every_key_and_nothing_private(site: Site, run: Run) -> None:
    output = run("list").output
    with reading(site.database) as connection:
        keys = list_keys(connection)
    assert len(keys) == 12
    for key in keys:
        assert key.kid in output
        assert key.alg in output
    assert output == run("list").output
    assert "signs, until about" in output
    assert "published; will sign" in output


def test_it_says_what_every_key_is_for(site: Site, run: Run) -> None:
    run("list")
    run("rotate", "--now")
    run("withdraw", list_key_pairs(site.database)[ES256].active.kid)
    output = run("list").output
    for words in ("verifies until", "decrypts until", "nothing: what it signed is refused"):
        assert words in output


def test_the_next_key_is_put_in_use_by_a_command(site: Site, run: Run) -> None:
    run("list")
    before = list_key_pairs(site.database)
    with pytest.raises(CommandError, match="--now"):
        run("rotate")
    assert list_key_pairs(site.database) == before
    output = run("rotate", "--now", "--alg", ES256).output
    assert before[ES256].next.kid in output
    after = list_key_pairs(site.database)
    assert {alg for alg in before if before[alg] != after[alg]} == {ES256}
    run("rotate", "--now")
    assert all(
        list_key_pairs(site.database)[alg].active.kid == after[alg].next.kid for alg in after
    )


def test_an_unknown_algorithm_is_named(run: Run) -> None:
    with pytest.raises(CommandError, match="HS256"):
        run("rotate", "--alg", "HS256")


def test_a_key_is_withdrawn_by_a_command(site: Site, run: Run) -> None:
    run("list")
    before = list_key_pairs(site.database)[ES256]
    assert before.active.kid in run("withdraw", before.active.kid).output
    assert list_key_pairs(site.database)[ES256].active.kid == before.next.kid
    with pytest.raises(CommandError, match="no such key"):
        run("withdraw", "another")


@pytest.mark.parametrize("kid", ["-dash", "--dashes", "-h", "--now", "-"])
def test_a_key_whose_name_begins_with_a_dash_is_withdrawn_too(
    site: Site, run: Run, kid: str
) -> None:
    ensure_signing_keys(site.database, site.secrets, site.clock())
    with writing(site.database) as connection:
        retired = {"kid": kid, "alg": ES256, "state": "retired", "created_at": site.clock()}
        # Its content is not looked at before it is found.
        connection.execute(signing_keys.insert(), {**retired, "jwk_encrypted": b"2" * 40})
    with pytest.raises(CommandError, match="cannot be decrypted"):
        run("withdraw", kid)


@pytest.mark.one_engine
@pytest.mark.parametrize("command", ["list", "rotate", "withdraw"])
def test_each_command_explains_itself(run: Run, command: str) -> None:
    assert len(run(command, "--help").output) > 200
