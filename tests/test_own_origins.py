"""The operator's own sites and apps, from the settings alone (decisions 2.5).

WebAuthn Level 3 §5.11 (https://www.w3.org/TR/webauthn-3/#sctn-related-origins).
"""

import hashlib
from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authn.errors import CommandError
from authn.own_origins import read_android_apps, read_apple_apps, read_related_origins
from authn.settings import Settings, load_settings

DIGEST = hashlib.sha256(b"a certificate").digest()
FINGERPRINT = DIGEST.hex(":").upper()


def test_they_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTHN_RELATED_ORIGINS", "https://a.example, https://b.example:8443")
    monkeypatch.setenv("AUTHN_ANDROID_APPS", f"be.example.app={FINGERPRINT.lower()}")
    monkeypatch.setenv("AUTHN_APPLE_APPS", "A1B2C3D4E5.be.example.app\nA1B2C3D4E5.be.example.two")
    settings = load_settings()
    assert settings.related_origins == ("https://a.example", "https://b.example:8443")
    assert [app.package for app in settings.android_apps] == ["be.example.app"]
    assert settings.apple_apps == ("A1B2C3D4E5.be.example.app", "A1B2C3D4E5.be.example.two")


def test_nothing_is_named_by_default() -> None:
    settings = Settings()
    assert (settings.related_origins, settings.android_apps, settings.apple_apps) == ((), (), ())


def test_an_android_origin_is_the_fingerprint_in_base64url() -> None:
    [app] = read_android_apps(f"be.example.app={FINGERPRINT}")
    expected = urlsafe_b64encode(DIGEST).rstrip(b"=").decode()
    assert app.origin == f"android:apk-key-hash:{expected}"


@pytest.mark.parametrize(
    "origin",
    [
        "http://a.example",
        "https://a.example/",
        "https://a.example/path",
        "https://a.example?q",
        "https://a.example#f",
        "https://a.example:443",
        "https://A.example",
        "https://user@a.example",
        "https://a.example.",
        "https://localhost",
        "https://127.0.0.1",
        "https://[::1]",
        "https://*.example",
        "https://é.example",
        "https://a.example:port",
        "https://a.example:99999",
        "https://",
        "a.example",
        "android:apk-key-hash:AAAA",
        "null",
    ],
)
def test_what_browsers_would_not_write_as_an_origin_is_refused_at_start(origin: str) -> None:
    with pytest.raises(CommandError, match=r"AUTHN_RELATED_ORIGINS"):
        load_settings(related_origins=origin)


def test_browsers_read_five_different_names_and_no_more() -> None:
    five = [f"https://{name}.example" for name in ("a", "b", "c", "d", "e")]
    same_names = ["https://www.a.example", "https://a.be", "https://a.co.uk", "https://b.a.fgov.be"]
    assert len(read_related_origins(" ".join([*five, *same_names]))) == 9
    with pytest.raises(ValueError, match="more than 5"):
        read_related_origins(" ".join([*five, "https://f.example"]))


@pytest.mark.parametrize(
    "app",
    [
        "be.example.app",
        "be.example.app=",
        "app=" + FINGERPRINT,
        "be.example.app=" + FINGERPRINT[:-3],
        "be.example.app=" + FINGERPRINT + ":00",
        "be.example.app=" + FINGERPRINT.replace(":", ""),
        "be.example.*=" + FINGERPRINT,
        "=" + FINGERPRINT,
    ],
)
def test_an_android_app_needs_package_and_whole_fingerprint(app: str) -> None:
    with pytest.raises(CommandError, match=r"AUTHN_ANDROID_APPS"):
        load_settings(android_apps=app)


@pytest.mark.parametrize("app", ["be.example.app", "A1B2C3D4E5", "A1B2C3D4E5.*", "a1b2c3d4e5.be.x"])
def test_an_apple_app_needs_team_and_bundle(app: str) -> None:
    with pytest.raises(CommandError, match=r"AUTHN_APPLE_APPS"):
        load_settings(apple_apps=app)


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (read_related_origins, read_android_apps, read_apple_apps):
        try:
            read(text)
        except ValueError:
            continue
