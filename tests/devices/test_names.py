"""Names of devices: what people type, and what is proposed."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authn.devices.names import default_name, free_name, guess_kind, read_device_name
from authn.devices.tables import Kind, NewCredential
from authn.errors import InvalidRequest
from authn.web.user_agent import UserAgent, read_user_agent

CHROME_ON_WINDOWS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36"
)
AGENTS = {
    CHROME_ON_WINDOWS: ("Chrome", "Windows"),
    CHROME_ON_WINDOWS + " Edg/140.0.0.0": ("Edge", "Windows"),
    CHROME_ON_WINDOWS + " OPR/120.0.0.0": ("Opera", "Windows"),
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/19.0 Mobile/15E148 Safari/604.1": ("Safari", "iPhone"),
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) CriOS/140.0 Mobile/15E148 Safari/604.1": ("Chrome", "iPhone"),
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/19.0 Safari/605.1.15": ("Safari", "Mac"),
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Mobile Safari/537.36": ("Chrome", "Android"),
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
    "SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36": ("Samsung Internet", "Android"),
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0": ("Firefox", "Linux"),
    "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36": ("Chrome", "ChromeOS"),
    "curl/8.0": ("", ""),
    "": ("", ""),
}


@pytest.mark.parametrize(("header", "words"), AGENTS.items())
def test_browser_and_system_in_words(header: str, words: tuple[str, str]) -> None:
    agent = read_user_agent(header)
    assert (agent.browser, agent.system) == words


@given(st.text())
def test_any_header_is_read(header: str) -> None:
    assert len(read_user_agent(header).browser) <= 30


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Laptop", "Laptop"),
        ("  Laptop   of  Hanne ", "Laptop of Hanne"),
        ("Cafe\u0301", "Café"),
        ("👩‍💻 work", "👩‍💻 work"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("x" * 60, "x" * 60),
    ],
)
def test_a_name_is_kept_as_it_was_meant(typed: str, name: str) -> None:
    assert read_device_name(typed) == name


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "   ",
        "x" * 61,
        "a\nb",
        "a\x00b",
        "a\x1bb",
        "a\u202eb",
        "a\u2066b",
        "\u200b",
        "\u200d",
        "\u2028",
        "\ud800",
        "\ufeff",
    ],
)
def test_what_is_no_name_is_refused(typed: str) -> None:
    with pytest.raises(InvalidRequest):
        read_device_name(typed)


@given(st.text())
def test_a_name_is_short_visible_and_stable(typed: str) -> None:
    try:
        name = read_device_name(typed)
    except InvalidRequest:
        return
    assert 1 <= len(name) <= 60
    assert "\n" not in name
    assert read_device_name(name) == name


def test_a_second_device_of_that_name_gets_a_number() -> None:
    assert free_name("iPhone", set()) == "iPhone"
    assert free_name("iPhone", {"iPhone", "iPhone 2"}) == "iPhone 3"
    assert free_name("x" * 60, {"x" * 60}) == "x" * 58 + " 2"


def credential(
    attachment: str = "platform",
    transports: tuple[str, ...] = ("internal",),
    backup_eligible: bool = False,
) -> NewCredential:
    return NewCredential(
        credential_id=b"id",
        public_key=b"key",
        user_handle=b"handle",
        aaguid=UUID(int=0),
        algorithm=-7,
        transports=transports,
        attachment=attachment,
        rp_id="localhost",
        origin="http://localhost:8000",
        sign_count=0,
        backup_eligible=backup_eligible,
        backed_up=backup_eligible,
    )


IPHONE, WINDOWS, UNKNOWN = (
    UserAgent("Safari", "iPhone"),
    UserAgent("Chrome", "Windows"),
    UserAgent("", ""),
)
GUESSES: list[tuple[NewCredential, UserAgent, str | None, Kind, str]] = [
    (credential(), WINDOWS, "Windows Hello", "laptop", "Windows Hello"),
    (credential(), WINDOWS, None, "laptop", "Windows"),
    (credential(), UNKNOWN, None, "laptop", ""),
    (credential(backup_eligible=True), IPHONE, "iCloud Keychain", "phone", "iPhone"),
    (credential(backup_eligible=True), WINDOWS, "1Password", "keyring", "1Password"),
    (credential("cross-platform", ("hybrid",), backup_eligible=True), WINDOWS, None, "phone", ""),
    (
        credential("cross-platform", ("nfc", "usb")),
        IPHONE,
        "YubiKey 5 NFC",
        "security-key",
        "YubiKey 5 NFC",
    ),
]


@pytest.mark.parametrize(("made", "agent", "model", "kind", "name"), GUESSES)
def test_kind_and_name_are_guessed(
    made: NewCredential, agent: UserAgent, model: str | None, kind: Kind, name: str
) -> None:
    assert guess_kind(made, agent) == kind
    assert default_name(made, kind, agent, model) == name
