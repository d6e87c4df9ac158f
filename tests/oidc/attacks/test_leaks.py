"""What answers, logs and the audit log must not hold: whatever is worth something to a thief.

What a naive provider does: it writes requests into its log "while debugging", and says in an error
what it could not accept. What is at rest in the database is in `test_secrets_at_rest`.
"""

import base64
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response
from sqlalchemy import select
from starlette.testclient import TestClient

from authn.audit.log import audit_events
from authn.clients.clients import JWT_BEARER, TOKEN_EXCHANGE
from authn.db.transaction import reading
from authn.oidc.grant_types.token_exchange import ACCESS_TOKEN
from authn.settings import Settings
from authn.web.site import Site
from tests.citizen import SSIN
from tests.oidc.attacks.every_token import (
    PLACES,
    Service,
    everything_on,
    mint,
    open_service,
)
from tests.oidc.client_keys import ASSERTION_TYPE
from tests.oidc.registrant import post
from tests.oidc.relying_party import Holder, basic

pytestmark = pytest.mark.thorough

MARK = "Zm9vYmFy-never-repeat-this"


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    return everything_on(settings, tmp_path)


@pytest.fixture
def service(site: Site, client: TestClient, backchannel: TestClient, holder: Holder) -> Service:
    return open_service(site, client, backchannel, holder)


def test_no_token_is_logged_or_on_record(
    site: Site, service: Service, capfd: pytest.CaptureFixture[str]
) -> None:
    """Each is sent to each place, where it is right and where it is wrong."""
    tokens = mint(service)
    for _, believes in PLACES.values():
        for token in tokens.values():
            believes(service, token)
    written = "".join(capfd.readouterr())
    assert "event='request'" in written
    with reading(site.database) as connection:
        written += str(connection.execute(select(audit_events)).all())
    secrets = {**tokens, "secret": service.rp.client_secret, "number": SSIN}
    for kind, token in secrets.items():
        for part in {token, token.rpartition(".")[2], token.rpartition(":")[2]}:
            assert part not in written, kind
    birth = f"{SSIN[:2]}.{SSIN[2:4]}.{SSIN[4:6]}"
    assert birth not in written


def forms() -> list[dict[str, str]]:
    """Token requests with the mark in each of the places where there is one."""
    fields = ("grant_type", "code", "redirect_uri", "code_verifier", "refresh_token", "scope")
    more = ("resource", "assertion", "subject_token", "subject_token_type", "client_assertion")
    found = []
    for name in (*fields, *more, "client_assertion_type", "device_code", "audience", "actor_token"):
        for grant_type in ("authorization_code", "refresh_token", TOKEN_EXCHANGE, JWT_BEARER):
            form = {
                "grant_type": grant_type,
                "code": "x",
                "refresh_token": "x",
                "assertion": "x.y.z",
                "subject_token": "x",
                "subject_token_type": ACCESS_TOKEN,
                "redirect_uri": "https://hospital.example/callback",
            }
            found.append(form | {name: MARK})
    return found


def says_nothing_of(answer: Response, mark: str = MARK) -> None:
    assert answer.status_code < 500
    assert mark not in answer.text
    assert mark not in str(answer.headers)


def test_no_error_of_a_client_s_endpoint_repeats_what_was_sent(service: Service) -> None:
    for form in forms():
        says_nothing_of(service.token(**form))
    http, headers = service.backchannel, {"Authorization": basic("hospital", MARK)}
    for path in ("/token", "/par", "/revoke", "/introspect", "/device_authorization"):
        says_nothing_of(http.post(path, data={"token": MARK, "grant_type": MARK}, headers=headers))
        asserted = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": f"{MARK}.x.y"}
        says_nothing_of(http.post(path, data=asserted))
        says_nothing_of(http.post(path, data={"client_id": MARK, "client_secret": MARK}))
        says_nothing_of(http.post(path, content=MARK, headers={"Content-Type": "text/plain"}))
    for header in (f"Bearer {MARK}", f"DPoP {MARK}", f"Basic {MARK}", MARK):
        says_nothing_of(http.get("/userinfo", headers={"Authorization": header}))
        says_nothing_of(http.get(f"/register/{MARK}", headers={"Authorization": header}))
        says_nothing_of(http.get("/userinfo", headers={"Authorization": "DPoP x", "DPoP": MARK}))
    for member in ("redirect_uris", "scope", "jwks", "jwks_uri", "software_statement", "tos_uri"):
        for value in (MARK, [MARK], {"keys": [MARK]}):
            says_nothing_of(post(http, {"redirect_uris": ["x:" + MARK], member: value}))


NAMES = [
    *("response_type", "response_mode", "scope", "nonce", "code_challenge", "prompt", "max_age"),
    *("code_challenge_method", "id_token_hint", "request", "request_uri", "claims", "resource"),
    *("authorization_details", "dpop_jkt", "acr_values", "login_hint", "registration"),
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.one_engine
def test_no_error_on_the_redirect_uri_repeats_what_was_sent(service: Service, name: str) -> None:
    """`state` alone comes back: that is what it is for."""
    rp = service.rp
    for answer in (
        rp.authorize(**{name: MARK}),
        rp.authorize(**{name: f'{{"{MARK}": 1}}'}),
        rp.authorize(**{name: MARK, "response_mode": "form_post"}),
    ):
        says_nothing_of(answer)
    says_nothing_of(rp.authorize(redirect_uri="https://evil.example/" + MARK))
    says_nothing_of(rp.authorize(client_id=MARK))
    says_nothing_of(rp.browser.get("/login", params={"request": MARK, "return_to": MARK}))
    says_nothing_of(rp.browser.get("/logout", params={"id_token_hint": MARK, "client_id": MARK}))


@pytest.mark.parametrize(
    "authenticate",
    [
        lambda client_id: {"headers": {"Authorization": basic(client_id, "x" * 43)}},
        lambda client_id: {"data": {"client_id": client_id, "client_secret": "x" * 43}},
        lambda client_id: {"data": {"client_id": client_id}},
    ],
)
@pytest.mark.parametrize("path", ["/token", "/par", "/revoke", "/introspect"])
def test_who_exists_is_not_told_by_who_is_refused(
    service: Service, path: str, authenticate: Callable[[str], dict[str, Any]]
) -> None:
    """An unknown client, a wrong secret, another method, a client that has ended: one answer."""
    answers = set()
    for client_id in ("hospital", "signer", "letters", "nobody", "cbe-0406798006", "x" * 200):
        said = authenticate(client_id)
        said["data"] = {"grant_type": "refresh_token", "token": "x", **said.get("data", {})}
        answer = service.backchannel.post(path, **said)
        headers = sorted(answer.headers.items())
        answers.add((answer.status_code, answer.text, str(headers)))
    assert len(answers) == 1, answers


def test_a_header_can_not_be_written_by_what_is_sent(service: Service) -> None:
    injected = "a\r\nSet-Cookie: x=y\r\n\r\n<html>"
    rp = service.rp
    for mode in ("query", "jwt", "form_post"):
        for more in ({}, {"prompt": "none", "max_age": "0"}, {"response_type": "token"}):
            answer = rp.authorize(state=injected, response_mode=mode, **more)
            assert not [each for each in answer.headers.get_list("set-cookie") if "x=y" in each]
            assert not re.search("[\r\n]", str(answer.headers.get("location", "")))
            assert "<html>" not in answer.text.replace("<html lang", "")
    encoded = base64.b64encode(f"hospital:{injected}".encode()).decode()
    answer = service.backchannel.post("/token", headers={"Authorization": f"Basic {encoded}"})
    assert "x=y" not in str(answer.headers)
