"""Whatever takes a token of ours takes nothing else: JSON Web Token Best Current Practices,
RFC 8725 (https://www.rfc-editor.org/rfc/rfc8725).

Each forgery keeps the claims of a token that is accepted, and its `kid`.
"""

import hmac
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey
from joserfc.jws import JWSRegistry
from starlette.testclient import TestClient

from authn import jose
from authn.audit.days import AuditDay, SignedDay
from authn.db.transaction import reading
from authn.jose import ES256, OwnKey, generate_key, public_jwk, sign
from authn.keys.audit_days import is_signed
from authn.keys.audit_files import FILE, is_file_signed
from authn.keys.audit_heads import DAY as AUDIT_DAY
from authn.keys.rotation import withdraw
from authn.keys.signing_keys import SigningKeys, load_keys
from authn.web.site import Site
from tests.conftest import MovableClock
from tests.oidc.relying_party import Holder, RelyingParty, b64, segment
from tests.oidc.resource_servers import API, application, resource_server

pytestmark = pytest.mark.thorough

BYE = "https://hospital.example/bye"

Forge = Callable[["Genuine"], str]


@dataclass(frozen=True, slots=True)
class Genuine:
    """A token that is accepted, and the key that signed it, whose public half everybody knows."""

    token: str
    key: OwnKey

    @property
    def header(self) -> dict[str, Any]:
        return segment(self.token, 0)

    @property
    def claims(self) -> dict[str, Any]:
        return segment(self.token, 1)

    def signed(self, header: dict[str, Any], alg: str, key: Any) -> str:
        """The same claims under another header, signed with a key of the forger's."""
        content = f"{b64(header)}.{b64(self.claims)}"
        signature = JWSRegistry.algorithms[alg].sign(content.encode(), key)
        return f"{content}.{b64(signature)}"


STRANGER = ECKey.generate_key("P-256", private=True)
STRANGER_RSA = RSAKey.generate_key(2048, private=True)


def hs256(genuine: Genuine, secret: bytes) -> str:
    content = f"{b64(genuine.header | {'alg': 'HS256'})}.{b64(genuine.claims)}"
    return f"{content}.{b64(hmac.digest(secret, content.encode(), 'sha256'))}"


def with_header(**members: Any) -> Forge:
    """Signed by the stranger, whose key the header brings along or points to."""
    return lambda genuine: genuine.signed(genuine.header | members, "ES256", STRANGER)


def by_us(**members: Any) -> Forge:
    """Signed with our own key, but the header says more: even then it has no say."""
    return lambda genuine: genuine.signed(genuine.header | members, "ES256", genuine.key.key)


FORGERIES: dict[str, Forge] = {
    "none": lambda genuine: f"{b64(genuine.header | {'alg': 'none'})}.{b64(genuine.claims)}.",
    "None": lambda genuine: f"{b64(genuine.header | {'alg': 'None'})}.{b64(genuine.claims)}.",
    "none, signed": lambda genuine: ".".join(
        [b64(genuine.header | {"alg": "none"}), *genuine.token.split(".")[1:]]
    ),
    "no signature": lambda genuine: genuine.token.rpartition(".")[0] + ".",
    "two segments": lambda genuine: genuine.token.rpartition(".")[0],
    "HS256 with our JWK": lambda genuine: hs256(
        genuine, json.dumps(public_jwk(genuine.key)).encode()
    ),
    "HS256 with our PEM": lambda genuine: hs256(genuine, genuine.key.key.as_pem(private=False)),
    "HS256 with nothing": lambda genuine: hs256(genuine, b""),
    "another key under our kid": with_header(),
    "RS256 under our kid": lambda genuine: genuine.signed(
        genuine.header | {"alg": "RS256"}, "RS256", STRANGER_RSA
    ),
    "jwk": with_header(jwk=STRANGER.as_dict(private=False)),
    "jku": with_header(jku="https://evil.example/jwks"),
    "x5u": with_header(x5u="https://evil.example/cert.pem"),
    "x5c": with_header(x5c=["MIIB"]),
    "crit": by_us(crit=["exp"]),
    "unknown crit": by_us(crit=["https://evil.example/x"], **{"https://evil.example/x": 1}),
    "b64": by_us(crit=["b64"], b64=False),
    "zip": by_us(zip="DEF"),
    "jwk of ours": by_us(jwk=STRANGER.as_dict(private=False)),
    "wrong typ": by_us(typ="other+jwt"),
    "no typ": lambda genuine: genuine.signed(
        {name: value for name, value in genuine.header.items() if name != "typ"},
        "ES256",
        genuine.key.key,
    ),
    "no kid": lambda genuine: genuine.signed(
        {name: value for name, value in genuine.header.items() if name != "kid"},
        "ES256",
        genuine.key.key,
    ),
    "another kid": lambda genuine: sign(generate_key(ES256), genuine.claims, genuine.header["typ"]),
    "changed claims": lambda genuine: ".".join(
        [
            genuine.token.split(".")[0],
            b64(genuine.claims | {"sub": "another"}),
            genuine.token.split(".")[2],
        ]
    ),
    "another spelling": lambda genuine: genuine.token + "=",
    "shared secret": lambda genuine: genuine.signed(
        genuine.header | {"alg": "HS256"}, "HS256", OctKey.import_key("secret" * 8)
    ),
}


def keys_of(site: Site) -> SigningKeys:
    with reading(site.database) as connection:
        return load_keys(connection, site.secrets)


@dataclass(frozen=True, slots=True)
class Place:
    """What takes a token and whether it believed it; and a token that it believes."""

    believes: Callable[[str], bool]
    token: str
    # What the other tokens of the same person look like.
    others: tuple[str, ...]


@pytest.fixture
def rp(site: Site, client: TestClient, holder: Holder) -> RelyingParty:
    """An application with an address for after signing out, allowed by the holder."""
    return application(site, client, post_logout_redirect_uris=[BYE])


def at_userinfo(site: Site, rp: RelyingParty, backchannel: TestClient) -> Place:
    tokens = rp.tokens()
    return Place(
        lambda token: rp.userinfo(token).status_code == 200,
        tokens["access_token"],
        (tokens["id_token"],),
    )


def at_introspection(site: Site, rp: RelyingParty, backchannel: TestClient) -> Place:
    api = resource_server(site, backchannel)
    tokens = rp.tokens(scope="openid letters", resource=API)
    return Place(
        lambda token: api.learns(token)["active"] is True,
        tokens["access_token"],
        (tokens["id_token"],),
    )


def at_logout(site: Site, rp: RelyingParty, backchannel: TestClient) -> Place:
    tokens = rp.tokens()

    def believes(hint: str) -> bool:
        """Only who brings an ID token of ours is sent anywhere (decisions 4.15)."""
        query = {"post_logout_redirect_uri": BYE, "id_token_hint": hint}
        return BYE in backchannel.get("/logout", params=query).text

    return Place(believes, tokens["id_token"], (tokens["access_token"],))


def at_authorize(site: Site, rp: RelyingParty, backchannel: TestClient) -> Place:
    """The hint is about somebody who is not signed in here: who believes it says so."""
    tokens = rp.tokens()
    key = keys_of(site).active[ES256]
    another = {"sub": "somebody else"}
    hint, other = (
        sign(key, segment(tokens[kind], 1) | another, segment(tokens[kind], 0)["typ"])
        for kind in ("id_token", "access_token")
    )
    return Place(
        lambda token: (
            rp.answer(id_token_hint=token, prompt="none").get("error") == "login_required"
        ),
        hint,
        (other,),
    )


def at_a_day_of_the_audit_log(site: Site, rp: RelyingParty, backchannel: TestClient) -> Place:
    tokens = rp.tokens()
    day = AuditDay("2026-03-01", 1, 2, "its last link")
    claims = {"iss": site.settings.issuer, **day.claims}
    return Place(
        lambda token: is_signed(
            keys_of(site).for_hints, SignedDay(day, token, site.clock(), None, None, None)
        ),
        sign(keys_of(site).active[ES256], claims, AUDIT_DAY),
        (tokens["id_token"], tokens["access_token"]),
    )


def at_a_file_of_the_audit_log(site: Site, rp: RelyingParty, backchannel: TestClient) -> Place:
    tokens = rp.tokens()
    day = AuditDay("2026-03-01", 1, 2, "its last link")
    claims = {"iss": site.settings.issuer, **day.claims, "sha256": "of its file"}
    key = keys_of(site).active[ES256]
    return Place(
        lambda token: is_file_signed(
            keys_of(site).for_hints, SignedDay(day, "", site.clock(), None, None, token)
        ),
        sign(key, claims, FILE),
        (tokens["id_token"], tokens["access_token"], sign(key, claims, AUDIT_DAY)),
    )


PLACES = {
    "/userinfo": at_userinfo,
    "/introspect": at_introspection,
    "/logout": at_logout,
    "/authorize": at_authorize,
    "audit log": at_a_day_of_the_audit_log,
    "audit file": at_a_file_of_the_audit_log,
}


@pytest.fixture(params=PLACES)
def place(
    request: pytest.FixtureRequest, site: Site, rp: RelyingParty, backchannel: TestClient
) -> Place:
    return PLACES[request.param](site, rp, backchannel)


@pytest.mark.one_engine
@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forgery_is_refused(site: Site, place: Place, forgery: str) -> None:
    genuine = Genuine(place.token, keys_of(site).active[ES256])
    assert place.believes(place.token)
    assert not place.believes(FORGERIES[forgery](genuine))


def test_a_token_of_one_kind_is_none_of_another(
    site: Site, place: Place
) -> None:  # RFC 8725 §3.11, §3.12
    key = keys_of(site).active[ES256]
    for other in place.others:
        assert not place.believes(other)
        claims = segment(other, 1)
        assert not place.believes(sign(key, claims, "logout+jwt"))
    claims = segment(place.token, 1)
    for typ in ("logout+jwt", "token-introspection+jwt", "secevent+jwt"):
        assert not place.believes(sign(key, claims, typ))


def test_what_we_sign_of_the_same_type_is_no_id_token(
    site: Site, rp: RelyingParty, backchannel: TestClient
) -> None:
    """The answer of /authorize as a JWT (JARM) and that of /userinfo are `JWT` too."""
    key = keys_of(site).active[ES256]
    for where in (at_logout, at_authorize):
        place = where(site, rp, backchannel)
        for without in ("sid", "auth_time", "iss"):
            claims = segment(place.token, 1)
            assert place.believes(sign(key, claims))
            del claims[without]
            assert not place.believes(sign(key, claims))
        foreign = segment(place.token, 1) | {"iss": "https://other.example"}
        assert not place.believes(sign(key, foreign))


def test_nothing_of_a_withdrawn_key_is_believed(
    site: Site, place: Place, clock: MovableClock
) -> None:
    withdraw(site.database, site.secrets, site.clock(), keys_of(site).active[ES256].kid)
    clock.advance(seconds=60)
    assert not place.believes(place.token)


@pytest.mark.one_engine
def test_these_are_all_the_places() -> None:
    """One function verifies what we signed; who calls it is above, or reads access tokens."""
    callers = {
        path.name
        for path in Path(jose.__file__).parent.rglob("*.py")
        if re.search(r"authn\.jose import [^\n]*\bverify\b", path.read_text(encoding="utf-8"))
    }
    of_audit = {"audit_days.py", "audit_files.py", "audit_heads.py"}
    assert callers == {"requested_authentication.py", "active_token.py"} | of_audit
