"""The token endpoint of the development server of authentic sources.

Client credentials (RFC 6749 §4.4, https://www.rfc-editor.org/rfc/rfc6749) with `private_key_jwt`
(RFC 7523). Whoever has one of the keys of its JWK Set is a client.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from authn.clock import Clock
from authn.errors import Refusal
from authn.foreign_jwt import SIGNATURES, ExchangeKey, verify_jws
from authn.jose import InvalidToken
from authn.secrets import new_token, token_hash
from authn.web.body import parse_form, read_body

TOKEN_LIFETIME: Final = timedelta(minutes=5)
LONGEST_ASSERTION: Final = timedelta(hours=1)
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(slots=True)
class SourceTokens:
    """What was given, and which assertions were used: in memory, for as long as it runs."""

    clients: tuple[ExchangeKey, ...]
    token_url: str
    clock: Clock
    given: dict[str, datetime] = field(default_factory=dict)
    used: dict[str, datetime] = field(default_factory=dict)

    async def endpoint(self, request: Request) -> Response:
        """An access token for a client that proves to have its key."""
        try:
            form = parse_form(await read_body(request), request.headers.get("content-type", ""))
        except Refusal:
            return _error("invalid_request")
        if form.get("grant_type") != "client_credentials":
            return _error("unsupported_grant_type")
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            return _error("invalid_client", 401)
        try:
            self._check(form.get("client_assertion", ""))
        except InvalidToken:
            return _error("invalid_client", 401)
        self._forget_old()
        token = new_token()
        self.given[token_hash(token)] = self.clock() + TOKEN_LIFETIME
        lifetime = int(TOKEN_LIFETIME.total_seconds())
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": lifetime}
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    def authorises(self, request: Request) -> bool:
        """Whether the request carries a token that was given here and is good now."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        until = self.given.get(token_hash(token))
        return scheme.lower() == "bearer" and until is not None and self.clock() < until

    def _check(self, assertion: str) -> None:
        """RFC 7523 §3, rule by rule; raises `InvalidToken`."""
        claims = verify_jws(assertion, self.clients, SIGNATURES)
        now = self.clock()
        issuer, audience = claims.get("iss"), claims.get("aud")
        if not isinstance(issuer, str) or issuer != claims.get("sub"):
            raise InvalidToken
        if self.token_url not in (audience if isinstance(audience, list) else [audience]):
            raise InvalidToken
        expires, jti = claims.get("exp"), claims.get("jti")
        if not isinstance(expires, int) or not isinstance(jti, str) or jti in self.used:
            raise InvalidToken
        left = expires - now.timestamp()
        if not 0 < left <= LONGEST_ASSERTION.total_seconds():
            raise InvalidToken
        self.used[jti] = now + timedelta(seconds=left)

    def _forget_old(self) -> None:
        now = self.clock()
        for known in (self.given, self.used):
            for key in [key for key, until in known.items() if until < now]:
                del known[key]


def _error(error: str, status: int = 400) -> Response:
    return JSONResponse({"error": error}, status, headers={"Cache-Control": "no-store"})
