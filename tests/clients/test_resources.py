"""Resource servers: their rules, and `authn resources add`, `list`, `show`, `remove`.

RFC 8707 §2 (https://www.rfc-editor.org/rfc/rfc8707#section-2).
"""

import re

import pytest
from sqlalchemy import func, insert, select
from typer.testing import CliRunner, Result

from authn.cli.resources import app
from authn.clients.registration import register_client
from authn.clients.resources import Resource, find_resource
from authn.clients.tables import exchange_pairs
from authn.db.transaction import reading, writing
from authn.errors import CommandError
from authn.settings import PREFIX
from authn.web.site import Site
from tests.commands import SECRET_SETTINGS
from tests.oidc.refreshing import events

pytestmark = pytest.mark.thorough

API = "https://api.example/letters"


@pytest.fixture
def command(site: Site, monkeypatch: pytest.MonkeyPatch) -> "Command":
    """`authn resources …` with the settings of this test."""
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

    def added(self, *arguments: str) -> Resource:
        """The resource that was added."""
        result = self("add", *arguments)
        assert result.exit_code == 0, result.output
        return self.stored(arguments[0])

    def stored(self, resource: str) -> Resource:
        """The resource as it is stored."""
        with reading(self.site.database) as connection:
            found = find_resource(connection, resource)
        assert found
        return found

    def failure(self, *arguments: str) -> str:
        """The one sentence that it ends with."""
        result = self(*arguments)
        assert isinstance(result.exception, CommandError), result.output
        return str(result.exception)


@pytest.fixture
def clients(site: Site) -> None:
    """A confidential client and a public one."""
    for client_id, method in (("letters", "client_secret_basic"), ("app", "none")):
        with writing(site.database) as connection:
            register_client(
                connection,
                site.secrets,
                site.clock(),
                client_id=client_id,
                client_name="Letters",
                redirect_uris=["https://api.example/none"],
                token_endpoint_auth_method=method,
            )


def test_what_is_not_said_is_not_allowed(command: Command, site: Site) -> None:
    resource = command.added(API, "--name", "Letters")
    assert (resource.client_id, resource.scopes, resource.sector_identifier) == (
        None,
        {},
        "api.example",
    )
    assert not resource.may_read_ssin
    assert not resource.reads_may_act
    assert events(site, "resource.registered") == 1


def test_every_option(command: Command, clients: None) -> None:
    resource = command.added(
        *(API, "--name", "Letters", "--client", "letters", "--ssin", "--may-act"),
        *("--sector-identifier", "example", "--scope", "read=Read = see", "--scope", "send=Send"),
    )
    assert resource.client_id == "letters"
    sentences = {name: scope.sentence("fr") for name, scope in resource.scopes.items()}
    assert sentences == {"read": "Read = see", "send": "Send"}
    assert resource.sector_identifier == "example"
    assert resource.may_read_ssin
    assert resource.reads_may_act
    assert re.search(r"scope read +Read = see", command("show", API).output)
    assert API in command("list").output


@pytest.mark.parametrize("resource", ["https://api.example", "http://localhost:9000/api"])
def test_an_address_may_be_https_or_on_this_machine(command: Command, resource: str) -> None:
    assert command.added(resource, "--name", "x").resource == resource


@pytest.mark.parametrize(
    "resource",
    [
        "letters",
        "api.example/letters",
        "//api.example/letters",
        "http://api.example/letters",
        "https://api.example/letters#part",
        "https://api.example/letters?part=1",
        "https://user@api.example/letters",
        "https://api.example/let ters",
        "https://api.example/é",
        "https:///letters",
        "https://[api.example/",
        "https://api.example:port/",
        "urn:letters",
        "javascript:alert(1)",
        f"https://api.example/{'x' * 500}",
        "",
    ],
)
@pytest.mark.one_engine
def test_an_address_that_is_none_is_refused(command: Command, resource: str) -> None:  # §2
    assert "is named by an https address" in command.failure("add", resource, "--name", "x")


@pytest.mark.parametrize("path", ["", "/", "/userinfo", "/token", "/letters"])
def test_the_services_own_address_is_refused(command: Command, site: Site, path: str) -> None:
    """An access token must never be taken for a client's assertion, or open userinfo."""
    resource = site.settings.issuer + path
    assert "the service's own" in command.failure("add", resource, "--name", "x")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--name", " "], "has a name"),
        (["--name", "x" * 201], "has a name"),
        (["--name", "a\u0007"], "has a name"),
        (["--name", "x", "--scope", "read"], "needs its sentence"),
        (["--name", "x", "--scope", "read="], "has a sentence"),
        (["--name", "x", "--scope", "re ad=Read"], "has a sentence"),
        (["--name", "x", "--scope", f"read={'x' * 201}"], "has a sentence"),
        (["--name", "x", "--scope", "openid=Sign in"], "the service's own"),
        (["--name", "x", "--scope", "ssin=Number"], "the service's own"),
        (["--name", "x", "--sector-identifier", "x" * 256], "sector identifier"),
        (["--name", "x", "--client", "nobody"], "confidential client"),
        (["--name", "x", "--client", "app"], "confidential client"),
    ],
)
@pytest.mark.one_engine
def test_a_mistake_is_one_sentence(
    command: Command, clients: None, arguments: list[str], sentence: str
) -> None:
    assert sentence in command.failure("add", API, *arguments)


def test_there_is_one_of_each_address(command: Command) -> None:
    command.added(API, "--name", "x")
    assert "already" in command.failure("add", API, "--name", "y")
    assert command.stored(API).resource_name == "x"


def test_a_resource_that_is_removed_is_in_no_exchange_any_more(
    command: Command, site: Site, clients: None
) -> None:
    command.added(API, "--name", "x")
    command.added("https://other.example", "--name", "y")
    with writing(site.database) as connection:
        for resource in (API, "https://other.example"):
            pair = {"client_id": "letters", "subject_client_id": "app", "resource": resource}
            connection.execute(insert(exchange_pairs), pair)
    assert "no resource any more" in command("remove", API).output
    with reading(site.database) as connection:
        left = connection.execute(select(func.count()).select_from(exchange_pairs)).scalar_one()
    assert left == 1
    assert events(site, "resource.ended") == 1
    for arguments in (["remove", API], ["show", API]):
        assert command.failure(*arguments) == f"There is no resource {API}."


def test_a_name_is_shown_as_it_is(command: Command) -> None:
    command.added(API, "--name", "[bold]x[/bold]")
    assert "[bold]x[/bold]" in command("show", API).output
    assert "[bold]x" in command("list").output
