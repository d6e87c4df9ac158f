"""The authorization code flow, as a client of an upstream (RFC 6749 §4.1, RFC 7636, RFC 9207).

Authlib makes the authorization request (`create_authorization_url`) and the token request with the
client's authentication (`fetch_token`); this module verifies the answers.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oauth2.client import OAuth2Client as OAuth2ClientWithoutTransport
from authlib.oauth2.rfc7523 import PrivateKeyJWT

from authn.federation.identity_claims import UntrustedIdentity, check_id_token, check_userinfo
from authn.federation.provider import (
    UpstreamProvider,
    find_keys,
    find_provider,
    read_object,
    remembered_provider,
)
from authn.federation.state import UpstreamState
from authn.federation.upstreams import Upstream
from authn.foreign_jwt import UnknownForeignKey, decrypt_jwe, verify_jws
from authn.jose import InvalidToken
from authn.web.outgoing import NoAnswer
from authn.web.request import Request

LONGEST_ACCESS_TOKEN = 16 * 1024
# What Authlib raises for a JSON object whose values are of the wrong kind, too deep or too large.
UNREADABLE = (ValueError, TypeError, AttributeError, RecursionError, OverflowError)


@dataclass(frozen=True, slots=True)
class UpstreamAnswer:
    """The verified claims of an ID token and of userinfo; never printed."""

    id_token: Mapping[str, Any] = field(repr=False)
    userinfo: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class UpstreamConversation:
    """A client of one upstream for one flow, in which up to four requests are made."""

    request: Request
    upstream: Upstream
    client: Any

    def get(self, address: str) -> httpx2.Response:
        """The answer to a GET without any credentials."""
        response: httpx2.Response = self.client.request("GET", address, withhold_token=True)
        return response

    def provider(self) -> UpstreamProvider:
        """The upstream's endpoints; raises `NoAnswer`."""
        return find_provider(self.request.site, self.upstream, self.get)

    def verify(self, token: str) -> dict[str, Any]:
        """The claims of a JWT that the upstream signed; reads the key set again if needed."""
        provider, site = self.provider(), self.request.site
        keys = find_keys(site, self.upstream, provider, self.get)
        try:
            return verify_jws(token, keys, self.upstream.signatures)
        except UnknownForeignKey:
            newer = find_keys(site, self.upstream, provider, self.get, newer=True)
            return verify_jws(token, newer, self.upstream.signatures)


@contextmanager
def open_conversation(request: Request, upstream: Upstream) -> Iterator[UpstreamConversation]:
    """A client of an upstream; raises `Unavailable` when too many calls go on."""
    with request.site.outgoing.calls(this_machine=upstream.on_this_machine) as transport:
        client = OAuth2Client(
            client_id=upstream.client_id,
            client_secret=_credential(upstream),
            token_endpoint_auth_method=upstream.authentication,
            redirect_uri=request.settings.issuer + upstream.callback_path,
            transport=transport,
            trust_env=False,
        )
        if upstream.authentication == "private_key_jwt":
            client.register_client_auth_method(_assertion(upstream))
        yield UpstreamConversation(request, upstream, client)


def authorization_url(
    request: Request, upstream: Upstream, state: UpstreamState, token: str
) -> str:
    """The address of the authorization request to an upstream (Core §3.1.2.1).

    No request is made while the discovery document is remembered. Raises `NoAnswer`.
    """
    provider = remembered_provider(request.site, upstream)
    if provider is None:
        with open_conversation(request, upstream) as talk:
            provider = talk.provider()
    parameters = {
        **upstream.parameters,
        "nonce": state.nonce(request),
        # Ask who is present now, not who signed in there this morning (decisions 3.1).
        "prompt": "login",
        "max_age": 0,
        "acr_values": upstream.acr_values,
        "ui_locales": request.language,
    }
    client = OAuth2ClientWithoutTransport(
        None,
        upstream.client_id,
        scope=upstream.scopes,
        redirect_uri=request.settings.issuer + upstream.callback_path,
        code_challenge_method="S256",
    )
    url, _ = client.create_authorization_url(
        provider.authorization_endpoint,
        state=token,
        code_verifier=state.verifier(request),
        **parameters,
    )
    return str(url)


def redeem_code(talk: UpstreamConversation, state: UpstreamState, code: str) -> UpstreamAnswer:
    """The verified ID token and userinfo for an authorization code.

    Raises `UntrustedIdentity` or `NoAnswer`, and nothing else.
    """
    provider = talk.provider()
    tokens = _fetch_tokens(talk, provider, state, code)
    with _verifying("ID token"):
        token = _decrypt(talk, tokens["id_token"], talk.upstream.id_token_encrypted)
        id_token = talk.verify(token)
    now = talk.request.site.clock()
    check_id_token(id_token, talk.upstream, state.nonce(talk.request), now)
    userinfo = _fetch_userinfo(talk, provider, tokens["access_token"])
    check_userinfo(userinfo, talk.upstream, id_token, now)
    return UpstreamAnswer(id_token, userinfo)


def _fetch_tokens(
    talk: UpstreamConversation, provider: UpstreamProvider, state: UpstreamState, code: str
) -> Mapping[str, str]:
    try:
        # Authlib parses the answer and raises its own for an OAuth error (RFC 6749 §5.2).
        tokens = talk.client.fetch_token(
            provider.token_endpoint,
            grant_type="authorization_code",
            code=code,
            code_verifier=state.verifier(talk.request),
        )
    except AuthlibBaseError as error:
        raise UntrustedIdentity(f"token endpoint: {str(error.error)[:60]}") from None
    except (httpx2.HTTPStatusError, *UNREADABLE):
        raise NoAnswer("token endpoint") from None
    if str(tokens.get("token_type", "")).lower() != "bearer":
        raise UntrustedIdentity("token_type")
    for name, longest in (("id_token", None), ("access_token", LONGEST_ACCESS_TOKEN)):
        value = tokens.get(name)
        if not isinstance(value, str) or not value.isascii() or not value.isprintable():
            raise UntrustedIdentity(f"{name} is missing")
        if longest and len(value) > longest:
            raise UntrustedIdentity(f"{name} is too long")
    return {"id_token": tokens["id_token"], "access_token": tokens["access_token"]}


def _fetch_userinfo(
    talk: UpstreamConversation, provider: UpstreamProvider, access_token: str
) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {access_token}"}
    response = talk.client.request(
        "GET", provider.userinfo_endpoint, withhold_token=True, headers=headers
    )
    if talk.upstream.userinfo == "json":
        return read_object(response)
    if response.status_code != 200:
        raise NoAnswer(f"userinfo: status {response.status_code}")
    if not response.headers.get("content-type", "").startswith("application/jwt"):  # Core §5.3.2
        raise UntrustedIdentity("userinfo is not a JWT")
    with _verifying("userinfo"):
        token = response.content.decode("ascii").strip()
        return talk.verify(_decrypt(talk, token, talk.upstream.userinfo == "encrypted"))


def _decrypt(talk: UpstreamConversation, token: str, encrypted: bool) -> str:
    return decrypt_jwe(token, talk.upstream.keys) if encrypted else token


@contextmanager
def _verifying(what: str) -> Iterator[None]:
    try:
        yield
    except (InvalidToken, UnicodeDecodeError):
        raise UntrustedIdentity(f"{what} cannot be verified") from None


def _credential(upstream: Upstream) -> Any:
    if upstream.authentication == "client_secret_basic":
        return upstream.client_secret
    return _signing_key(upstream).key


def _assertion(upstream: Upstream) -> Callable[..., Any]:
    key = _signing_key(upstream)
    alg = key.alg or ("RS256" if key.key.key_type == "RSA" else "ES256")
    return PrivateKeyJWT(alg=alg, headers={"kid": key.kid})


def _signing_key(upstream: Upstream) -> Any:
    return next(key for key in upstream.keys if key.use in ("", "sig"))
