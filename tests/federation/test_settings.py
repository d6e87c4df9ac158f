"""The table of upstreams: what is right starts, what is wrong says so, and no twin outside."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from authn.app import create_app
from authn.demo.identity_card import CardAgreement, create_identity_card
from authn.errors import CommandError
from authn.federation.upstreams import upstreams
from authn.settings import Settings
from authn.web.pages import load_pages
from tests.commands import run_command
from tests.conftest import MovableClock
from tests.federation.upstream import Provider, new_key

pytestmark = pytest.mark.thorough

unhurried = examples(deadline=None)  # a busy machine is no failure

SERVICE = "https://login.example.org"


def read(*entries: Any, issuer: str = SERVICE) -> Any:
    return upstreams(Settings(issuer=issuer, upstreams=json.dumps(entries)))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A secret, and private keys in each of the forms that are read."""
    folder = tmp_path_factory.mktemp("files")
    signing, decryption = new_key("sig"), new_key("enc")
    both = [key.as_dict(private=True) for key in (signing, decryption)]
    contents = {
        "secret": "a-secret\n",
        "empty": "",
        "accents": "sécret",
        "set": json.dumps({"keys": both}),
        "jwk": json.dumps(both[0]),
        "pem": new_key("sig").as_pem(private=True).decode(),
        "public": json.dumps({"keys": [signing.as_dict(private=False)]}),
        "garbage": "{",
    }
    for name, content in contents.items():
        (folder / name).write_text(content, encoding="utf-8")
    return {name: str(folder / name) for name in [*contents, "missing"]}


def test_three_values_are_enough_for_fas(files: dict[str, str]) -> None:
    (fas,) = read({"kind": "fas", "client_id": "us", "client_secret_file": files["secret"]})
    assert fas.issuer == "https://idp.iamfas.belgium.be/fas/oauth2"
    assert (fas.id, fas.userinfo, fas.national_number_claim) == ("fas", "signed", "egovNRN")
    assert fas.client_secret == "a-secret"
    assert "a-secret" not in repr(fas)


def test_itsme_needs_its_service_code_as_well(files: dict[str, str]) -> None:
    entry = {"kind": "itsme", "client_id": "us", "service": "CODE", "keys_file": files["set"]}
    (itsme,) = read(entry)
    assert itsme.scopes == "openid service:CODE eid"
    assert (itsme.authentication, itsme.userinfo) == ("private_key_jwt", "encrypted")
    assert itsme.id_token_encrypted
    del entry["service"]
    with pytest.raises(CommandError, match="service"):
        read(entry)


def test_a_profile_is_a_beginning(files: dict[str, str]) -> None:
    entry = {
        "kind": "fas",
        "id": "fas-integration",
        "name": "CSAM (integration)",
        "issuer": "https://idp.iamfas.int.belgium.be/fas/oauth2",
        "client_id": "us",
        "client_secret_file": files["secret"],
        "minimum": "high",
    }
    (fas,) = read(entry)
    assert (fas.id, fas.minimum) == ("fas-integration", "high")
    assert fas.callback_path == "/identity/fas-integration/callback"


def plain(files: dict[str, str], **changes: Any) -> dict[str, Any]:
    entry = {
        "kind": "oidc",
        "name": "The bank",
        "issuer": "https://bank.example",
        "client_id": "us",
        "client_secret_file": files["secret"],
        "levels": {"gold": "high"},
        "national_number_claim": "nn",
        **changes,
    }
    return {name: value for name, value in entry.items() if value is not None}


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown kind": ({"kind": "saml"}, "kind"),
    "no kind": ({"kind": None}, "kind"),
    "an unknown word": ({"acr": "gold"}, "acr"),
    "no levels": ({"levels": {}}, "levels"),
    "a level of its own": ({"levels": {"gold": "very high"}}, "levels"),
    "no number": ({"national_number_claim": None}, "national_number_claim"),
    "no client": ({"client_id": None}, "client_id"),
    "a colon in the client": ({"client_id": "a:b"}, "client_id"),
    "no secret": ({"client_secret_file": None}, "client_secret_file"),
    "an id for nobody": ({"id": "../x"}, "id"),
    "no openid": ({"scopes": "profile"}, "scopes"),
    "an http issuer": ({"issuer": "http://bank.example"}, "https"),
    "an issuer with a query": ({"issuer": "https://bank.example?x"}, "https"),
    "an issuer that is none": ({"issuer": "bank"}, "https"),
    "a signature without a key": ({"signatures": ["none"]}, "signatures"),
    "a shared secret as signature": ({"signatures": ["HS256"]}, "signatures"),
    "no signatures": ({"signatures": []}, "signatures"),
    "our own parameter": ({"parameters": {"state": "x"}}, "parameters"),
    "keys that are missing": ({"userinfo": "encrypted"}, "keys_file"),
    "a key that proves nothing": ({"authentication": "private_key_jwt"}, "keys_file"),
}


@pytest.mark.parametrize(("changes", "named"), WRONG.values(), ids=WRONG)
def test_a_wrong_entry_is_refused_by_name(
    files: dict[str, str], changes: dict[str, Any], named: str
) -> None:
    with pytest.raises(CommandError, match=f"AUTHN_UPSTREAMS: .*{named}"):
        read(plain(files, **changes))


@pytest.mark.parametrize("name", ["missing", "empty", "accents"])
def test_a_secret_that_can_t_be_read_is_refused(files: dict[str, str], name: str) -> None:
    with pytest.raises(CommandError, match="AUTHN_UPSTREAMS"):
        read(plain(files, client_secret_file=files[name]))


@pytest.mark.parametrize("name", ["missing", "empty", "public", "garbage", "secret"])
def test_keys_that_are_not_private_keys_are_refused(files: dict[str, str], name: str) -> None:
    with pytest.raises(CommandError, match="AUTHN_UPSTREAMS"):
        read(plain(files, authentication="private_key_jwt", keys_file=files[name]))


def test_a_key_for_another_use_is_refused(files: dict[str, str]) -> None:
    entry = plain(files, userinfo="encrypted", keys_file=files["jwk"])
    with pytest.raises(CommandError, match='"use": "enc"'):
        read(entry)


@pytest.mark.parametrize("name", ["set", "jwk", "pem"])
def test_keys_are_read_in_each_form(files: dict[str, str], name: str) -> None:
    (upstream,) = read(plain(files, authentication="private_key_jwt", keys_file=files[name]))
    assert upstream.keys
    assert "keys" not in repr(upstream)


def test_two_upstreams_need_two_ids(files: dict[str, str]) -> None:
    with pytest.raises(CommandError, match="same id"):
        read(plain(files), plain(files))
    assert len(read(plain(files), plain(files, id="other"))) == 2


@pytest.mark.parametrize("text", ["{", "{}", "5", '["fas"]', "null", '[{"kind": ["fas"]}]'])
def test_a_table_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(CommandError, match="AUTHN_UPSTREAMS"):
        upstreams(Settings(upstreams=text))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(), inside, max_size=3),
    max_leaves=10,
)
_NAMES = st.sampled_from(["kind", "id", "issuer", "client_id", "levels", "userinfo", "keys_file"])


@unhurried
@given(st.lists(st.dictionaries(_NAMES, _JSON | st.just("fas") | st.just("oidc"))))
def test_whatever_the_table_is_it_is_read_or_refused(entries: list[dict[str, Any]]) -> None:
    with suppress(CommandError):
        upstreams(Settings(upstreams=json.dumps(entries)))


# Decisions 3.5: nothing on localhost proves anything to a service that is not there too


def twin(files: dict[str, str], issuer: str) -> dict[str, Any]:
    return {
        "kind": "twin",
        "issuer": issuer,
        "client_id": "demo",
        "client_secret_file": files["secret"],
    }


@pytest.mark.parametrize("address", ["http://localhost:8002", "http://localhost"])
def test_the_test_card_is_for_a_service_on_localhost(
    files: dict[str, str], settings: Settings, address: str
) -> None:
    assert len(read(twin(files, address), issuer="http://localhost:8000")) == 1
    table = json.dumps([twin(files, address)])
    outside = settings.model_copy(update={"issuer": SERVICE, "upstreams": table})
    with pytest.raises(CommandError, match="localhost"):
        create_app(outside)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_service_elsewhere_does_not_start_with_the_test_card(
    files: dict[str, str], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTHN_UPSTREAMS", json.dumps([twin(files, "http://localhost:8002")]))
    outside = settings.model_copy(update={"issuer": SERVICE})
    ended = run_command(outside, "serve")
    assert ended.returncode == 1
    assert "is for a service on localhost alone" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_no_upstream_on_localhost_proves_anything_to_a_service_elsewhere(
    files: dict[str, str],
) -> None:
    for entry in (
        plain(files, issuer="http://localhost:8002"),
        {**twin(files, "http://localhost:8002"), "kind": "fas"},
    ):
        with pytest.raises(CommandError, match="localhost"):
            read(entry)


@pytest.mark.parametrize(
    "address",
    [
        "https://card.example",
        "https://localhost",
        "http://127.0.0.1:8002",
        "http://localhost.example",
        "http://localhost@card.example",
        "http://card.example",
        "http://[::1]",
    ],
)
def test_the_test_card_is_nowhere_else(
    files: dict[str, str], settings: Settings, address: str, clock: MovableClock
) -> None:
    for service in (SERVICE, "http://localhost:8000"):
        with pytest.raises(CommandError):
            read(twin(files, address), issuer=service)
    pages = load_pages("authn")
    for issuer, service in ((address, "http://localhost:8000"), ("http://localhost:8002", SERVICE)):
        agreement = CardAgreement(issuer, service, "demo", "secret", f"{service}/callback")
        with pytest.raises(CommandError, match="localhost"):
            create_identity_card(agreement, [], pages, clock)


def test_a_provider_of_the_tests_is_written_as_an_operator_would(
    providers: dict[str, Provider], tmp_path: Path
) -> None:
    table = [provider.entry(tmp_path) for provider in providers.values()]
    found = read(*table, issuer="http://localhost:8000")
    assert [upstream.id for upstream in found] == ["fas", "itsme", "oidc"]
