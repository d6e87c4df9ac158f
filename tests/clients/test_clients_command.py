"""`authn clients add`, `list`, `show`."""

import re

import pytest
from typer.testing import CliRunner, Result

from authn.cli.clients import app
from authn.clients.clients import Client, find_client
from authn.db.transaction import reading
from authn.errors import CommandError
from authn.settings import PREFIX
from authn.web.site import Site
from tests.commands import SECRET_SETTINGS

URI = "https://client.example/cb"


@pytest.fixture
def command(site: Site, monkeypatch: pytest.MonkeyPatch) -> "Command":
    """`authn clients …` with the settings of this test."""
    for name in SECRET_SETTINGS:
        value = getattr(site.settings, name).get_secret_value()
        monkeypatch.setenv(PREFIX + name.upper(), value)
    return Command(site)


class Command:
    """Runs it."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def __call__(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, list(arguments))

    def added(self, *arguments: str) -> Client:
        """The client that was added, and found by the id that was shown."""
        result = self("add", "My application", *arguments)
        assert result.exit_code == 0, result.output
        shown = re.search(r"client_id +(\S+)", result.output)
        assert shown
        with reading(self.site.database) as connection:
            client = find_client(connection, shown[1])
        assert client
        return client

    def failure(self, *arguments: str) -> str:
        """The one sentence that it ends with."""
        result = self(*arguments)
        assert isinstance(result.exception, CommandError), result.output
        return str(result.exception)


def test_a_confidential_client_gets_its_secret_once(command: Command) -> None:
    result = command("add", "My application", "--redirect-uri", URI, "--client-id", "mine")
    secret = re.search(r"client_secret +(\S{43})\n", result.output)
    assert secret
    assert "never shown again" in result.output
    for arguments in (["show", "mine"], ["list"]):
        output = command(*arguments).output
        assert "mine" in output
        assert secret[1] not in output


def test_the_command_line_writes_es256_and_pkce(command: Command) -> None:
    client = command.added("--redirect-uri", URI)
    assert (client.id_token_signed_response_alg, client.require_pkce) == ("ES256", True)
    assert (client.scope, client.may_read_ssin, client.first_party) == (
        "openid profile",
        False,
        False,
    )


def test_every_option(command: Command) -> None:
    client = command.added(
        *("--redirect-uri", URI, "--redirect-uri", "https://other.example/cb"),
        *("--post-logout-redirect-uri", "https://client.example/bye"),
        *("--sector-identifier", "client.example", "--auth-method", "client_secret_post"),
        *("--scope", "openid", "--ssin", "--alg", "RS256", "--no-pkce", "--first-party"),
    )
    assert client.redirect_uris == (URI, "https://other.example/cb")
    assert client.post_logout_redirect_uris == ("https://client.example/bye",)
    assert client.token_endpoint_auth_method == "client_secret_post"
    assert client.scope == "openid ssin"
    assert client.may_ask("ssin")
    assert client.id_token_signed_response_alg == "RS256"
    assert client.first_party
    assert not client.pkce_required


def test_a_public_client_has_no_secret(command: Command) -> None:
    result = command("add", "App", "--public", "--native", "--redirect-uri", "be.app:/cb")
    assert result.exit_code == 0
    assert "client_secret" not in result.output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--redirect-uri", "http://client.example/cb"], "http://client.example/cb: An address"),
        (["--redirect-uri", URI, "--scope", "openid phone"], "There is no scope phone"),
        (["--redirect-uri", URI, "--scope", "openid ssin"], "add --ssin"),
        (["--redirect-uri", URI, "--alg", "none"], "There is no algorithm none"),
        (["--redirect-uri", URI, "--policy", "care"], "There is no policy care; there are synced"),
    ],
)
def test_a_mistake_is_one_sentence(command: Command, arguments: list[str], sentence: str) -> None:
    assert sentence in command.failure("add", "My application", *arguments)


def test_a_policy_and_the_name_of_the_device_are_the_operators_to_give(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = command.added("--redirect-uri", URI, "--client-id", "plain")
    assert (plain.policy, plain.may_read_device_id) == (None, False)
    monkeypatch.setenv(PREFIX + "POLICIES", '{"care": {"level": "device"}}')
    client = command.added("--redirect-uri", URI, "--policy", "care", "--device-id")
    assert (client.policy, client.may_read_device_id) == ("care", True)
    shown = command("show", client.client_id).output
    assert re.search(r"policy +care", shown)
    assert re.search(r"may_read_device_id +yes", shown)
    assert command.added("--redirect-uri", URI, "--policy", "certified").policy == "certified"


def test_who_is_not_there_is_said_to_be_so(command: Command) -> None:
    assert command.failure("show", "nobody") == "There is no client nobody."


def test_a_name_is_shown_as_it_is(command: Command) -> None:
    command("add", "[bold]x[/bold]", "--redirect-uri", URI, "--client-id", "bold")
    assert "[bold]x[/bold]" in command("show", "bold").output
    assert "[bold]x" in command("list").output
