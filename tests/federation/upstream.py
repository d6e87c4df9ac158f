"""OpenID Providers to be asked who somebody is, over real HTTP: as FAS, as itsme, and plain.

Each does it right unless a test gives it a lie to tell.
"""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from joserfc import jwe, jws, jwt
from joserfc.jwk import KeySet, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route

from authn.clock import Clock
from authn.secrets import new_token

CLIENT_ID = "authn-at-work"
CLIENT_SECRET = "a-secret-of-the-two"
FAS_LEVEL = "urn:be:fedict:iam:fas:citizen:Level"
ITSME_CLAIM = "http://itsme.services/v2/claim/"
NUMBER_CLAIMS = {
    "fas": "egovNRN",
    "itsme": f"{ITSME_CLAIM}BENationalNumber",
    "oidc": "national_number",
}
HIGH = {"fas": f"{FAS_LEVEL}500", "itsme": f"{ITSME_CLAIM}acr_advanced", "oidc": "gold"}
SUBSTANTIAL = {"fas": f"{FAS_LEVEL}400", "itsme": f"{ITSME_CLAIM}acr_basic", "oidc": "silver"}

Lie = Callable[[Any], Any]


def new_key(use: str) -> RSAKey:
    """A private key with a name of its own."""
    key = RSAKey.generate_key(2048, {"use": use}, private=True)
    key.ensure_kid()
    return key


def _jwk(key: RSAKey, private: bool) -> dict[str, Any]:
    return {**key.as_dict(private=private), "kid": key.kid}


@dataclass
class Provider:
    """One provider. `lies` change what it says, by the name of the place where it says it."""

    kind: str
    issuer: str = ""
    clock: Clock | None = None
    ssin: str = "03410100128"
    acr: str | None = None
    sub: str = "somebody"
    auth_time: int | None = 0
    lies: dict[str, Lie] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: new_key("sig"))
    our_signing: RSAKey = field(default_factory=lambda: new_key("sig"))
    our_decryption: RSAKey = field(default_factory=lambda: new_key("enc"))
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)

    def start_over(self, clock: Clock) -> None:
        """Honest again, at this time."""
        self.clock = clock
        self.ssin, self.acr, self.sub = "03410100128", HIGH[self.kind], "somebody"
        self.auth_time = 0
        for memory in (self.lies, self.codes, self.tokens, self.asked, self.forms):
            memory.clear()

    def now(self) -> int:
        assert self.clock
        return int(self.clock().timestamp())

    def says(self, place: str, truth: Any) -> Any:
        lie = self.lies.get(place)
        return lie(truth) if lie else truth

    def sign(self, claims: dict[str, Any], place: str) -> str:
        """As a JWT; `place` lies about what is signed, with which key and how it is wrapped."""
        claims = self.says(place, claims)
        if f"{place}.jwt" in self.lies:
            return str(self.lies[f"{place}.jwt"](claims))
        key = self.says("key", self.key)
        return jwt.encode({"alg": "RS256", "kid": key.kid}, claims, key)

    def wrapped(self, token: str, place: str) -> str:
        """Encrypted to us, where this provider encrypts."""
        if self.kind != "itsme":
            return token
        key = self.says(f"{place}.encrypted_to", self.our_decryption)
        header = {"alg": "RSA-OAEP-256", "enc": "A128CBC-HS256", "cty": "JWT", "kid": key.kid}
        return jwe.encrypt_compact(header, token.encode(), key, ["RSA-OAEP-256", "A128CBC-HS256"])

    # Its endpoints

    async def discovery(self, request: Request) -> Response:
        self.asked.append("discovery")
        document = {
            "issuer": self.issuer,
            **{
                name: f"{self.issuer}/{path}"
                for name, path in {
                    "authorization_endpoint": "authorize",
                    "token_endpoint": "token",
                    "userinfo_endpoint": "userinfo",
                    "jwks_uri": "jwks",
                }.items()
            },
            "authorization_response_iss_parameter_supported": self.kind == "fas",
        }
        return await self.answer("discovery", JSONResponse(self.says("metadata", document)))

    async def jwks(self, request: Request) -> Response:
        self.asked.append("jwks")
        document = {"keys": [{"kty": "OKP", "crv": "X448", "x": "AA"}, _jwk(self.key, False)]}
        return await self.answer("jwks", JSONResponse(self.says("keys", document)))

    async def authorize(self, request: Request) -> Response:
        """Somebody has shown their card and agreed; back with a code."""
        asked = dict(request.query_params)
        code = new_token()
        self.codes[code] = asked
        answer = {"code": code, "state": asked["state"], "iss": self.issuer}
        answer = self.says("answer", answer)
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(answer)}", 303)

    async def token(self, request: Request) -> Response:
        self.asked.append("token")
        form = dict(parse_qsl((await request.body()).decode()))
        self.forms.append(form)
        if not self._authenticated(request, form):
            return JSONResponse({"error": "invalid_client"}, 401)
        asked = self.codes.pop(form["code"], None)
        if asked is None:
            return JSONResponse({"error": "invalid_grant"}, 400)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if challenge != asked["code_challenge"] or form["redirect_uri"] != asked["redirect_uri"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "sub": self.sub,
            "nonce": asked["nonce"],
            "iat": self.now(),
            "exp": self.now() + 300,
        }
        if self.acr is not None:
            claims["acr"] = self.acr
        if self.auth_time is not None:
            claims["auth_time"] = self.now() + self.auth_time
        token = new_token()
        self.tokens[token] = self.sub
        answer = {
            "access_token": token,
            "token_type": "Bearer",
            "id_token": self.wrapped(self.sign(claims, "id_token"), "id_token"),
        }
        return await self.answer("token", JSONResponse(self.says("tokens", answer)))

    async def userinfo(self, request: Request) -> Response:
        self.asked.append("userinfo")
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.tokens:
            return JSONResponse({"error": "invalid_token"}, 401)
        claims = {"sub": self.tokens[token], NUMBER_CLAIMS[self.kind]: self.ssin}
        if self.kind == "oidc":
            said = JSONResponse(self.says("userinfo", claims))
        else:
            claims |= {"iss": self.issuer, "aud": CLIENT_ID}
            signed = self.wrapped(self.sign(claims, "userinfo"), "userinfo")
            said = Response(signed, media_type="application/jwt")  # type: ignore[assignment]
        return await self.answer("userinfo", said)

    async def answer(self, place: str, response: Response) -> Response:
        said = self.says(f"{place}.answer", response)
        if asyncio.iscoroutine(said):
            said = await said
        assert isinstance(said, Response)
        return said

    def _authenticated(self, request: Request, form: dict[str, str]) -> bool:
        if self.kind == "itsme":
            token = jwt.decode(form["client_assertion"], self.our_signing, ["RS256"])
            jws_header = jws.extract_compact(form["client_assertion"].encode()).headers()
            assert jws_header["kid"] == self.our_signing.kid
            return (
                token.claims["iss"] == token.claims["sub"] == CLIENT_ID
                and token.claims["aud"] == f"{self.issuer}/token"
                and "client_secret" not in form
            )
        expected = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        return request.headers.get("authorization") == f"Basic {expected}"

    # What our side is told of it

    def entry(self, folder: Path) -> dict[str, Any]:
        """Its entry in the setting; the files are written."""
        entry: dict[str, Any] = {"kind": self.kind, "issuer": self.issuer, "client_id": CLIENT_ID}
        if self.kind == "itsme":
            keys = [_jwk(self.our_signing, True), _jwk(self.our_decryption, True)]
            path = folder / "itsme-keys.json"
            path.write_text(json.dumps({"keys": keys}))
            return {**entry, "service": "DEVICES", "keys_file": str(path)}
        path = folder / f"{self.kind}-secret"
        path.write_text(CLIENT_SECRET + "\n")
        entry["client_secret_file"] = str(path)
        if self.kind == "oidc":
            entry |= {
                "name": "The bank",
                "levels": {"gold": "high", "silver": "substantial"},
                "national_number_claim": NUMBER_CLAIMS["oidc"],
            }
        return entry


def providers_app(providers: dict[str, Provider]) -> Starlette:
    """All of them as one application, each below its kind."""
    return Starlette(
        routes=[
            Mount(
                f"/{kind}",
                routes=[
                    Route("/.well-known/openid-configuration", provider.discovery),
                    Route("/jwks", provider.jwks),
                    Route("/authorize", provider.authorize),
                    Route("/token", provider.token, methods=["POST"]),
                    Route("/userinfo", provider.userinfo),
                ],
            )
            for kind, provider in providers.items()
        ]
    )


# Lies


def with_claims(**changes: Any) -> Lie:
    """Claims that are changed; None takes one away."""

    def lie(claims: dict[str, Any]) -> dict[str, Any]:
        changed = {**claims, **changes}
        return {name: value for name, value in changed.items() if value is not None}

    return lie


def unsigned(claims: dict[str, Any]) -> str:
    """RFC 7519 §6: alg none."""
    return f"{_part({'alg': 'none'})}.{_part(claims)}."


def _part(value: dict[str, Any]) -> str:
    return _base64url(json.dumps(value).encode())


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def signed_with_what_is_public(provider: Provider) -> Lie:
    """RFC 8725 §2.1: the public key as the secret of an HMAC."""

    def lie(claims: dict[str, Any]) -> str:
        signed = f"{_part({'alg': 'HS256', 'kid': provider.key.kid})}.{_part(claims)}"
        secret = provider.key.as_pem(private=False)
        return f"{signed}.{_base64url(hmac.digest(secret, signed.encode(), 'sha256'))}"

    return lie


def with_its_own_key(claims: dict[str, Any]) -> str:
    """RFC 7515 §4.1.3: a header that brings the key that verifies it."""
    key = new_key("sig")
    header = {"alg": "RS256", "jwk": key.as_dict(private=False)}
    return jws.serialize_compact(header, json.dumps(claims), key, ["RS256"])


def published(*keys: RSAKey) -> Lie:
    """A key set of these."""
    return lambda _: KeySet(list(keys)).as_dict()
