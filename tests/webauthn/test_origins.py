"""Whose origins count in a ceremony (decisions 2.5): the service's, its operator's apps' and
sites'.

https://www.w3.org/TR/webauthn-3/#sctn-validating-origin
"""

import hashlib
from typing import Any

import pytest
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.db.transaction import reading
from authn.devices.tables import devices
from authn.own_origins import AndroidApp
from authn.settings import Settings
from authn.web.site import Site
from tests.authenticator import Authenticator
from tests.citizen import ORIGIN, Screen, activation_code, enrolled
from tests.screens import (
    another_screen,
    ceremony,
    device_in,
    everything,
    problem,
    signed_in,
)

APP = AndroidApp("be.masante.app", hashlib.sha256(b"a certificate").digest().hex(":").upper())
SITE = "https://www.masante.example"
NEARLY = {
    "another app": AndroidApp("x.y", hashlib.sha256(b"another").digest().hex(":").upper()).origin,
    "an app's package": "android:be.masante.app",
    "padded base64": APP.origin + "=",
    "another prefix": APP.origin.replace("apk-key-hash", "apk-key-hash-sha256"),
    "in capitals": APP.origin.upper(),
    "cut short": APP.origin[:-1],
    "a site below": "https://sub.www.masante.example",
    "a site that ends alike": "https://evil-www.masante.example",
    "another port": SITE + ":8443",
    "without a certificate": SITE.replace("https", "http"),
    "a list": [ORIGIN],
}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The service's operator has an Android app and a site."""
    return settings.model_copy(update={"android_apps": (APP,), "related_origins": (SITE,)})


@pytest.fixture
def screen(site: Site, client: TestClient) -> Screen:
    """Hanne, signed in."""
    return enrolled(site, client)[1]


def asserted(screen: Screen, options: Any, origin: Any) -> dict[str, Any]:
    credential = screen.authenticator.get(options, origin)
    return {"ceremony": options["ceremony"], "credential": credential}


def test_the_operators_app_enrols_and_its_origin_is_kept(site: Site, client: TestClient) -> None:
    _, code = activation_code(site)
    screen = Screen(client)
    enrolment = screen.activate(code)
    options = screen.post_json("/activate/options", {"enrolment": enrolment}).json()
    credential = screen.authenticator.create(options, APP.origin)
    answer = screen.post_json(
        "/activate/registration",
        {"enrolment": enrolment, "ceremony": options["ceremony"], "credential": credential},
    )
    device_id = device_in(answer)
    with reading(site.database) as connection:
        row = connection.execute(select(devices).where(devices.c.id == device_id)).one()
    assert row.origin == APP.origin
    assert row.rp_id == "localhost"


def test_the_operators_app_signs_in(screen: Screen) -> None:
    screen.client.cookies.clear()
    options = ceremony(screen, "/login/options")
    answer = screen.post_json("/login/assertion", asserted(screen, options, APP.origin))
    assert answer.status_code == 200, answer.text
    assert signed_in(screen)


def test_a_related_site_never_opens_a_session(site: Site, app: Starlette, screen: Screen) -> None:
    visitor = another_screen(app, screen.authenticator)
    options = ceremony(visitor, "/login/options")
    before = everything(site)
    answer = visitor.post_json("/login/assertion", asserted(visitor, options, SITE))
    assert problem(answer) == "unverified-response"
    assert everything(site) == before
    assert not signed_in(visitor)


def test_a_related_site_confirms_a_named_act(screen: Screen) -> None:
    options = ceremony(screen, "/devices/add/here/confirm-options")
    answer = screen.post_json("/devices/add/here/options", asserted(screen, options, SITE))
    assert answer.status_code == 200, answer.text


def test_a_related_site_enrols_no_key(site: Site, screen: Screen) -> None:
    options = ceremony(screen, "/devices/add/here/confirm-options")
    creation = ceremony(screen, "/devices/add/here/options", asserted(screen, options, ORIGIN))
    before = everything(site)
    credential = Authenticator().create(creation, SITE)
    content = {"ceremony": creation["ceremony"], "credential": credential}
    answer = screen.post_json("/devices/add/here/registration", content)
    assert problem(answer) == "unverified-response"
    assert everything(site) == before


@pytest.mark.parametrize("origin", NEARLY.values(), ids=NEARLY)
@pytest.mark.one_engine
def test_nearly_is_not_the_same(site: Site, screen: Screen, origin: Any) -> None:
    before = everything(site)
    for options_path, path in (
        ("/login/options", "/login/assertion"),
        ("/devices/add/here/confirm-options", "/devices/add/here/options"),
    ):
        options = ceremony(screen, options_path)
        answer = screen.post_json(path, asserted(screen, options, origin))
        assert problem(answer) == "unverified-response"
    assert everything(site) == before


def test_a_frame_of_a_related_site_is_a_frame(screen: Screen) -> None:
    for lie in ({"cross_origin": True}, {"top_origin": SITE}):
        options = ceremony(screen, "/devices/add/here/confirm-options")
        credential = screen.authenticator.get(options, ORIGIN, **lie)
        content = {"ceremony": options["ceremony"], "credential": credential}
        answer = screen.post_json("/devices/add/here/options", content)
        assert problem(answer) == "unverified-response"
