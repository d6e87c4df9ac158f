"""What browsers, key managers, Google and Apple read of us at fixed addresses (decisions 2.5).

https://www.w3.org/TR/webauthn-3/#sctn-related-origins, https://www.w3.org/TR/passkey-endpoints/,
https://developers.google.com/digital-asset-links and Apple's Associated Domains.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from authn.account.well_known import DOCUMENTS
from authn.app import create_app
from authn.clients.client_registration.registration import register_client
from authn.clock import Clock
from authn.db.transaction import writing
from authn.own_origins import read_android_apps
from authn.settings import Settings
from authn.web.site import Site

ROOT = Path(__file__).parents[2]
FIRST, SECOND = (hashlib.sha256(name).hexdigest() for name in (b"store", b"upload"))
FINGERPRINTS = [bytes.fromhex(each).hex(":").upper() for each in (FIRST, SECOND)]
OURS = {
    "related_origins": ("https://www.masante.example", "https://masante.example"),
    "android_apps": read_android_apps(" ".join(f"be.masante.app={each}" for each in FINGERPRINTS)),
    "apple_apps": ("A1B2C3D4E5.be.masante.app",),
}


@pytest.fixture
def rich(settings: Settings, clock: Clock) -> Iterator[TestClient]:
    """A browser at a service whose operator has sites and apps."""
    app = create_app(settings.model_copy(update=OURS), clock=clock)
    with TestClient(app, base_url="http://localhost:8000", follow_redirects=False) as browser:
        yield browser


def read(client: TestClient, path: str) -> Any:
    """As a browser or a server fetches it: no cookie, no redirect, JSON, for an hour."""
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "public, max-age=3600"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "set-cookie" not in answer.headers
    return answer.json()


def test_each_document_is_there_when_nothing_is_named(client: TestClient) -> None:
    assert {path: read(client, path) for path in DOCUMENTS} == {
        "/.well-known/webauthn": {"origins": []},
        "/.well-known/passkey-endpoints": {
            "enroll": "http://localhost:8000/devices/add",
            "manage": "http://localhost:8000/devices",
        },
        "/.well-known/assetlinks.json": [],
        "/.well-known/apple-app-site-association": {"webcredentials": {"apps": []}},
    }


def test_a_client_adds_nothing_to_them(site: Site, client: TestClient) -> None:
    """What registers itself could otherwise sign for our RP ID (decisions 2.5)."""
    before = [read(client, path) for path in DOCUMENTS]
    now = site.clock()
    with writing(site.database) as connection:
        register_client(
            connection,
            site.secrets,
            now,
            client_name="An app",
            redirect_uris=["be.hospital.app:/callback"],
            token_endpoint_auth_method="none",
            application_type="native",
        )
    assert [read(client, path) for path in DOCUMENTS] == before


@pytest.mark.parametrize("path", DOCUMENTS)
def test_they_are_read_and_not_written(client: TestClient, path: str) -> None:
    assert client.post(path).status_code == 405
    assert client.head(path).status_code == 200


def test_each_is_documented() -> None:
    page = (ROOT / "docs" / "origins.md").read_text(encoding="utf-8")
    assert [path for path in DOCUMENTS if f"`{path}`" not in page] == []


def test_related_origins(rich: TestClient) -> None:
    assert read(rich, "/.well-known/webauthn") == {
        "origins": ["https://www.masante.example", "https://masante.example"]
    }


def test_an_android_app_may_use_keys_and_handles_no_links(rich: TestClient) -> None:
    assert read(rich, "/.well-known/assetlinks.json") == [
        {
            "relation": ["delegate_permission/common.get_login_creds"],
            "target": {
                "namespace": "android_app",
                "package_name": "be.masante.app",
                "sha256_cert_fingerprints": FINGERPRINTS,
            },
        }
    ]


def test_an_apple_app_may_use_keys(rich: TestClient) -> None:
    assert read(rich, "/.well-known/apple-app-site-association") == {
        "webcredentials": {"apps": ["A1B2C3D4E5.be.masante.app"]}
    }
