"""Which sources are real: settings say so, they say all of it, and no twin stands in unawares."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from authn.errors import CommandError
from authn.jose import EDDSA, ES256, RS256, export_private_key, generate_key, public_jwk
from authn.settings import Settings, load_settings
from authn.sources.questions import SOURCES, check_twins, is_embedded
from authn.sources.real_sources import open_sources
from tests.commands import run_command
from tests.conftest import MovableClock
from tests.sources_server import Running

pytestmark = pytest.mark.one_engine

URL = "https://register.example/v1"
COMPLETE: dict[str, Any] = {
    "sources_token_url": "https://tokens.example/token",
    "sources_client_id": "cbe-0406798006",
    "sources_key": Path("key.json"),
}
OUTSIDE = "https://login.example"


def everything(**changes: Any) -> dict[str, Any]:
    """All four sources configured."""
    return {**COMPLETE, **{f"{source}_url": URL for source in SOURCES}, **changes}


def test_a_source_is_embedded_exactly_when_it_has_no_address() -> None:
    given = {**COMPLETE, "sources_token_url": f"{URL}/", "mandates_url": f"{URL}/"}
    settings = Settings(**given)
    assert (settings.mandates_url, settings.sources_token_url) == (URL, f"{URL}/")
    assert [each for each in SOURCES if not is_embedded(settings, each)] == ["mandates"]


@pytest.mark.parametrize("left_out", COMPLETE)
@pytest.mark.parametrize("source", SOURCES)
def test_an_address_needs_the_rest(source: str, left_out: str) -> None:
    given = {name: value for name, value in COMPLETE.items() if name != left_out}
    with pytest.raises(CommandError, match=f"AUTHN_{left_out.upper()}"):
        load_settings(**given, **{f"{source}_url": URL})


@pytest.mark.parametrize("name", ["sources_token_url", *(f"{source}_url" for source in SOURCES)])
@pytest.mark.parametrize(
    "url",
    [
        "http://register.example",
        "http://127.0.0.1:8003",
        "http://localhost.example",
        "ftp://localhost/",
        "//register.example",
        "register.example",
        "https://",
        "https://user:pass@register.example",
        "https://register.example/?ssin=",
        "https://register.example/#x",
        "https://register.example:port",
        "https://[::1",
        "https://régister.example",
        "https://register.example/a b",
    ],
)
def test_an_address_is_https_or_this_machine(name: str, url: str) -> None:
    with pytest.raises(CommandError, match=f"AUTHN_{name.upper()}") as refused:
        load_settings(**everything(**{name: url}))
    assert "pass" not in str(refused.value)


@pytest.mark.parametrize("url", ["http://localhost:8003", "http://localhost", "https://a.example"])
def test_these_may_be_called(url: str) -> None:
    assert load_settings(**everything(mandates_url=url)).mandates_url == url


def test_an_answer_is_stale_after_it_was_fresh() -> None:
    with pytest.raises(CommandError, match="AUTHN_MANDATES_FRESH"):
        load_settings(mandates_fresh="PT2H")
    with pytest.raises(CommandError, match="AUTHN_CHILDREN_FRESH"):
        load_settings(children_fresh="PT0S")
    with pytest.raises(CommandError, match="AUTHN_CITIZEN_FRESH"):
        load_settings(citizen_fresh="-PT1S")


def test_no_twin_stands_in_unawares_away_from_this_machine() -> None:
    check_twins(Settings())
    check_twins(Settings(issuer=OUTSIDE, embedded_sources=True))
    check_twins(Settings(issuer=OUTSIDE, **everything()))
    with pytest.raises(CommandError) as refused:
        check_twins(Settings(issuer=OUTSIDE, **everything(mandates_url="", professions_url="")))
    told = str(refused.value)
    assert "AUTHN_MANDATES_URL" in told
    assert "AUTHN_PROFESSIONS_URL" in told
    assert "AUTHN_ORGANISATIONS_URL" not in told
    assert "AUTHN_EMBEDDED_SOURCES=true" in told


@pytest.mark.thorough
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_service_says_so_and_does_not_start(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = settings.model_copy(update={"issuer": OUTSIDE})
    ended = run_command(outside, "serve")
    assert ended.returncode == 1
    assert "AUTHN_EMBEDDED_SOURCES=true" in ended.stderr
    assert "Traceback" not in ended.stderr

    monkeypatch.setenv("AUTHN_EMBEDDED_SOURCES", "yes")
    monkeypatch.setenv("AUTHN_MANDATES_URL", URL)
    monkeypatch.setenv("AUTHN_SOURCES_TOKEN_URL", URL)
    monkeypatch.setenv("AUTHN_SOURCES_CLIENT_ID", "authn")
    monkeypatch.setenv("AUTHN_SOURCES_KEY", "/nonexistent")
    ended = run_command(outside, "serve")
    assert ended.returncode == 1
    assert "AUTHN_SOURCES_KEY" in ended.stderr


KEYS: dict[str, Callable[[], bytes]] = {
    "a public key": lambda: str(public_jwk(generate_key(ES256))).replace("'", '"').encode(),
    "a key that signs nothing here": lambda: export_private_key(generate_key(EDDSA)),
    "garbage": lambda: b"\xff\xfe",
    "nothing": lambda: b"",
    "an array": lambda: b"[]",
    "a set of nothing": lambda: b'{"keys": 1}',
}


@pytest.mark.parametrize("what", KEYS)
def test_a_key_that_cannot_sign_is_refused_at_start(
    tmp_path: Path, clock: MovableClock, what: str
) -> None:
    path = tmp_path / "key"
    path.write_bytes(KEYS[what]())
    with pytest.raises(CommandError, match="AUTHN_SOURCES_KEY"):
        open_sources(Settings(**everything(sources_key=path)), clock)


def test_rsa_and_elliptic_keys_sign(tmp_path: Path, clock: MovableClock) -> None:
    for alg in (ES256, RS256):
        path = tmp_path / alg
        path.write_bytes(export_private_key(generate_key(alg)))
        opened = open_sources(Settings(**everything(sources_key=path)), clock)
        assert set(opened.clients) == set(SOURCES)


def test_a_key_is_not_in_what_is_printed(real: Running, clock: MovableClock) -> None:
    opened = open_sources(real.settings(Settings()), clock)
    private = real.key.read_text(encoding="utf-8").partition('"d":"')[2][:20]
    assert private
    assert private not in repr(opened)
