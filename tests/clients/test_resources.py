"""Resource servers: their rules, and `authn resources add`, `change`, `list`, `show`, `end`.

RFC 8707 §2 (https://www.rfc-editor.org/rfc/rfc8707#section-2).
"""

import json
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, insert, select
from typer.testing import CliRunner, Result

from authn.cli.clients.resources import app
from authn.clients.client_metadata import ClientMetadata
from authn.clients.client_registration.registration import register_client
from authn.clients.resource_servers.document import InvalidResource, read_resource_document
from authn.clients.resource_servers.registration import change_resource, lock_resource
from authn.clients.resource_servers.resources import Resource, ResourceScope, find_resource
from authn.clients.tables import exchange_pairs
from authn.db.transaction import reading, writing
from authn.errors import CommandError
from authn.settings import PREFIX
from authn.web.site import Site
from tests.commands import SECRET_SETTINGS
from tests.oidc.client_keys import ClientKey
from tests.oidc.refreshing import events
from tests.together import at_once

pytestmark = pytest.mark.thorough

API = "https://api.example/letters"
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


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


def test_a_resource_that_ended_is_in_no_exchange_any_more(
    command: Command, site: Site, clients: None
) -> None:
    command.added(API, "--name", "x")
    command.added("https://other.example", "--name", "y")
    with writing(site.database) as connection:
        for resource in (API, "https://other.example"):
            pair = {"client_id": "letters", "subject_client_id": "app", "resource": resource}
            connection.execute(insert(exchange_pairs), pair)
    assert "no resource any more" in command("end", API).output
    with reading(site.database) as connection:
        left = connection.execute(select(func.count()).select_from(exchange_pairs)).scalar_one()
    assert left == 1
    assert events(site, "resource.ended") == 1
    for arguments in (["end", API], ["show", API], ["change", API]):
        assert command.failure(*arguments) == f"There is no resource {API}."


def test_a_name_is_shown_as_it_is(command: Command) -> None:
    command.added(API, "--name", "[bold]x[/bold]")
    assert "[bold]x[/bold]" in command("show", API).output
    assert "[bold]x" in command("list").output


# Who may obtain what there


LETTERS = {
    "resource": API,
    "resource_name": "Letters",
    "client_id": "letters",
    "level": "synced",
    "token_format": "opaque",
    "may_read_ssin": True,
    "reads_profile": True,
    "reads_may_act": True,
    "may_read_device_id": True,
    "revocation_hook": "https://api.example/revoked",
    "scopes": {
        "read": {
            "name": {"en": "Read", "nl": "Lezen", "fr": "Lire", "de": "Lesen"},
            "explanation": {"en": "All your letters.", "nl": "Al uw brieven."},
            "profile_kinds": ["citizen", "quality", "mandate"],
            "disciplines": ["physician", "nurse"],
            "service_names": ["recipe"],
            "level": "device",
        },
        "send": {"name": "Send", "disciplines": ["physician"]},
    },
}


def in_file(tmp_path: Path, document: object) -> str:
    """The path of a file with this JSON."""
    path = tmp_path / "resource.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return str(path)


def test_a_file_says_everything(command: Command, clients: None, tmp_path: Path) -> None:
    result = command("add", "--file", in_file(tmp_path, LETTERS))
    assert result.exit_code == 0, result.output
    resource = command.stored(API)
    assert (resource.client_id, resource.level, resource.token_format) == (
        "letters",
        "synced",
        "opaque",
    )
    assert resource.may_read_ssin
    assert resource.reads_profile
    assert resource.reads_may_act
    assert resource.may_read_device_id
    assert resource.revocation_hook == "https://api.example/revoked"
    assert resource.scopes["read"] == ResourceScope(
        name={"en": "Read", "nl": "Lezen", "fr": "Lire", "de": "Lesen"},
        explanation={"en": "All your letters.", "nl": "Al uw brieven."},
        profile_kinds=("citizen", "quality", "mandate"),
        disciplines=("physician", "nurse"),
        service_names=("recipe",),
        level="device",
    )
    # A discipline is a quality's, without saying so.
    assert resource.scopes["send"].profile_kinds == ("quality",)


def test_show_says_who_may_in_words(command: Command, clients: None, tmp_path: Path) -> None:
    command("add", "--file", in_file(tmp_path, LETTERS))
    shown = re.sub(" +", " ", command("show", API).output)
    for line in (
        "tokens opaque: it asks /introspect what each is worth",
        "level synced, or higher",
        "revocation_hook https://api.example/revoked",
        "exchange nobody: see `authn exchanges allow`",
        "scope read Read",
        " nl Lezen",
        "health professionals (only as physician or nurse), mandataries (only for recipe)",
        " level device, or higher",
        "scope send Send",
        " not yet in nl fr de",
        " for health professionals (only as physician)",
    ):
        assert line in shown, line


def test_show_says_that_anybody_may_and_who_exchanges(
    command: Command, site: Site, clients: None
) -> None:
    command.added(API, "--name", "x", "--scope", "read=Read", "--may-act")
    with writing(site.database) as connection:
        pair = {"client_id": "letters", "subject_client_id": "app", "resource": API}
        connection.execute(insert(exchange_pairs), pair)
    shown = re.sub(" +", " ", command("show", API).output)
    assert " for anybody" in shown
    assert "exchange letters, of tokens of app" in shown
    assert "tokens JWT\n" in shown
    assert "reads_may_act yes, but it gets the list with may_read_ssin alone" in shown


def test_the_options_of_the_simple_case(command: Command, clients: None) -> None:
    resource = command.added(
        *(API, "--name", "x", "--scope", "read=Read", "--scope", "send=Send"),
        *("--profile-kind", "quality", "--profile-kind", "child", "--discipline", "nurse"),
        *("--scope-level", "device", "--level", "synced", "--reads-profile", "--device-id"),
        *("--client", "letters", "--token-format", "opaque"),
        *("--revocation-hook", "https://api.example/revoked"),
    )
    for scope in ("read", "send"):
        assert resource.scopes[scope].profile_kinds == ("quality", "child")
        assert resource.scopes[scope].disciplines == ("nurse",)
        assert resource.scopes[scope].level == "device"
    assert (resource.level, resource.token_format) == ("synced", "opaque")
    assert resource.reads_profile
    assert resource.may_read_device_id


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"levl": "device"}, "levl: "),
        ({"level": "high"}, "level: "),
        ({"scopes": {"read": {}}}, "scopes.read.name: "),
        ({"scopes": {"read": {"name": "Read", "kinds": []}}}, "scopes.read.kinds: "),
        ({"scopes": {"read": {"name": {"nl": "Lezen"}}}}, "has a sentence"),
        ({"scopes": {"read": {"name": {"en": "Read", "it": "Leggere"}}}}, "has a sentence"),
        ({"scopes": {"read": {"name": {"en": "Read", "nl": ""}}}}, "has a sentence"),
        ({"scopes": {"read": {"name": "x", "explanation": "y" * 501}}}, "An explanation"),
        ({"scopes": {"read": {"name": "x", "explanation": {"nl": "y"}}}}, "An explanation"),
        ({"scopes": {"read": {"name": "x", "profile_kinds": ["king"]}}}, "A scope is for"),
        ({"scopes": {"read": {"name": "x", "disciplines": ["king"]}}}, "no such discipline"),
        ({"scopes": {"read": {"name": "x", "service_names": ["a b"]}}}, "A service name"),
        (
            {
                "scopes": {
                    "read": {"name": "x", "profile_kinds": ["child"], "disciplines": ["nurse"]}
                }
            },
            "Disciplines are of the kind quality",
        ),
        (
            {"scopes": {"read": {"name": "x", "profile_kinds": ["child"], "service_names": ["a"]}}},
            "Service names are of the kind mandate",
        ),
        ({"scopes": {"openid": {"name": "x"}}}, "the service's own"),
        ({"scopes": []}, "are a JSON object"),
        ({"scopes": {"read": "Read"}}, "scopes.read: "),
        ({"client_id": ""}, "name the client as which it does"),
        ({"encrypt_tokens": True}, "nothing to encrypt"),
        ({"token_format": "paseto"}, "token_format: "),
        ({"token_format": "jwt", "encrypt_tokens": True}, "register one with use enc"),
        ({"revocation_hook": "http://api.example/revoked"}, "A revocation hook"),
        ({"revocation_hook": "https://u@api.example/"}, "A revocation hook"),
        ({"revocation_hook": "https://api.example/#x"}, "A revocation hook"),
        ({"may_read_ssin": "yes"}, "may_read_ssin: "),
    ],
)
@pytest.mark.one_engine
def test_what_a_file_says_is_held_against_every_rule(
    command: Command, clients: None, tmp_path: Path, changes: dict[str, Any], sentence: str
) -> None:
    document = {**LETTERS, **changes}
    assert sentence in command.failure("add", "--file", in_file(tmp_path, document))
    assert command.failure("show", API) == f"There is no resource {API}."


@pytest.mark.parametrize(
    ("content", "sentence"),
    [("{", "is not JSON"), ("[]", "holds no JSON object"), (f'"{"x" * 1_048_577}"', "larger")],
)
@pytest.mark.one_engine
def test_a_file_that_is_none_is_refused(
    command: Command, tmp_path: Path, content: str, sentence: str
) -> None:
    assert sentence in command.failure("add", "--file", in_file(tmp_path, content))


@given(st.dictionaries(st.sampled_from([*LETTERS, "x"]), json_values, max_size=4))
@pytest.mark.one_engine
def test_garbage_is_read_or_refused_and_never_fails(document: dict[str, Any]) -> None:
    with suppress(InvalidResource):
        read_resource_document(document)


@pytest.mark.one_engine
def test_a_refusal_does_not_repeat_what_was_said() -> None:
    with pytest.raises(InvalidResource) as refused:
        read_resource_document({"level": "00410100162"})
    assert "00410100162" not in refused.value.description


@pytest.mark.parametrize("use", ["enc", "sig"])
def test_tokens_are_encrypted_only_to_who_has_a_key_for_it(
    command: Command, site: Site, use: str
) -> None:
    key = ClientKey("ECDH-ES" if use == "enc" else "ES256", use=use)
    with writing(site.database) as connection:
        register_client(
            connection,
            site.secrets,
            site.clock(),
            client_id="keyed",
            client_name="Keyed",
            redirect_uris=["https://api.example/none"],
            metadata=ClientMetadata(jwks=key.jwks),
        )
    arguments = ("add", API, "--name", "x", "--client", "keyed", "--encrypt-tokens")
    if use == "enc":
        assert command(*arguments).exit_code == 0
        assert "JWT, encrypted to its client's key" in command("show", API).output
    else:
        assert "register one with use enc" in command.failure(*arguments)


# Changes


def changed(command: Command, *arguments: str) -> Resource:
    result = command("change", API, *arguments)
    assert result.exit_code == 0, result.output
    return command.stored(API)


def test_what_is_not_said_stays(command: Command, clients: None, site: Site) -> None:
    before = command.added(
        *(API, "--name", "x", "--scope", "read=Read", "--discipline", "nurse", "--ssin"),
        *("--client", "letters"),
    )
    after = changed(command, "--name", "y", "--no-ssin")
    assert after == replace(before, resource_name="y", may_read_ssin=False)
    assert events(site, "resource.changed") == 1
    assert changed(command, "--client", "").client_id is None


def test_what_changes_nothing_is_not_on_record(command: Command, site: Site) -> None:
    before = command.added(API, "--name", "x")
    assert changed(command, "--name", "x") == before
    assert events(site, "resource.changed") == 0


def test_scopes_come_change_and_go_one_by_one(command: Command) -> None:
    command.added(API, "--name", "x", "--scope", "read=Read", "--scope", "send=Send")
    after = changed(command, "--scope", "read", "--profile-kind", "citizen")
    assert after.scopes["read"] == ResourceScope({"en": "Read"}, profile_kinds=("citizen",))
    assert after.scopes["send"] == ResourceScope({"en": "Send"})
    after = changed(command, "--scope", "burn=Burn", "--scope", "read=See")
    assert after.scopes["read"] == ResourceScope({"en": "See"}, profile_kinds=("citizen",))
    assert [*after.scopes] == ["read", "send", "burn"]
    after = changed(command, "--remove-scope", "send", "--remove-scope", "burn")
    assert [*after.scopes] == ["read"]


def test_the_scopes_of_a_file_are_all_that_it_has(command: Command, tmp_path: Path) -> None:
    command.added(API, "--name", "x", "--scope", "read=Read", "--scope", "send=Send")
    document = {"scopes": {"send": {"name": "Send it"}}}
    after = changed(command, "--file", in_file(tmp_path, document))
    assert after.scopes == {"send": ResourceScope({"en": "Send it"})}
    assert after.resource_name == "x"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--scope", "other"], "needs its sentence"),
        (["--profile-kind", "citizen"], "Name the scopes"),
        (["--remove-scope", "other"], "It has no scope other."),
        (["--scope", "read", "--profile-kind", "king"], "A scope is for"),
        (["--scope", "ssin=x"], "the service's own"),
        (["--name", ""], "has a name"),
        (["--level", "high"], "level: "),
    ],
)
@pytest.mark.one_engine
def test_a_mistaken_change_is_one_sentence_and_changes_nothing(
    command: Command, arguments: list[str], sentence: str
) -> None:
    before = command.added(API, "--name", "x", "--scope", "read=Read")
    assert sentence in command.failure("change", API, *arguments)
    assert command.stored(API) == before


def test_a_file_of_another_resource_changes_nothing(command: Command, tmp_path: Path) -> None:
    command.added(API, "--name", "x")
    path = in_file(tmp_path, {"resource": "https://other.example"})
    assert "another resource" in command.failure("change", API, "--file", path)


def test_of_changes_at_the_same_moment_none_is_lost(command: Command, site: Site) -> None:
    command.added(API, "--name", "x")
    names = iter([f"scope{number}" for number in range(8)])

    def add_one() -> None:
        name = next(names)
        with writing(site.database) as connection:
            resource = lock_resource(connection, API)
            assert resource
            scopes = {**resource.scopes, name: ResourceScope({"en": name})}
            change_resource(
                connection, site.secrets, site.settings, resource, site.clock(), scopes=scopes
            )

    at_once(add_one)
    assert len(command.stored(API).scopes) == 8
