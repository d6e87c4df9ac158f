"""Redirect URIs: which may be registered, and which match a registered one.

RFC 9700 §2.1 (https://www.rfc-editor.org/rfc/rfc9700#section-2.1): exact string comparison. RFC
8252 §7 (https://www.rfc-editor.org/rfc/rfc8252#section-7): private-use schemes, and any port on the
loopback addresses, for native applications alone. What browsers and parsers read differently
(backslashes, encoded slashes, dot segments, userinfo) is not accepted at registration, although
exact comparison is safe without that rule: nobody needs such URIs.
"""

import re
from collections.abc import Collection
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from authn.errors import N_, InvalidRequest
from authn.settings import Settings

LONGEST_URI = 2000
LOOPBACK_HOSTS = ("127.0.0.1", "::1")

_RFC_3986 = re.compile(r"(?:[A-Za-z0-9\-._~:/?\[\]@!$&'()+,;=]|%[0-9A-Fa-f]{2})+")
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[::1\]")
_PRIVATE_USE_SCHEME = re.compile(r"[a-z][a-z0-9-]*(?:\.[a-z0-9-]+)+")
_LOOPBACK = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]))(?::[0-9]{1,5})?((?:[/?].*)?)")
_RESPONSE_PARAMETERS = frozenset({"code", "state", "iss", "error", "error_description", "response"})


class InvalidRedirectUri(InvalidRequest):
    """The URI `uri` can't be registered (RFC 7591 §3.2.2)."""

    def __init__(self, uri: str, description: str) -> None:
        super().__init__("invalid_redirect_uri", description)
        self.uri = uri


def check_redirect_uri(uri: str, application_type: str) -> None:
    """Raises `InvalidRedirectUri` unless the URI may be registered for this kind of client."""
    # "#" and "*" are not among the characters: RFC 6749 §3.1.2 forbids the fragment.
    if len(uri) > LONGEST_URI or not _RFC_3986.fullmatch(uri):
        raise InvalidRedirectUri(
            uri, N_("An address has only the characters of RFC 3986 and neither # nor *.")
        )
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        raise InvalidRedirectUri(uri, N_("This is not an address.")) from None
    if "@" in parts.netloc:
        raise InvalidRedirectUri(uri, N_("An address has no user name in it."))
    if not uri.startswith(parts.scheme + ":"):
        raise InvalidRedirectUri(uri, N_("The scheme of an address is in lower case."))
    if parts.scheme in ("http", "https"):
        _check_host(uri, parts, port)
    elif application_type != "native" or not _PRIVATE_USE_SCHEME.fullmatch(parts.scheme):
        # RFC 8252 §7.1: a domain name in reverse; so neither javascript: nor data:
        raise InvalidRedirectUri(
            uri, N_("An address begins with https://, or for native applications with a domain.")
        )
    if any(_ambiguous(segment) for segment in parts.path.split("/")):
        raise InvalidRedirectUri(uri, N_("The path has no dot segments and no encoded slashes."))
    if _RESPONSE_PARAMETERS.intersection(name for name, _ in parse_qsl(parts.query)):
        raise InvalidRedirectUri(uri, N_("The query has none of the names that an answer uses."))


def hosts_without_tls(settings: Settings) -> frozenset[str]:
    """The hosts whose documents and endpoints may be without TLS: those of test beds.

    Where the service itself runs on localhost, localhost too.
    """
    local = urlsplit(settings.issuer).scheme == "http"
    return settings.private_hosts | ({"localhost", "127.0.0.1"} if local else set())


def is_document_uri(uri: str, http_hosts: Collection[str]) -> bool:
    """Whether a URI may be the address of a document or an endpoint of a client.

    https, without a fragment and without a user name; http on `http_hosts` alone.
    """
    if len(uri) > LONGEST_URI or not _RFC_3986.fullmatch(uri):
        return False
    try:
        parts = urlsplit(uri)
        host = _without_port(parts, parts.port)
    except ValueError:
        return False
    if not _HOST.fullmatch(host.lower()):  # nor with a user name
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in http_hosts)


def _without_port(parts: SplitResult, port: int | None) -> str:
    return parts.netloc if port is None else parts.netloc.removesuffix(f":{port}")


def _check_host(uri: str, parts: SplitResult, port: int | None) -> None:
    if not _HOST.fullmatch(_without_port(parts, port)):
        raise InvalidRedirectUri(uri, N_("The host of an address is a name in lower case."))
    if parts.scheme == "http" and parts.hostname not in ("localhost", *LOOPBACK_HOSTS):
        raise InvalidRedirectUri(uri, N_("An address is https; http is possible on localhost."))


def _ambiguous(segment: str) -> bool:
    decoded = unquote(segment)
    return decoded.partition(";")[0] in (".", "..") or "/" in decoded or "\\" in decoded


def match_redirect_uri(registered: tuple[str, ...], presented: str, application_type: str) -> bool:
    """Whether the presented URI is among the registered ones, character for character.

    The port of a native application's loopback address may be any (RFC 8252 §7.3).
    """
    if presented in registered:
        return True
    if application_type != "native":
        return False
    without_port = _without_loopback_port(presented)
    return without_port is not None and any(
        without_port == _without_loopback_port(uri) for uri in registered
    )


def _without_loopback_port(uri: str) -> str | None:
    match = _LOOPBACK.fullmatch(uri)
    return match[1] + match[2] if match else None
