"""`authn clients check`: what would fail, in plain words, and the exit code."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import update
from typer.testing import CliRunner, Result

from authn.cli.clients.clients import app
from authn.clients.client_metadata import ClientMetadata
from authn.clients.client_registration.registration import register_client
from authn.clients.resource_servers.resources import ResourceScope
from authn.clients.tables import clients
from authn.db.transaction import writing
from authn.settings import PREFIX
from authn.web.site import Site
from tests.commands import SECRET_SETTINGS
from tests.oidc.apis import register_api
from tests.oidc.client_keys import ClientKey
from tests.published import Published, publishing

URI = "https://client.example/cb"
API = "https://api.example/letters"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"

Register = Callable[..., None]
pytestmark = [pytest.mark.one_engine, pytest.mark.thorough]


@pytest.fixture
def published() -> Iterator[Published]:
    with publishing() as server:
        yield server


@pytest.fixture
def register(site: Site) -> Register:
    """Registers the client `mine`; `said` are members of its metadata."""

    def run(said: dict[str, Any] | None = None, **values: Any) -> None:
        values = {"client_name": "Mine", "redirect_uris": [URI]} | values
        with writing(site.database) as connection:
            register_client(
                connection,
                site.secrets,
                site.clock(),
                client_id="mine",
                metadata=ClientMetadata(**(said or {})),
                **values,
            )

    return run


@pytest.fixture
def check(site: Site, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Result]:
    for name in SECRET_SETTINGS:
        value = getattr(site.settings, name).get_secret_value()
        monkeypatch.setenv(PREFIX + name.upper(), value)
    monkeypatch.setenv(PREFIX + "PRIVATE_HOSTS", "localhost")
    return lambda: CliRunner().invoke(app, ["check", "mine"])


def fails(result: Result) -> list[str]:
    """What would fail."""
    lines = [line[7:] for line in result.output.splitlines() if line.startswith("fails")]
    assert result.exit_code == (1 if lines else 0), result.output
    assert ("Nothing would fail." in result.output) == (not lines)
    return lines


def notes(result: Result) -> list[str]:
    """What is good to know."""
    return [line[7:] for line in result.output.splitlines() if line.startswith("note")]


def test_of_a_client_that_is_sound_nothing_fails(
    register: Register, check: Callable[[], Result], published: Published
) -> None:
    said = {
        "jwks_uri": published.put("/jwks", ClientKey.shared("ES256").jwks),
        "backchannel_logout_uri": published.put("/logout", b"", status=405),
        "logo_uris": {"": published.put("/logo", PNG)},
    }
    register(said, token_endpoint_auth_method="private_key_jwt")
    result = check()
    assert fails(result) == []
    assert notes(result) == []


def test_what_could_be_stronger_is_a_note(register: Register, check: Callable[[], Result]) -> None:
    register(
        redirect_uris=["http://localhost:3000/cb"],
        id_token_signed_response_alg="RS256",
        require_pkce=False,
    )
    result = check()
    assert fails(result) == []
    told = " ".join(notes(result))
    for word in ("own machine", "RS256", "secret", "PKCE"):
        assert word in told


def test_tokens_of_a_public_client_that_are_not_bound_are_a_note(
    register: Register, check: Callable[[], Result]
) -> None:
    register(token_endpoint_auth_method="none")
    assert "DPoP" in " ".join(notes(check()))


def test_keys_that_cannot_be_had_are_told(
    register: Register, check: Callable[[], Result], published: Published
) -> None:
    uri = published.address + "/nothing"
    register({"jwks_uri": uri}, token_endpoint_auth_method="private_key_jwt")
    [failure] = fails(check())
    assert failure == f"{uri} gives no keys: status 404."


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (b"<html>", "gives no keys"),
        ({"keys": []}, "no key in its key set"),
        ({"keys": [{**ClientKey.shared("ES256").jwk_public, "use": "enc"}]}, "can sign what"),
        (ClientKey.shared("PS256").jwks, "can sign what"),
    ],
)
def test_keys_that_do_not_fit_are_told(
    register: Register,
    check: Callable[[], Result],
    published: Published,
    document: Any,
    words: str,
) -> None:
    said = {
        "jwks_uri": published.put("/jwks", document),
        "token_endpoint_auth_signing_alg": "ES256",
    }
    register(said, token_endpoint_auth_method="private_key_jwt")
    assert words in " ".join(fails(check()))


def test_what_cannot_be_encrypted_is_told(register: Register, check: Callable[[], Result]) -> None:
    said = {
        "jwks": ClientKey.shared("ES256").jwks,
        "id_token_encrypted_response_alg": "RSA-OAEP-256",
        "require_signed_request_object": True,
    }
    register(said)
    [failure] = fails(check())
    assert failure == "None of its keys can be encrypted to by RSA-OAEP-256, for id_token."


def test_addresses_that_do_not_answer_are_told(
    register: Register, check: Callable[[], Result], published: Published
) -> None:
    moved = published.put("/moved", b"", status=302, Location="https://client.example/")
    said = {
        "backchannel_logout_uri": moved,
        "sector_identifier_uri": published.put("/sector", ["https://other.example/cb"]),
        "logo_uris": {"": published.put("/logo", b"<svg/>"), "nl": published.address + "/none"},
    }
    register(said)
    result = check()
    failures = fails(result)
    assert len(failures) == 2
    assert f"{moved} cannot be reached: a redirect." in failures
    assert "holds every redirect URI" in " ".join(failures)
    assert sum("people see a letter" in note for note in notes(result)) == 2


def test_what_this_service_does_not_have_is_told(
    register: Register, check: Callable[[], Result], site: Site
) -> None:
    register(
        {"grant_types": ("authorization_code", "password"), "tls_client_auth_san_dns": "a.example"},
        token_endpoint_auth_method="tls_client_auth",
        scope="openid ssin letters",
        resources=["https://api.example/"],
        policy="gone",
    )
    failures = " ".join(fails(check()))
    for words in (
        "no scope letters",
        "not permitted to ask for the scope ssin",
        "no resource https://api.example/",
        "no grant type password",
        "tls_client_auth does not work here",
        "no policy gone",
    ):
        assert words in failures


def test_what_was_registered_before_a_rule_is_told(
    register: Register, check: Callable[[], Result], site: Site
) -> None:
    register()
    with writing(site.database) as connection:
        changes = {"redirect_uris": ["http://client.example/cb"], "profile": "fapi2"}
        connection.execute(update(clients).values(**changes))
    failures = " ".join(fails(check()))
    assert "http://client.example/cb: An address is https" in failures
    assert "FAPI client" in failures


def test_nobody_is_nobody(check: Callable[[], Result]) -> None:
    assert str(check().exception) == "There is no client mine."


# In which capacities people use it


def api(site: Site, **values: Any) -> None:
    """A resource for qualities, and for anybody."""
    scopes = {
        "read": ResourceScope({"en": "Read"}, profile_kinds=("quality",)),
        "see": "See",
        "serve": ResourceScope({"en": "Serve"}, profile_kinds=("system",)),
    }
    register_api(site, API, **{"scopes": scopes, **values})


def test_a_scope_that_nobody_could_obtain_is_told(
    site: Site, register: Register, check: Callable[[], Result]
) -> None:
    api(site)
    register(scope="openid read see", resources=[API])
    result = check()
    assert "note   Nobody may obtain read, which it asks for" in result.output
    assert result.exit_code == 0


def test_one_that_it_can_not_do_without_fails(
    site: Site, register: Register, check: Callable[[], Result]
) -> None:
    api(site)
    reasons = {"read": {"en": "To read."}}
    register(scope="openid read see", resources=[API], scope_reasons=reasons)
    result = check()
    assert "fails  Nobody may obtain read, which it can't do without" in result.output
    assert result.exit_code == 1


def test_a_kind_that_no_scope_is_for_is_told(
    site: Site, register: Register, check: Callable[[], Result]
) -> None:
    api(site)
    register(scope="openid read", resources=[API], profile_kinds=["quality", "mandate"])
    result = check()
    assert "note   No scope that it may ask is for mandate." in result.output
    assert "quality" not in result.output


@pytest.mark.parametrize("grant_types", [["authorization_code"], ["client_credentials"]])
def test_a_scope_of_systems_is_for_a_system(
    site: Site, register: Register, check: Callable[[], Result], grant_types: list[str]
) -> None:
    api(site)
    said = {"grant_types": tuple(grant_types)}
    register(said, scope="openid serve", resources=[API], organisation="0406798006")
    told = "Nobody may obtain serve" in check().output
    assert told == (grant_types == ["authorization_code"])


def test_who_gets_encrypted_tokens_without_a_key_fails(
    site: Site, register: Register, check: Callable[[], Result], published: Published
) -> None:
    uri = published.put("/jwks", ClientKey("ECDH-ES", use="enc").jwks)
    register({"jwks_uri": uri})
    api(site, client_id="mine", encrypt_tokens=True)
    assert check().exit_code == 0
    published.put("/jwks", ClientKey("ES256").jwks)
    assert f"no key to encrypt access tokens to, for {API}" in check().output
