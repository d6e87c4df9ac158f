"""A person's browser: headless Chromium with a virtual authenticator, driven by Playwright.

https://www.w3.org/TR/webauthn-3/#sctn-automation-virtual-authenticators and
https://chromedevtools.github.io/devtools-protocol/tot/WebAuthn/.
"""

import os
import re
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    BrowserContext,
    CDPSession,
    Page,
    expect,
    sync_playwright,
)
from starlette.types import ASGIApp

from tests import chromium, patience
from tests.patience import until

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SCREENSHOTS = Path(__file__).parent.parent / "screenshots"
# A machine with more to do than this test is slow, and nothing is wrong. A page follows by itself
# within 2 s.
PATIENCE_MILLISECONDS = 20_000

# What the two kinds say of themselves: a laptop's key stays in its hardware, a phone's is synced.
LAPTOP = {"transport": "internal", "defaultBackupEligibility": False, "defaultBackupState": False}
PHONE = {"transport": "internal", "defaultBackupEligibility": True, "defaultBackupState": True}


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """A headless Chromium for as long as the block runs."""
    executable = chromium.find()
    if executable is None:
        raise RuntimeError(f"Chromium is missing: {chromium.what_to_type()}")
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@dataclass(frozen=True, slots=True)
class Authenticator:
    """A virtual authenticator that belongs to one page (a tab keeps it from page to page)."""

    session: CDPSession
    authenticator_id: str

    def credentials(self) -> list[dict[str, Any]]:
        """Every credential on it, private keys included."""
        answer = self._send("WebAuthn.getCredentials")
        credentials: list[dict[str, Any]] = answer["credentials"]
        return credentials

    def add(self, credential: dict[str, Any]) -> None:
        """It holds this credential too: the same device in another tab, or a synced copy."""
        self._send("WebAuthn.addCredential", credential=credential)

    def forget(self) -> None:
        """It holds no credential afterwards: a phone that was wiped."""
        self._send("WebAuthn.clearCredentials")

    def verify_user(self, succeeds: bool) -> None:
        """Whether the next finger, face or PIN is the right one."""
        self._send("WebAuthn.setUserVerified", isUserVerified=succeeds)

    def answer_by_itself(self, answers: bool) -> None:
        """Whether it is touched unasked; if not, a ceremony waits until it times out."""
        self._send("WebAuthn.setAutomaticPresenceSimulation", enabled=answers)

    def remove(self) -> None:
        """There is no authenticator afterwards."""
        self._send("WebAuthn.removeVirtualAuthenticator")

    def _send(self, method: str, **parameters: Any) -> dict[str, Any]:
        answer = self.session.send(method, {"authenticatorId": self.authenticator_id, **parameters})
        return answer or {}


def attach_authenticator(page: Page, kind: dict[str, Any]) -> Authenticator:
    """The page has an authenticator of this kind (`LAPTOP` or `PHONE`) that verifies its user."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable", {"enableUI": False})
    options = {
        "protocol": "ctap2",
        "ctap2Version": "ctap2_1",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
        **kind,
    }
    answer = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return Authenticator(session, answer["authenticatorId"])


def new_context(browser: Browser, language: str = "en-GB", **options: Any) -> BrowserContext:
    """A browser profile of its own: no cookie shared with any other."""
    return browser.new_context(locale=language, **options)


def assert_accessible(page: Page, name: str) -> None:
    """axe (WCAG and best practices) finds no fault with this page; a screenshot may be kept."""
    page.wait_for_load_state()  # its text is there before its colours
    take_screenshot(page, name)
    results = Axe().run(page)
    assert results.violations_count == 0, f"{name} ({page.url}):\n{results.generate_report()}"


def take_screenshot(page: Page, name: str) -> None:
    """`screenshots/NAME.png` shows the whole page, when the environment has `SCREENSHOTS=1`."""
    if os.environ.get("SCREENSHOTS"):
        SCREENSHOTS.mkdir(exist_ok=True)
        file_name = re.sub(r"[^\w-]+", "-", name)
        page.screenshot(path=SCREENSHOTS / f"{file_name}.png", full_page=True)


def free_socket() -> socket.socket:
    """A listening socket on a port of this machine that nobody else has."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    return listener


@contextmanager
def reserved_port() -> Iterator[int]:
    """A port of this machine for a program that opens it by itself, while the block runs.

    Linux gives a port to nobody who asks for any, or who calls, as long as a socket is bound to it;
    who asks for this one gets it when neither of the two listens and both say SO_REUSEADDR.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        if sys.platform != "linux":
            held.close()
        yield port


@contextmanager
def serving(app: ASGIApp, listener: socket.socket) -> Iterator[str]:
    """The application answers at the address that is yielded, in a thread of its own."""
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="on", ws="none"))
    with running(server, listener):
        yield f"http://localhost:{listener.getsockname()[1]}"


@contextmanager
def running(server: uvicorn.Server, listener: socket.socket) -> Iterator[None]:
    """The server answers at this socket, in a thread of its own; afterwards that is closed."""
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    until(lambda: server.started or not thread.is_alive(), "the start of the service")
    assert server.started, "the service did not start"
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(timeout=patience.SECONDS)
        listener.close()
