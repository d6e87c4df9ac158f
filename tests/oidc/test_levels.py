"""`acr` and `amr`: OpenID Connect Core 1.0 §2, RFC 8176 (https://www.rfc-editor.org/rfc/rfc8176)."""

from collections.abc import Callable

import pytest
from sqlalchemy import update
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.db.transaction import writing
from authn.devices.tables import KeyLevel, devices
from authn.sessions.levels import acr_values
from authn.web.site import Site
from tests.oidc.relying_party import Holder, RelyingParty, hold_device, segment
from tests.policies import change_settings

MakeRP = Callable[..., RelyingParty]
FEDERATION = {"certified": "urn:fed:high", "device": "urn:fed:low", "synced": "urn:fed:low"}


def said(rp: RelyingParty) -> set[tuple[str, tuple[str, ...]]]:
    """`acr` and `amr` in ID token and access token."""
    tokens = rp.tokens()
    claims = [segment(tokens[name], 1) for name in ("id_token", "access_token")]
    return {(each["acr"], tuple(each["amr"])) for each in claims}


@pytest.mark.parametrize(
    ("backup_eligible", "level", "key"), [(False, "device", "hwk"), (True, "synced", "swk")]
)
def test_both_tokens_say_the_level_of_the_login(
    site: Site, client: TestClient, make_rp: MakeRP, backup_eligible: bool, level: str, key: str
) -> None:
    hold_device(site, client, backup_eligible=backup_eligible)
    acr = f"urn:authn:level:{level}"
    assert said(make_rp(first_party=True)) == {(acr, (key, "user", "mfa", "pop"))}


def test_a_level_that_is_lost_is_lost_in_the_tokens_of_the_open_session(
    site: Site, make_rp: MakeRP, holder: Holder
) -> None:
    rp = make_rp(first_party=True)
    assert said(rp) == {("urn:authn:level:device", ("hwk", "user", "mfa", "pop"))}
    with writing(site.database) as connection:
        connection.execute(update(devices).values(backup_eligible=True))
    assert said(rp) == {("urn:authn:level:synced", ("swk", "user", "mfa", "pop"))}


def test_a_federation_gives_them_its_own_words(
    app: Starlette, make_rp: MakeRP, holder: Holder
) -> None:
    change_settings(app, acr_map=FEDERATION)
    assert {acr for acr, _ in said(make_rp(first_party=True))} == {"urn:fed:low"}


def test_discovery_lists_what_is_said(app: Starlette, site: Site, client: TestClient) -> None:
    path = "/.well-known/openid-configuration"
    levels: tuple[KeyLevel, ...] = ("certified", "device", "synced")
    listed = client.get(path).json()["acr_values_supported"]
    assert listed == [f"urn:authn:level:{level}" for level in levels]
    federated = site.settings.model_copy(update={"acr_map": FEDERATION})
    assert acr_values(federated) == ["urn:fed:high", "urn:fed:low"]
