"""A second, independent relying application: npm's openid-client 6, run by Node.

https://github.com/panva/openid-client. `make test` installs it from the registry by its lock.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from authn.clients.client_registration.registration import register_client
from authn.db.transaction import writing
from authn.keys.signing_keys import ensure_signing_keys
from tests.citizen import Screen, enrolled
from tests.conftest import LiveService
from tests.journeys.applications import registered
from tests.oidc.other_screens import TELEVISION, decide

FOLDER = Path(__file__).parent / "openid_client"
ADDRESS = "http://localhost:65001"

pytestmark = pytest.mark.journey


@pytest.fixture(scope="module")
def node() -> str:
    """The path of Node; where it is missing the summary says so."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("NODE IS MISSING: openid-client was not tried against us")
    assert (FOLDER / "node_modules" / "openid-client").is_dir(), "`make test` installs it"
    return found


@pytest.mark.parametrize("public", [False, True], ids=["confidential", "public"])
def test_openid_client_signs_in_and_out(node: str, live: LiveService, public: bool) -> None:
    registration = registered(live, ADDRESS, "openid-client", public=public)
    environment = {
        "ISSUER": live.address,
        "CLIENT_ID": registration.client_id,
        "CLIENT_SECRET": registration.client_secret,
        "REDIRECT_URI": registration.redirect_uri,
        "SCOPE": "openid profile ssin",
    }
    with (
        httpx2.Client(base_url=live.address) as client,
        subprocess.Popen(
            [node, "journey.mjs"],
            cwd=FOLDER,
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        person, screen = enrolled(live.site, client, origin=live.address)
        callback = _allow(screen, _line(process)["authorization"])
        assert process.stdin is not None
        process.stdin.write(callback + "\n")
        process.stdin.flush()
        told = _line(process)
        end_session = _line(process)["endSession"]
        _check_claims(told, registration.client_id, person.full_name)
        _sign_out(screen, end_session)
    assert process.returncode == 0


def test_openid_client_is_let_in_by_a_code(node: str, live: LiveService) -> None:
    with writing(live.site.database) as connection:
        register_client(connection, live.site.secrets, live.site.clock(), **TELEVISION)
    ensure_signing_keys(live.site.database, live.site.secrets, live.site.clock())
    environment = {
        "ISSUER": live.address,
        "CLIENT_ID": TELEVISION["client_id"],
        "SCOPE": "openid profile",
    }
    with (
        httpx2.Client(base_url=live.address) as client,
        subprocess.Popen(
            [node, "device.mjs"],
            cwd=FOLDER,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        person, screen = enrolled(live.site, client, origin=live.address)
        decide(screen, _line(process)["user_code"])
        told = _line(process)
        assert told["claims"]["aud"] == TELEVISION["client_id"]
        assert told["userinfo"]["name"] == person.full_name
    assert process.returncode == 0


def _line(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, "openid-client refused: see its message above"
    answer: dict[str, Any] = json.loads(line)
    return answer


def _allow(screen: Screen, authorization: str) -> str:
    """Where the person's browser comes back to the application."""
    consent = screen.client.get(authorization).headers["location"]
    token = parse_qs(urlsplit(consent).query)["request"][0]
    page = screen.answer_page("/consent", token, decision="allow").text
    return page.partition('data-location="')[2].partition('"')[0].replace("&amp;", "&")


def _check_claims(told: dict[str, Any], client_id: str, name: str) -> None:
    claims, userinfo = told["claims"], told["userinfo"]
    assert claims["aud"] == client_id
    assert claims["acr"] == "urn:authn:level:device"
    assert "pop" in claims["amr"]
    assert "nbf" not in claims
    assert "ssin" not in claims
    assert userinfo["sub"] == claims["sub"]
    assert userinfo["name"] == name
    assert userinfo["ssin"] == "03410100128"


def _sign_out(screen: Screen, end_session: str) -> None:
    page = screen.client.get(end_session).text
    token = page.partition('name="logout" value="')[2].partition('"')[0]
    done = screen.post_form("/logout/confirm", logout=token)
    assert f'data-location="{ADDRESS}/?state=bye"' in done.text
    assert screen.client.get("/devices").status_code == 303
