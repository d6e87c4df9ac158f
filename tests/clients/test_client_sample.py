"""The sample configuration that `authn clients add` prints works as it stands."""

from datetime import UTC, datetime
from typing import Any

import pytest

from authn.clients.client_registration.registration import new_client
from authn.clients.clients import AUTH_METHODS
from authn.keys.signing_keys import ensure_signing_keys
from authn.views.client_sample import AUTHENTICATIONS, sample_configuration
from tests.conftest import LiveService
from tests.oidc.client_keys import ClientKey
from tests.oidc.other_screens import TELEVISION
from tests.oidc.systems import API, add_resource, register_system


def test_the_sample_of_a_system_obtains_a_token(live: LiveService) -> None:
    site = live.site
    ensure_signing_keys(site.database, site.secrets, site.clock())
    add_resource(site)
    key = ClientKey("ES256")
    system = register_system(site, None, key)  # type: ignore[arg-type]
    sample = sample_configuration(live.address, system.client)
    names: dict[str, Any] = {"private_key_pem": key.key.as_pem(private=True)}
    exec(sample, names)  # noqa: S102 (what is under test)
    names["session"].close()
    assert names["token"]["token_type"] == "Bearer"
    assert API in sample


@pytest.mark.one_engine
def test_who_has_no_browser_is_shown_how_to_ask_for_a_code() -> None:
    now = datetime(2026, 3, 2, tzinfo=UTC)
    sample = sample_configuration("https://login.example", new_client(now, **TELEVISION).client)
    assert (
        'initiateDeviceAuthorization(config, { scope: "openid profile offline_access" })' in sample
    )
    assert "redirect_uri" not in sample


@pytest.mark.one_engine
def test_every_way_to_authenticate_has_its_words() -> None:
    assert set(AUTHENTICATIONS) == set(AUTH_METHODS)
