"""`authn clients add`, `change`, `list`, `show`, `end`; `check` has tests of its own."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from authn.cli.clients.clients import app
from authn.clients.client_registration.initial_access_tokens import (
    is_initial_access_token_usable,
    list_initial_access_tokens,
)
from authn.clients.clients import BASIC, Client, find_client
from authn.db.transaction import reading
from authn.errors import CommandError
from authn.settings import PREFIX
from authn.web.site import Site
from tests.commands import SECRET_SETTINGS
from tests.oidc.apis import register_api
from tests.oidc.client_keys import ClientKey
from tests.oidc.systems import API, add_resource

pytestmark = pytest.mark.thorough

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

    def __call__(self, *arguments: str, typed: str = "") -> Result:
        return CliRunner().invoke(app, list(arguments), input=typed)

    def added(self, *arguments: str, typed: str = "", name: str = "My application") -> Client:
        """The client that was added, and found by the id that was shown."""
        result = self("add", *([name] if name else []), *arguments, typed=typed)
        assert result.exit_code == 0, result.output
        shown = re.search(r"^client_id +(\S+)$", result.output, re.MULTILINE)
        assert shown
        return self.found(shown[1])

    def found(self, client_id: str) -> Client:
        """The client with this id."""
        with reading(self.site.database) as connection:
            client = find_client(connection, client_id)
        assert client
        return client

    def changed(self, client_id: str, *arguments: str) -> Client:
        """The client after this change."""
        result = self("change", client_id, *arguments)
        assert result.exit_code == 0, result.output
        return self.found(client_id)

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
        (["--redirect-uri", URI, "--alg", "none"], "id_token_signed_response_alg: This value"),
        (["--redirect-uri", URI, "--kind", "desktop"], "There is no kind desktop; there are web"),
        (["--redirect-uri", URI, "--auth-method", "x"], "token_endpoint_auth_method: This value"),
        (["--redirect-uri", URI, "--grant-type", "password"], "grant_types: This value"),
        (["--redirect-uri", URI, "--resource", "https://x.example"], "There is no resource https"),
        (["--redirect-uri", URI, "--profile", "fapi1"], "There is no profile fapi1"),
        (["--redirect-uri", URI, "--set", "logo_uri"], "It is written NAME=VALUE"),
        (["--redirect-uri", URI, "--set", "first_party=true"], "Not a value of a client"),
        (["--redirect-uri", URI, "--set", "logo_uri=http://x.example/a.png"], "logo_uri: This"),
        (["--redirect-uri", URI, "--organisation", "0406798007"], "CBE number"),
        (["--redirect-uri", URI, "--policy", "care"], "There is no policy care; there are synced"),
    ],
)
@pytest.mark.one_engine
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


# What the kinds need


@pytest.mark.parametrize(
    ("kind", "uri", "expected"),
    [
        ("web", URI, ("web", "client_secret_basic", ("authorization_code",))),
        ("browser", URI, ("web", "none", ("authorization_code",))),
        ("native", "be.app:/cb", ("native", "none", ("authorization_code", "refresh_token"))),
    ],
)
def test_a_kind_is_what_it_says(
    command: Command, kind: str, uri: str, expected: tuple[Any, ...]
) -> None:
    client = command.added("--kind", kind, "--redirect-uri", uri)
    said = (client.application_type, client.token_endpoint_auth_method, client.metadata.grant_types)
    assert said == expected
    assert client.id_token_signed_response_alg == "ES256"
    assert client.pkce_required


def test_what_was_not_said_is_asked_for(command: Command) -> None:
    typed = f"Ward\nweb\n{URI}\nhttps://client.example/two\n\nhttps://client.example/bye\n\n"
    client = command.added(name="", typed=typed)
    assert client.client_name == "Ward"
    assert client.redirect_uris == (URI, "https://client.example/two")
    assert client.post_logout_redirect_uris == ("https://client.example/bye",)


def test_a_system_is_asked_for_its_organisation_and_its_keys(
    command: Command, tmp_path: Path
) -> None:
    add_resource(command.site)
    file = tmp_path / "keys.json"
    file.write_text(json.dumps(ClientKey.shared("ES256").jwks))
    client = command.added(
        "--kind", "system", "--resource", API, typed=f"0406.798.006\n{file}\n", name="Batch"
    )
    assert (client.client_id, client.organisation) == ("cbe-0406798006", "0406798006")
    assert client.metadata.jwks == ClientKey.shared("ES256").jwks
    assert client.metadata.grant_types == ("client_credentials",)
    assert client.scope == "prescriptions:read prescriptions:write"
    assert client.redirect_uris == ()


def test_an_answer_that_is_no_key_set_is_one_sentence(command: Command, tmp_path: Path) -> None:
    arguments = ("add", "Batch", "--kind", "system", "--organisation", "0406798006")
    result = command(*arguments, typed="nothing.json\n")
    assert str(result.exception) == "There is no file nothing.json."
    (tmp_path / "x").write_text("-----BEGIN")
    assert "is not JSON" in command.failure(*arguments, "--jwks", str(tmp_path / "x"))
    (tmp_path / "x").write_text('{"keys": [{"kty": "EC", "d": "x"}]}')
    assert "private" in command.failure(*arguments, "--jwks", str(tmp_path / "x"))


def test_a_resource_server_only_asks_about_tokens(command: Command) -> None:
    client = command.added("--kind", "resource", "--client-id", "api")
    assert (client.metadata.grant_types, client.redirect_uris) == ((), ())
    assert client.client_secret_hash


def test_a_fapi_client_has_what_fapi_asks(command: Command) -> None:
    client = command.added(
        *("--redirect-uri", URI, "--profile", "fapi2"),
        *("--jwks-uri", "https://client.example/jwks"),
    )
    assert client.fapi
    assert client.token_endpoint_auth_method == "private_key_jwt"
    assert client.sender_constrained
    arguments = ("add", "x", "--redirect-uri", URI, "--profile", "fapi2")
    assert "FAPI client authenticates" in command.failure(*arguments, "--auth-method", BASIC)
    keys = ("--jwks-uri", "https://client.example/jwks")
    assert "never RS256" in command.failure(*arguments, *keys, "--alg", "RS256")
    unbound = ("--set", "dpop_bound_access_tokens=false")
    assert "bound, by DPoP" in command.failure(*arguments, *keys, *unbound)


def test_everything_that_can_be_said_can_be_set(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "client.json"
    file.write_text(json.dumps({"redirect_uris": [URI], "tos_uri": "https://client.example/tos"}))
    client = command.added(
        *("--metadata", str(file), "--set", "client_name#nl=Ziekenhuis"),
        *("--set", "logo_uri=https://client.example/logo.png", "--set", "software_version=2.1"),
        *("--set", "contacts=ops@client.example dev@client.example", "--set", "default_max_age=60"),
        *("--set", 'default_acr_values=["urn:a"]', "--set", "require_auth_time=true"),
        *("--backchannel-logout-uri", "https://client.example/logout"),
        *("--refresh-idle", "2", "--refresh-lifetime", "3"),
    )
    metadata = client.metadata
    assert metadata.client_names == {"nl": "Ziekenhuis"}
    assert metadata.logo_uris == {"": "https://client.example/logo.png"}
    assert metadata.tos_uris == {"": "https://client.example/tos"}
    assert metadata.contacts == ("ops@client.example", "dev@client.example")
    assert (metadata.default_max_age, metadata.require_auth_time) == (60, True)
    assert (metadata.default_acr_values, metadata.software_version) == (("urn:a",), "2.1")
    assert metadata.backchannel_logout_uri == "https://client.example/logout"
    assert (client.refresh_idle, client.refresh_lifetime) == (172800, 259200)
    shown = command("show", client.client_id).output
    for value in ("Ziekenhuis", "logo.png", "ops@client.example", "2 days", "urn:a"):
        assert value in shown


@pytest.mark.parametrize(
    ("arguments", "samples"),
    [
        (["--redirect-uri", URI], ["ClientSecretBasic", "oauth.register"]),
        (["--kind", "browser", "--redirect-uri", URI], ["new UserManager", "client.None()"]),
        (["--kind", "native", "--redirect-uri", "be.app:/cb"], ["client.None()", "be.app:/cb"]),
        (
            ["--redirect-uri", URI, *("--auth-method", "private_key_jwt"), "--jwks-uri", URI],
            ["PrivateKeyJwt(privateKey)"],
        ),
        (
            [
                *("--kind", "system", "--organisation", "0406798006"),
                *("--jwks-uri", URI, "--resource", API),
            ],
            ["PrivateKeyJWT", f'resource="{API}"'],
        ),
    ],
)
def test_the_sample_configuration_is_this_client_s(
    command: Command, arguments: list[str], samples: list[str]
) -> None:
    add_resource(command.site)
    output = command("add", "Mine", *arguments).output
    client_id = re.search(r"^client_id +(\S+)$", output, re.MULTILINE)
    assert client_id
    assert output.count(client_id[1]) > 1
    assert "http://localhost:8000" in output
    for sample in samples:
        assert sample in output


# Change and end


def test_what_is_changed_changes_and_nothing_else(command: Command) -> None:
    before = command.added("--redirect-uri", URI, "--set", "tos_uri=https://client.example/tos")
    after = command.changed(before.client_id, "--redirect-uri", URI + "2", "--first-party")
    assert after == replace(before, redirect_uris=(URI + "2",), first_party=True)
    named = command.changed(before.client_id, "--name", "Other", "--set", "tos_uri=")
    assert (named.client_name, named.metadata.tos_uris) == ("Other", {})
    assert named.redirect_uris == after.redirect_uris


def test_a_permission_is_given_and_taken(command: Command) -> None:
    client_id = command.added("--redirect-uri", URI).client_id
    assert command.changed(client_id, "--ssin").may_ask("ssin")
    without = command.changed(client_id, "--no-ssin")
    assert (without.scope, without.may_read_ssin) == ("openid profile", False)


def test_keys_take_the_place_of_keys(command: Command, tmp_path: Path) -> None:
    uri = "https://client.example/jwks"
    client_id = command.added(
        "--redirect-uri", URI, "--auth-method", "private_key_jwt", "--jwks-uri", uri
    ).client_id
    file = tmp_path / "keys.json"
    file.write_text(json.dumps(ClientKey.shared("ES256").jwks))
    by_value = command.changed(client_id, "--jwks", str(file)).metadata
    assert (by_value.jwks, by_value.jwks_uri) == (ClientKey.shared("ES256").jwks, "")
    by_address = command.changed(client_id, "--jwks-uri", uri).metadata
    assert (by_address.jwks, by_address.jwks_uri) == (None, uri)


def test_a_secret_is_shown_when_it_is_made(command: Command) -> None:
    client_id = command.added("--kind", "browser", "--redirect-uri", URI).client_id
    result = command("change", client_id, "--auth-method", BASIC)
    secret = re.search(r"client_secret +(\S{43})\n", result.output)
    assert secret
    assert command.found(client_id).check_client_secret(secret[1])


def test_a_sector_that_the_operator_named_stays(command: Command) -> None:
    uris = ("--redirect-uri", URI, "--redirect-uri", "https://other.example/cb")
    client_id = command.added(*uris, "--sector-identifier", "example").client_id
    assert command.changed(client_id, "--name", "Other").sector_identifier == "example"
    own = command.added("--redirect-uri", URI).client_id
    moved = command.changed(own, "--redirect-uri", "https://other.example/cb")
    assert moved.sector_identifier == "other.example"


def test_a_change_that_breaks_a_rule_changes_nothing(command: Command) -> None:
    before = command.added("--redirect-uri", URI)
    assert "profile" not in before.profile
    failure = command.failure("change", before.client_id, "--profile", "fapi2")
    assert "FAPI client" in failure
    assert command.found(before.client_id) == before
    assert command.failure("change", "nobody") == "There is no client nobody."


def test_the_end_is_asked_back(command: Command) -> None:
    client_id = command.added("--redirect-uri", URI).client_id
    assert command("end", client_id, typed="n\n").exit_code == 1
    command.found(client_id)
    result = command("end", client_id, typed="y\n")
    assert result.exit_code == 0
    assert "0 grants were revoked" in result.output
    assert command.failure("end", client_id, "--yes") == f"There is no client {client_id}."
    assert command.failure("show", client_id) == f"There is no client {client_id}."


# Who may register by itself


def test_an_initial_access_token_is_shown_once_and_withdrawn(command: Command) -> None:
    made = command("initial-access-token", "create", "Partner [bold]", "--uses", "3")
    token = re.search(r"initial_access_token +(\S{43})\n", made.output)
    assert token
    with reading(command.site.database) as connection:
        [listed] = list_initial_access_tokens(connection)
        assert is_initial_access_token_usable(connection, token[1], datetime.now(UTC))
    shown = command("initial-access-token", "list").output
    assert "Partner [bold]" in shown
    assert token[1] not in shown
    assert listed.uses_left == 3
    assert command("initial-access-token", "withdraw", listed.name).exit_code == 0
    with reading(command.site.database) as connection:
        assert not is_initial_access_token_usable(connection, token[1], datetime.now(UTC))
    for name in ("", "_", "%" * 12, listed.name):
        assert "no initial access token" in command.failure(
            "initial-access-token", "withdraw", name
        )


def test_a_token_that_nobody_needs_is_said_to_be_so(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PREFIX + "REGISTRATION", "off")
    assert "AUTHN_REGISTRATION is off" in command("initial-access-token", "create", "x").output


# In which capacities people use it, and what it can't do without


def letters(site: Site) -> str:
    """A resource with the scopes `read` and `a#b`."""
    return register_api(site, scopes={"read": "Read", "a#b": "See"}).resource


def test_capacities_are_said_and_taken_back(command: Command) -> None:
    client = command.added(
        *("--redirect-uri", URI, "--profile-kind", "quality", "--profile-kind", "mandate"),
        *("--require-profile-kind", "mandate", "--default-profile-kind", "mandate"),
    )
    assert client.profile_kinds == ("quality", "mandate")
    assert client.allowed_profile_kinds == {"mandate"}
    assert client.default_profile_kind == "mandate"
    shown = re.sub(" +", " ", command("show", client.client_id).output)
    assert "\nprofile_kinds quality mandate\n" in shown
    assert "\nrequired_profile_kinds mandate\n" in shown
    client = command.changed(client.client_id, "--require-profile-kind", "none")
    assert client.allowed_profile_kinds == {"citizen", "quality", "mandate"}
    client = command.changed(
        client.client_id, "--default-profile-kind", "none", "--profile-kind", "none"
    )
    assert (client.profile_kinds, client.default_profile_kind) == ((), "")
    shown = re.sub(" +", " ", command("show", client.client_id).output)
    assert "\nprofile_kinds citizen alone\n" in shown


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--profile-kind", "king"], "A profile kind is citizen"),
        (["--profile-kind", "system"], "A profile kind is citizen"),
        (["--require-profile-kind", "mandate"], "that is required is one that is allowed"),
        (["--default-profile-kind", "mandate"], "default profile kind is one"),
        (
            [
                *("--profile-kind", "child", "--require-profile-kind", "child"),
                *("--default-profile-kind", "citizen"),
            ],
            "default profile kind is one",
        ),
        (["--needs", "openid"], "A need has its reason"),
        (["--needs", "=x"], "A need has its reason"),
        (["--needs", "phone=To call you."], "a scope of its own"),
        (["--needs", "openid#nl=Om u te kennen."], "a scope of its own"),
        (["--needs", "openid=x", "--needs", "openid#it=y"], "a scope of its own"),
        (["--needs", f"openid={'x' * 201}"], "a scope of its own"),
        (["--needs", "openid=a\u0007"], "a scope of its own"),
    ],
)
@pytest.mark.one_engine
def test_a_mistaken_capacity_or_need_is_one_sentence(
    command: Command, arguments: list[str], sentence: str
) -> None:
    assert sentence in command.failure("add", "App", "--redirect-uri", URI, *arguments)


@pytest.mark.one_engine
def test_a_client_may_require_that_people_act_as_citizens(command: Command) -> None:
    client = command.added("--redirect-uri", URI, "--require-profile-kind", "citizen")
    assert client.allowed_profile_kinds == {"citizen"}


def test_what_it_needs_is_said_with_a_reason_in_each_language(command: Command, site: Site) -> None:
    client = command.added(
        *("--redirect-uri", URI, "--resource", letters(site)),
        *("--needs", "read=To show = them.", "--needs", "read#nl=Om ze te tonen."),
        *("--needs", "openid=To know you.", "--needs", "a#b=To see.", "--needs", "a#b#nl=Zien."),
    )
    assert client.scope_reasons == {
        "a#b": {"en": "To see.", "nl": "Zien."},
        "read": {"en": "To show = them.", "nl": "Om ze te tonen."},
        "openid": {"en": "To know you."},
    }
    assert re.search(
        r"needs read +en: To show = them.; nl: Om ze te tonen.",
        command("show", client.client_id).output,
    )
    client = command.changed(client.client_id, "--needs", "read#fr=Pour les montrer.")
    assert client.scope_reasons["read"]["fr"] == "Pour les montrer."
    assert client.scope_reasons["read"]["nl"] == "Om ze te tonen."
    client = command.changed(
        client.client_id, *("--needs", "openid=", "--needs", "read#nl=", "--needs", "read#fr=")
    )
    assert client.scope_reasons["read"] == {"en": "To show = them."}
    assert client.scope_reasons.keys() == {"read", "a#b"}


def test_a_reason_goes_with_its_scope(command: Command, site: Site) -> None:
    client = command.added("--redirect-uri", URI, "--resource", letters(site), "--needs", "read=x")
    after = command.changed(client.client_id, "--scope", "openid")
    assert (after.scope, after.scope_reasons) == ("openid", {})
