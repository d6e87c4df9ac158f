"""Every kind of token that there is, and every place that takes one, for one person and client.

All that is signed by others is signed with one key, so that only what a token says tells them
apart.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from httpx2 import Response
from starlette.testclient import TestClient

from authn.clients.assertion_issuers import AssertionIssuer, register_assertion_issuer
from authn.clients.client_metadata import ClientMetadata
from authn.clients.clients import JWT_BEARER, TOKEN_EXCHANGE
from authn.clients.resource_servers.exchange_pairs import ExchangePair, allow_exchange
from authn.db.transaction import reading, writing
from authn.keys.signing_keys import current_keys
from authn.oidc.grant_types.token_exchange import ACCESS_TOKEN
from authn.oidc.introspect import MEDIA_TYPE
from authn.oidc.security_events.backchannel_logout import build_logout_token
from authn.secrets import new_token
from authn.settings import Settings
from authn.web.site import Site
from tests.citizen import ORIGIN
from tests.oidc.client_keys import ClientKey, asserted, assertion
from tests.oidc.dpop_proofs import DpopKey
from tests.oidc.pushing import pushed
from tests.oidc.refreshing import GRANT_TYPES, refresh
from tests.oidc.registrant import bearer, post, registered
from tests.oidc.relying_party import Holder, RelyingParty, basic, register, segment
from tests.oidc.resource_servers import API, ResourceServer, resource_server

BYE = "https://hospital.example/bye"
ISSUER = "https://partner.example"
STATEMENTS = "https://directory.example"
SCOPE = "openid letters offline_access"
KEY = ClientKey.shared("ES256")
PROOF_KEY = DpopKey()


def everything_on(settings: Settings, directory: Path) -> Settings:
    """A service at which whoever likes registers, also with a software statement."""
    keys = directory / "statements.json"
    keys.write_text(json.dumps(KEY.jwks))
    return settings.model_copy(
        update={"registration": "open", "software_statement_issuers": {STATEMENTS: keys}}
    )


@dataclass(slots=True)
class Service:
    """The hospital, which may do everything; a client that signs; the API that asks."""

    site: Site
    rp: RelyingParty
    signer: RelyingParty
    api: ResourceServer
    backchannel: TestClient
    own_registration: dict[str, Any]

    def token(self, **form: str) -> Response:
        """The answer of /token to the hospital."""
        headers = {"Authorization": basic("hospital", self.rp.client_secret)}
        if "proof" in form:
            headers["DPoP"] = form.pop("proof")
        return self.backchannel.post("/token", data=form, headers=headers)

    def exchange(self, **form: str) -> Response:
        """The answer to a token exchange for the API."""
        asked = {
            "grant_type": TOKEN_EXCHANGE,
            "subject_token_type": ACCESS_TOKEN,
            "resource": API,
        }
        return self.token(**(asked | form))


def open_service(
    site: Site, browser: TestClient, backchannel: TestClient, holder: Holder
) -> Service:
    """Everybody is registered, and the holder has allowed the hospital everything."""
    api = resource_server(site, backchannel)
    rp = register(
        site,
        browser,
        client_id="hospital",
        scope=SCOPE,
        post_logout_redirect_uris=[BYE],
        resources=[API],
        first_party=True,
        metadata=ClientMetadata(
            grant_types=(*GRANT_TYPES, TOKEN_EXCHANGE, JWT_BEARER),
            jwks=KEY.jwks,
            userinfo_signed_response_alg="ES256",
        ),
    )
    signer = register(
        site,
        browser,
        client_id="signer",
        token_endpoint_auth_method="private_key_jwt",
        metadata=ClientMetadata(jwks=KEY.jwks),
    )
    with writing(site.database) as connection:
        pair = ExchangePair("hospital", "hospital", API)
        allow_exchange(connection, site.secrets, pair, site.clock())
        issuer = AssertionIssuer(ISSUER, KEY.jwks, None, "hospital", "hospital", site.clock())
        register_assertion_issuer(connection, site.secrets, issuer)
    return Service(site, rp, signer, api, backchannel, registered(backchannel))


def mint(service: Service) -> dict[str, str]:
    """One fresh token of each kind."""
    rp, now = service.rp, service.site.clock()
    tokens = rp.tokens(scope=SCOPE.removesuffix(" offline_access"), resource=None)
    of_api = rp.tokens(scope=SCOPE, resource=API)
    said = segment(tokens["id_token"], 1)
    with reading(service.site.database) as connection:
        keys = current_keys(service.site, connection, now)
    told = rp.authorize(response_mode="jwt").headers["location"]
    life = {"iat": int(now.timestamp()), "exp": int((now + timedelta(minutes=2)).timestamp())}
    own = rp.tokens(scope="openid", resource=None)["access_token"]
    return {
        "ID token": tokens["id_token"],
        "access token": own,
        "access token of the API": of_api["access_token"],
        "refresh token": of_api["refresh_token"],
        "code": rp.code(),
        "logout token": build_logout_token(
            service.site, keys, rp.client, said["sub"], said["sid"], now
        ),
        "response of /authorize": parse_qs(urlsplit(told).query)["response"][0],
        "claims of /userinfo": rp.userinfo(own).text,
        "answer of /introspect": service.api.introspect(of_api["access_token"], MEDIA_TYPE).text,
        "client assertion": assertion("signer", ORIGIN, KEY, now),
        "request object": KEY.sign({**rp.request(scope="openid"), "aud": ORIGIN, **life}),
        "DPoP proof": PROOF_KEY.proof("POST", f"{ORIGIN}/token", now),
        "assertion": KEY.sign(
            {"iss": ISSUER, "sub": said["sub"], "aud": ORIGIN, "jti": new_token(16), **life}
        ),
        "software statement": KEY.sign(
            {"iss": STATEMENTS, "redirect_uris": ["https://stated.example/cb"]}
        ),
        "waiting request": _waiting(rp),
        "request_uri": pushed(rp),
        "registration access token": service.own_registration["registration_access_token"],
    }


def _waiting(rp: RelyingParty) -> str:
    location = rp.authorize(prompt="select_account").headers["location"]
    return parse_qs(urlsplit(location).query)["request"][0]


# Whether each place believes what it is given, and the kinds that are meant for it.
PLACES: dict[str, tuple[frozenset[str], Callable[[Service, str], bool]]] = {
    "/userinfo": (
        frozenset({"access token"}),
        lambda service, token: service.rp.userinfo(token).status_code == 200,
    ),
    "/introspect": (
        frozenset({"access token of the API"}),
        lambda service, token: bool(service.api.learns(token)["active"]),
    ),
    "subject_token": (
        frozenset({"access token", "access token of the API"}),
        lambda service, token: service.exchange(subject_token=token).status_code == 200,
    ),
    "actor_token": (
        frozenset({"access token", "access token of the API"}),
        lambda service, token: (
            service.exchange(
                subject_token=service.rp.tokens(resource=None, scope="openid")["access_token"],
                actor_token=token,
                actor_token_type=ACCESS_TOKEN,
            ).status_code
            == 200
        ),
    ),
    "id_token_hint at /authorize": (
        frozenset({"ID token"}),
        lambda service, token: "code" in service.rp.answer(id_token_hint=token),
    ),
    "id_token_hint at /logout": (
        frozenset({"ID token"}),
        lambda service, token: (
            BYE
            in service.backchannel.get(
                "/logout", params={"id_token_hint": token, "post_logout_redirect_uri": BYE}
            ).text
        ),
    ),
    "client_assertion": (
        frozenset({"client assertion"}),
        lambda service, token: (
            service.backchannel.post("/revoke", data=asserted(token, token="x")).status_code == 200
        ),
    ),
    "request": (
        frozenset({"request object"}),
        lambda service, token: (
            "code=" in service.rp.authorize(scope=None, request=token).headers.get("location", "")
        ),
    ),
    "DPoP": (
        frozenset({"DPoP proof"}),
        lambda service, token: (
            service.token(
                grant_type="authorization_code",
                code=service.rp.code(),
                redirect_uri=service.rp.redirect_uri,
                code_verifier="dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
                proof=token,
            ).status_code
            == 200
        ),
    ),
    "assertion": (
        frozenset({"assertion"}),
        lambda service, token: (
            service.token(grant_type=JWT_BEARER, assertion=token).status_code == 200
        ),
    ),
    "software_statement": (
        frozenset({"software statement"}),
        lambda service, token: (
            post(
                service.backchannel,
                {"redirect_uris": ["https://app.example/cb"], "software_statement": token},
            ).status_code
            == 201
        ),
    ),
    "refresh_token": (
        frozenset({"refresh token"}),
        lambda service, token: refresh(service.rp, token).status_code == 200,
    ),
    "code": (
        frozenset({"code"}),
        lambda service, token: service.rp.redeem(token).status_code == 200,
    ),
    "/login/continue": (
        frozenset({"waiting request"}),
        lambda service, token: (
            service.rp.browser.get("/login/continue", params={"request": token}).status_code == 303
        ),
    ),
    "request_uri": (
        frozenset({"request_uri"}),
        lambda service, token: (
            "code="
            in service.rp.browser.get(
                "/authorize", params={"client_id": "hospital", "request_uri": token}
            ).headers.get("location", "")
        ),
    ),
    "/register": (
        frozenset({"registration access token"}),
        lambda service, token: (
            service.backchannel.get(
                f"/register/{service.own_registration['client_id']}", headers=bearer(token)
            ).status_code
            == 200
        ),
    ),
}
