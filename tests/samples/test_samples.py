"""Each sample signs a person in, in a real browser, with the library that it is for."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse
from starlette.routing import Route

from authn.clients.client_registration.registration import RegisteredClient, register_client
from authn.db.transaction import writing
from authn.keys.signing_keys import ensure_signing_keys
from authn.views.client_sample import sample_configuration
from tests import browser, patience
from tests.browser import LAPTOP, attach_authenticator, new_context
from tests.citizen import SSIN, activation_code
from tests.conftest import LiveService
from tests.patience import until
from tests.samples import apache

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "docs" / "samples"
NODE_MODULES = ROOT / "tests" / "journeys" / "openid_client" / "node_modules"

pytestmark = [pytest.mark.journey, pytest.mark.one_engine]


@pytest.fixture
def address() -> Iterator[str]:
    """Where the sample will listen."""
    with browser.reserved_port() as port:
        yield f"http://localhost:{port}"


@pytest.fixture
def node() -> str:
    """The path of Node; where it is missing the summary says so."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("NODE IS MISSING: this sample was not tried")
    assert NODE_MODULES.is_dir(), "`make test` installs it"
    return found


def registered(live: LiveService, **metadata: Any) -> RegisteredClient:
    site, now = live.site, live.site.clock()
    ensure_signing_keys(site.database, site.secrets, now)
    with writing(site.database) as connection:
        return register_client(connection, site.secrets, now, client_name="Sample", **metadata)


def environment(live: LiveService, address: str, made: RegisteredClient) -> dict[str, str]:
    """What each sample reads."""
    return {
        "ISSUER": live.address,
        "CLIENT_ID": made.client.client_id,
        "CLIENT_SECRET": made.client_secret or "",
        "ADDRESS": address,
    }


def web_application(live: LiveService, address: str) -> dict[str, str]:
    made = registered(
        live,
        redirect_uris=[f"{address}/callback"],
        post_logout_redirect_uris=[f"{address}/"],
    )
    return environment(live, address, made)


@contextmanager
def running(command: list[str], address: str, variables: dict[str, str]) -> Iterator[None]:
    """The sample runs and answers."""
    with subprocess.Popen(command, env=os.environ | variables, cwd=ROOT) as process:
        try:
            wait_for(address, process)
            yield
        finally:
            process.terminate()


def wait_for(address: str, process: subprocess.Popen[Any] | None = None) -> None:
    def answers() -> bool:
        assert process is None or process.poll() is None, "the sample ended"
        try:
            httpx2.get(address, timeout=patience.SECONDS)
        except httpx2.TransportError:
            return False
        return True

    until(answers, "an answer of the sample")


def person_with_device(live: LiveService, chromium: Browser) -> Page:
    """The browser of somebody who has enrolled this computer and signed out again."""
    page = new_context(chromium).new_page()
    attach_authenticator(page, LAPTOP)
    page.add_init_script("PublicKeyCredential.isConditionalMediationAvailable = async () => false")
    _, code = activation_code(live.site)
    page.goto(f"{live.address}/activate#{code}")
    page.get_by_label("National register number").fill(SSIN)
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Make this device my key").click()
    expect(page.get_by_role("heading", name="You can now sign in")).to_be_visible()
    page.context.clear_cookies()
    return page


def sign_in_here(page: Page) -> None:
    """The pages of this service, from the one that asks for the key to the one that allows."""
    page.get_by_role("button", name="Sign in with your device").click()
    page.get_by_role("button", name="Allow", exact=True).click()


def signs_in_and_out(page: Page, address: str) -> None:
    """By the links that the samples show."""
    page.goto(address)
    page.get_by_text("Sign in", exact=True).click()
    sign_in_here(page)
    expect(page.get_by_role("heading", name="Hello, Hanne")).to_be_visible()
    page.get_by_text("Sign out", exact=True).click()
    page.locator("#main").get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_role("heading", name="Nobody is signed in")).to_be_visible()


def test_openid_client(live: LiveService, chromium: Browser, node: str, address: str) -> None:
    sample = NODE_MODULES / f"sample-{os.getpid()}.mjs"  # where Node finds the library
    shutil.copyfile(SAMPLES / "openid_client.mjs", sample)
    try:
        with running([node, str(sample)], address, web_application(live, address)):
            signs_in_and_out(person_with_device(live, chromium), address)
    finally:
        sample.unlink()


def test_authlib(live: LiveService, chromium: Browser, address: str) -> None:
    command = [sys.executable, str(SAMPLES / "authlib_application.py")]
    with running(command, address, web_application(live, address)):
        signs_in_and_out(person_with_device(live, chromium), address)


def test_oidc_client_ts(live: LiveService, chromium: Browser, node: str) -> None:
    listener = browser.free_socket()
    address = f"http://localhost:{listener.getsockname()[1]}"
    made = registered(
        live,
        redirect_uris=[f"{address}/"],
        post_logout_redirect_uris=[f"{address}/"],
        token_endpoint_auth_method="none",
    )
    settings = {"issuer": live.address, "clientId": made.client.client_id}
    script = NODE_MODULES / "oidc-client-ts" / "dist" / "browser" / "oidc-client-ts.min.js"

    async def told(request: Request) -> JSONResponse:
        return JSONResponse(settings)

    async def page_itself(request: Request) -> FileResponse:
        return FileResponse(SAMPLES / "oidc_client_ts.html")

    async def library(request: Request) -> FileResponse:
        return FileResponse(script)

    routes = [
        Route("/", page_itself),
        Route("/settings.json", told),
        Route("/oidc-client-ts.min.js", library),
    ]
    with browser.serving(Starlette(routes=routes), listener):
        signs_in_and_out(person_with_device(live, chromium), address)


def test_requests_oauthlib(live: LiveService, chromium: Browser) -> None:
    made = registered(
        live,
        redirect_uris=["http://127.0.0.1/callback"],
        token_endpoint_auth_method="none",
        application_type="native",
    )
    page = person_with_device(live, chromium)
    command = [sys.executable, str(SAMPLES / "requests_oauthlib_script.py")]
    # No window of this machine opens: the test is the browser.
    variables = environment(live, "", made) | {"BROWSER": "true"}
    with subprocess.Popen(
        command, env=os.environ | variables, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        page.goto(process.stdout.readline().rpartition(" ")[2].strip())
        sign_in_here(page)
        expect(page.get_by_role("heading", name="You can close this window")).to_be_visible()
        assert process.stdout.readline().startswith("Hello, Hanne")
    assert process.returncode == 0


def test_mod_auth_openidc(
    live: LiveService, chromium: Browser, address: str, tmp_path: Path
) -> None:
    if not apache.is_here():
        pytest.skip("APACHE OR mod_auth_openidc IS MISSING: this sample was not tried")
    made = registered(live, redirect_uris=[f"{address}/signed-in"])
    port = int(address.rpartition(":")[2])
    page = person_with_device(live, chromium)
    variables = environment(live, address, made)
    with apache.running(SAMPLES / "mod_auth_openidc.conf", tmp_path, port, variables):
        wait_for(address)
        page.goto(address)
        sign_in_here(page)
        expect(page.get_by_role("heading", name="Hello, Hanne")).to_be_visible()


def test_the_printed_configuration_of_openid_client(
    live: LiveService, node: str, address: str
) -> None:
    made = registered(live, redirect_uris=[f"{address}/callback"])
    program = sample_configuration(live.address, made.client).partition("# Python")[0]
    program += "console.log(config.serverMetadata().issuer)"
    said = subprocess.run(
        [node, "--input-type=module", "--eval", program],
        cwd=NODE_MODULES.parent,
        env=os.environ | {"CLIENT_SECRET": made.client_secret or ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == live.address


def test_every_sample_is_tried() -> None:
    tried = {
        "authlib_application.py",
        "mod_auth_openidc.conf",
        "oidc_client_ts.html",
        "openid_client.mjs",
        "requests_oauthlib_script.py",
    }
    assert {path.name for path in SAMPLES.iterdir()} == tried
