"""The access token for asking the real sources: client credentials, `private_key_jwt`.

RFC 6749 §4.4 and RFC 7523 §2.2 (https://www.rfc-editor.org/rfc/rfc7523), by Authlib's client: it
signs the assertion (`PrivateKeyJWT`) and sends the token request (`fetch_token`). The token is kept
in this process until shortly before it expires, and asked for by one thread at a time.
"""

import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import httpx2
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oauth2.rfc7523 import PrivateKeyJWT

from authn.clock import Clock
from authn.errors import CommandError
from authn.foreign_jwt import ExchangeKey, read_private_keys
from authn.settings import Settings
from authn.sources.wire.connections import SourceConnectionPool, seconds_left
from authn.sources.wire.failures import (
    SourceBusy,
    SourceDown,
    SourceTryAgain,
    is_temporary,
    retry_after_seconds,
)
from authn.web.outgoing import AnswerBroken, GuardedTransport, NoAnswer, NotReached

AUTHENTICATION: Final = "private_key_jwt"
LONGEST_TOKEN: Final = 16 * 1024
LONGEST_LIFETIME: Final = 3600
USUAL_LIFETIME: Final = 60
"""Seconds, where the answer names none (RFC 6749 §5.1 only recommends that it does)."""
ASSERTION_LIFETIME: Final = timedelta(minutes=1)
MARGIN: Final = timedelta(seconds=20)
# What Authlib raises for a JSON object whose values are of the wrong kind, too deep or too large.
UNREADABLE = (ValueError, TypeError, AttributeError, RecursionError, OverflowError)


@dataclass(frozen=True, slots=True)
class SourceAccessToken:
    """A Bearer token, used until `until`."""

    text: str = field(repr=False)
    until: datetime


@dataclass(slots=True)
class SourceAccessTokens:
    """The access token that a process shares among all sources."""

    settings: Settings
    key: ExchangeKey = field(repr=False)
    clock: Clock
    connections: SourceConnectionPool = field(default_factory=SourceConnectionPool)
    lock: threading.Lock = field(default_factory=threading.Lock)
    token: SourceAccessToken | None = None

    def current(self, deadline: float) -> SourceAccessToken:
        """A valid token, requested from the token endpoint if need be; raises `SourceDown`."""
        token = self.token
        if token and self.clock() < token.until:
            return token
        if not self.lock.acquire(timeout=seconds_left(deadline)):
            raise SourceBusy("no access token in time")
        try:
            if self.token and self.clock() < self.token.until:  # another thread asked
                return self.token
            self.token = self._fetch(deadline)
            return self.token
        finally:
            self.lock.release()

    def forget(self, token: SourceAccessToken) -> None:
        """A token that was refused is dropped; a newer token of the meantime stays."""
        with self.lock:
            if self.token is token:
                self.token = None

    def _fetch(self, deadline: float) -> SourceAccessToken:
        now = self.clock()
        try:
            with self.connections.transport(deadline) as transport:
                answer = self._client(transport, now).fetch_token(
                    self.settings.sources_token_url, grant_type="client_credentials"
                )
        except (NotReached, AnswerBroken) as error:
            raise SourceTryAgain(f"token endpoint: {error}") from None
        except NoAnswer as error:
            raise SourceDown(f"token endpoint: {error}") from None
        except AuthlibBaseError as error:
            raise SourceDown(f"token endpoint: {_printable(error.error)}") from None
        except (httpx2.HTTPError, *UNREADABLE):
            raise SourceDown("token endpoint: no answer that can be read") from None
        return _read(answer, now)

    def _client(self, transport: GuardedTransport, now: datetime) -> Any:
        settings = self.settings
        client = OAuth2Client(
            client_id=settings.sources_client_id,
            client_secret=self.key.key,
            token_endpoint_auth_method=AUTHENTICATION,
            transport=_SharedTransport(transport),
            trust_env=False,
        )
        issued_at = int(now.timestamp())
        claims = {
            "iat": issued_at,
            "exp": issued_at + int(ASSERTION_LIFETIME.total_seconds()),
        }
        assertion = PrivateKeyJWT(
            claims=claims, headers={"kid": self.key.kid}, alg=signature_algorithm(self.key)
        )
        client.register_client_auth_method(assertion)
        client.register_compliance_hook("access_token_response", _raise_if_temporary)
        return client


class _SharedTransport(httpx2.BaseTransport):
    """A transport that stays open when Authlib's client closes its own."""

    def __init__(self, inner: GuardedTransport) -> None:
        self.inner = inner

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """The answer, read as a whole."""
        return self.inner.handle_request(request)


def read_sources_key(settings: Settings) -> ExchangeKey:
    """The private key that signs our client assertions; raises `CommandError` for none."""
    path = settings.sources_key
    assert path is not None, "settings demand it where a source is configured"
    try:
        keys = read_private_keys(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise CommandError(
            f"Setting AUTHN_SOURCES_KEY: {path} must hold a private key (a JWK, a JWK Set or PEM)."
        ) from None
    for key in keys:
        if key.use in ("", "sig") and key.key.key_type in ("EC", "RSA"):
            return key
    raise CommandError(f"Setting AUTHN_SOURCES_KEY: {path} has no EC or RSA key for signatures.")


def signature_algorithm(key: ExchangeKey) -> str:
    """The JWS algorithm by which a key of the setting `sources_key` signs."""
    return key.alg or ("RS256" if key.key.key_type == "RSA" else "ES256")


def _raise_if_temporary(response: httpx2.Response) -> httpx2.Response:
    """The answer; raises `SourceTryAgain` for a status that allows another try."""
    if is_temporary(response.status_code):
        raise SourceTryAgain(
            f"token endpoint: status {response.status_code}", retry_after_seconds(response)
        )
    return response


def _read(answer: Any, now: datetime) -> SourceAccessToken:
    token, lifetime = answer.get("access_token"), answer.get("expires_in", USUAL_LIFETIME)
    if str(answer.get("token_type", "")).lower() != "bearer":
        raise SourceDown("token endpoint: token_type")
    if not isinstance(token, str) or not 0 < len(token) <= LONGEST_TOKEN:
        raise SourceDown("token endpoint: access_token")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise SourceDown("token endpoint: access_token")
    if isinstance(lifetime, bool) or not isinstance(lifetime, int) or lifetime <= 0:
        raise SourceDown("token endpoint: expires_in")
    good_for = timedelta(seconds=min(lifetime, LONGEST_LIFETIME))
    return SourceAccessToken(token, now + good_for - min(MARGIN, good_for / 5))


def _printable(error: object) -> str:
    text = str(error)[:60]
    known = text.isascii() and text.replace("_", "").isalpha()
    return text if known else "an unknown error"
