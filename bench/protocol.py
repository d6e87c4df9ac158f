"""What applications, systems and resource servers ask of the OpenID Provider without a browser."""

import json
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from bench.applications import (
    APPLICATION,
    BACK_END,
    EXCHANGE,
    RESOURCE,
    RESOURCE_SERVER,
    SYSTEM_BY_POST,
    SYSTEM_WITH_KEY,
)
from bench.http import Answer, Browser
from bench.operations import Begin, authorization_request, code_of, redeem
from bench.service import Holder, Service

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TYPE = "urn:ietf:params:oauth:token-type:access_token"


def client_credentials_with_key(
    service: Service, browser: Browser, holder: Holder
) -> Callable[[], None]:
    """client_credentials with private_key_jwt, an assertion of its own each time."""

    def run() -> None:
        assertion = signed_assertion(service.applications.key, SYSTEM_WITH_KEY, service.issuer)
        _token(
            browser,
            grant_type="client_credentials",
            client_assertion_type=ASSERTION,
            client_assertion=assertion,
        )

    return run


def client_credentials_with_secret(
    service: Service, browser: Browser, holder: Holder
) -> Callable[[], None]:
    """client_credentials with a secret in the form."""
    return lambda: _discard(
        _token(
            browser,
            grant_type="client_credentials",
            client_id=SYSTEM_BY_POST,
            client_secret=service.applications.secret,
        )
    )


def refresh(service: Service, browser: Browser, holder: Holder) -> Callable[[], None]:
    """A refresh token of a confidential application, used again and again."""
    refresh_token = obtained(service, browser)["refresh_token"]
    return lambda: _discard(
        _token(
            browser,
            grant_type="refresh_token",
            refresh_token=refresh_token,
            client_id=APPLICATION,
            client_secret=service.applications.secret,
        )
    )


def introspection(service: Service, browser: Browser, holder: Holder) -> Callable[[], None]:
    """A resource server asks about a person's access token."""
    access_token = obtained(service, browser, resource=RESOURCE)["access_token"]

    def run() -> None:
        answer = browser.post_as_application(
            "/introspect",
            {
                "token": access_token,
                "client_id": RESOURCE_SERVER,
                "client_secret": service.applications.secret,
            },
        )
        assert answer.json()["active"], answer.body

    return run


def userinfo(service: Service, browser: Browser, holder: Holder) -> Callable[[], None]:
    """The claims of an access token."""
    access_token = obtained(service, browser)["access_token"]

    def run() -> None:
        answer = browser.get("/userinfo", bearer=access_token)
        assert answer.status == 200, answer.body

    return run


def token_exchange(service: Service, browser: Browser, holder: Holder) -> Callable[[], None]:
    """A back end exchanges a person's access token for one for another resource."""
    access_token = obtained(service, browser)["access_token"]
    return lambda: _discard(
        _token(
            browser,
            grant_type=EXCHANGE,
            subject_token=access_token,
            subject_token_type=TYPE,
            resource=RESOURCE,
            client_id=BACK_END,
            client_secret=service.applications.secret,
        )
    )


def discovery(service: Service, browser: Browser, holder: Holder) -> Callable[[], None]:
    """The metadata."""
    return lambda: _discard(browser.get("/.well-known/openid-configuration"))


def jwks(service: Service, browser: Browser, holder: Holder) -> Callable[[], None]:
    """The key set."""
    return lambda: _discard(browser.get("/jwks"))


PROTOCOL: dict[str, Begin] = {
    "d  refresh": refresh,
    "e  client_credentials, private_key_jwt": client_credentials_with_key,
    "f  client_credentials, secret": client_credentials_with_secret,
    "g  introspection": introspection,
    "h  userinfo": userinfo,
    "i  token exchange": token_exchange,
    "j  discovery": discovery,
    "k  JWKS": jwks,
}


def obtained(service: Service, browser: Browser, **asked: str) -> dict[str, str]:
    """The tokens of a code flow of the application."""
    verifier, path = authorization_request(**asked)
    code = code_of(browser.get(path).headers["location"])
    return redeem(service, browser, code, verifier)


def signed_assertion(key: ec.EllipticCurvePrivateKey, client_id: str, issuer: str) -> str:
    """A JWT by which a client authenticates (RFC 7523 §3)."""
    now = int(time.time())
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": issuer,
        "jti": str(uuid.uuid4()),
        "iat": now,
        "exp": now + 60,
    }
    signed = _segment({"alg": "ES256"}) + b"." + _segment(claims)
    r, s = decode_dss_signature(key.sign(signed, ec.ECDSA(SHA256())))
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return (signed + b"." + urlsafe_b64encode(signature).rstrip(b"=")).decode()


def _segment(content: Mapping[str, object]) -> bytes:
    return urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=")


def _token(browser: Browser, **fields: str) -> dict[str, str]:
    answer = browser.post_as_application("/token", fields)
    assert answer.status == 200, answer.body
    tokens: dict[str, str] = answer.json()
    return tokens


def _discard(answer: Answer | dict[str, str]) -> None:
    """What came is not looked at: measuring is for the server."""
