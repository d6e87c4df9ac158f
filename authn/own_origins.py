"""The operator's own sites and apps beside the service, as the settings name them (decisions 2.5).

A site or an app that is named here can use keys of the service's RP ID. So each is written exactly
as browsers, Android and Apple write it, or refused at start.
"""

import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator
from pydantic_settings import NoDecode

# WebAuthn Level 3 §5.11.1: browsers count the labels of registrable domains, and read no further.
MOST_LABELS = 5
# Where names are registered below a second label; no list of public suffixes is at hand.
_SECOND_LABELS = frozenset({"ac", "co", "com", "edu", "fgov", "gob", "gouv", "gov", "net", "org"})

_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]*[a-z0-9])?")
_PACKAGE = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)+")
_FINGERPRINT = re.compile(r"[0-9A-F]{2}(?::[0-9A-F]{2}){31}")
_APPLE_APP = re.compile(r"[A-Z0-9]{10}\.[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")


@dataclass(frozen=True, slots=True)
class AndroidApp:
    """An Android app by its package and the SHA-256 fingerprint of a certificate that signs it."""

    package: str
    fingerprint: str  # `AA:BB:…`, as `keytool` and the Play Console show it

    @property
    def origin(self) -> str:
        """What Android's Credential Manager writes as `origin` into client data of this app."""
        digest = bytes.fromhex(self.fingerprint.replace(":", ""))
        return "android:apk-key-hash:" + urlsafe_b64encode(digest).rstrip(b"=").decode()


def read_related_origins(value: Any) -> Any:
    """The origins in a text, apart by commas or spaces; raises `ValueError` for what is no origin.

    What is not a text (a value of a program's own) is left as it is.
    """
    if not isinstance(value, str):
        return value
    origins = tuple(_items(value))
    for origin in origins:
        _check_origin(origin)
    if len({_label(origin) for origin in origins}) > MOST_LABELS:
        raise ValueError(f"has more than {MOST_LABELS} different names, and browsers read no more")
    return origins


def read_android_apps(value: Any) -> Any:
    """The apps in a text, each `PACKAGE=FINGERPRINT`; raises `ValueError`."""
    return tuple(map(_android_app, _items(value))) if isinstance(value, str) else value


def read_apple_apps(value: Any) -> Any:
    """The app identifiers in a text, each `TEAMID.BUNDLE`; raises `ValueError`."""
    if not isinstance(value, str):
        return value
    apps = tuple(_items(value))
    for app in apps:
        if not _APPLE_APP.fullmatch(app):
            raise ValueError(f"{app} is not a team of ten signs, a dot and a bundle identifier")
    return apps


# The types of the settings: written as text in the environment, and read by the functions above.
RelatedOrigins = Annotated[tuple[str, ...], NoDecode, BeforeValidator(read_related_origins)]
AndroidApps = Annotated[tuple[AndroidApp, ...], NoDecode, BeforeValidator(read_android_apps)]
AppleApps = Annotated[tuple[str, ...], NoDecode, BeforeValidator(read_apple_apps)]


def _items(text: str) -> list[str]:
    return list(dict.fromkeys(text.replace(",", " ").split()))


def _check_origin(origin: str) -> None:
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        raise ValueError(f"{origin} is not an origin") from None
    if parts.scheme != "https" or not _HOST.fullmatch(parts.hostname or ""):
        raise ValueError(f"{origin} is not an https origin with a name in lower case")
    written = f"https://{parts.hostname}" + ("" if port in (None, 443) else f":{port}")
    if origin != written:
        raise ValueError(f"{origin} must be written as browsers write it: {written}")


def _label(origin: str) -> str:
    """The label of the registrable domain: `masante` of `https://www.masante.be`."""
    parts = (urlsplit(origin).hostname or "").split(".")
    below = 3 if len(parts) > 2 and parts[-2] in _SECOND_LABELS else 2
    return parts[-below]


def _android_app(item: str) -> AndroidApp:
    package, _, fingerprint = item.partition("=")
    if not _PACKAGE.fullmatch(package):
        raise ValueError(f"{package} is not the name of an Android package")
    if not _FINGERPRINT.fullmatch(fingerprint.upper()):
        raise ValueError(f"{package} has no SHA-256 fingerprint of 32 pairs apart by colons")
    return AndroidApp(package, fingerprint.upper())
