"""What was done over HTTP goes on in a real browser: its cookies, and the key.

For journeys that begin where another one has shown how somebody gets there.
"""

from base64 import b64encode
from typing import Any, cast
from uuid import UUID

import httpx2
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from playwright.sync_api import Browser, Page, expect

from tests.authenticator import Authenticator as SoftwareAuthenticator
from tests.authenticator import Credential
from tests.browser import Authenticator, attach_authenticator, new_context
from tests.citizen import SSIN, Screen, activation_code
from tests.conftest import LiveService
from tests.screens import device_in


def enrolled_in(
    page: Page,
    live: LiveService,
    kind: dict[str, Any],
    name: str,
    *,
    code: str = "",
    ssin: str = SSIN,
) -> Authenticator:
    """A key in the browser of this page, which shows the person's devices; this one has that name.

    Hanne's, or of whom the activation code and the national number are.
    """
    with httpx2.Client(base_url=live.address) as client:
        software = SoftwareAuthenticator(
            backup_eligible=kind["defaultBackupEligibility"], backed_up=kind["defaultBackupState"]
        )
        screen = Screen(client, software, live.address)
        code = code or activation_code(live.site)[1]
        give_name(screen, device_in(screen.enrol(code, ssin)), name)
    key = hand_over(screen, page, kind)
    page.goto(f"{live.address}/devices")
    expect(page.get_by_role("heading", name="My devices")).to_be_visible()
    return key


def give_name(screen: Screen, device: UUID, name: str) -> None:
    """The device is called so from now on."""
    answer = screen.post_form(f"/devices/{device}/name", name=name)
    assert answer.status_code == 303, answer.text


def in_chromium(
    chromium: Browser, screen: Screen, kind: dict[str, Any]
) -> tuple[Page, Authenticator]:
    """A browser profile that is signed in as this screen is, with the one key of its device."""
    page = new_context(chromium).new_page()
    return page, hand_over(screen, page, kind)


def hand_over(screen: Screen, page: Page, kind: dict[str, Any]) -> Authenticator:
    """The browser of this page has the screen's cookies, and its key on a device of this kind."""
    cookies = [
        {"name": each.name, "value": each.value or "", "url": screen.origin}
        for each in screen.client.cookies.jar
    ]
    page.context.add_cookies(cast(Any, cookies))
    authenticator = attach_authenticator(page, kind)
    (key,) = screen.authenticator.credentials
    authenticator.add(as_virtual(key))
    return authenticator


def as_virtual(key: Credential) -> dict[str, Any]:
    """The same credential for a virtual authenticator of Chromium.

    https://chromedevtools.github.io/devtools-protocol/tot/WebAuthn/#type-Credential.
    """
    private = key.private_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return {
        "credentialId": b64encode(key.id).decode(),
        "isResidentCredential": True,
        "rpId": key.rp_id,
        "privateKey": b64encode(private).decode(),
        "userHandle": b64encode(key.user_handle).decode(),
        "signCount": key.sign_count + 1,
        "backupEligibility": key.backup_eligible,
        "backupState": key.backed_up,
    }
