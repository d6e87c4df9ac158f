"""After a whole story, neither the database nor any log line holds anything that could be used.

The service runs as `authn serve` starts it, with every log line that it can write. What people,
browsers and applications held in their hands meanwhile is then looked for, in any readable form.
"""

import base64
import hashlib
import html
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from httpx2 import Client, Response
from sqlalchemy import inspect, select, text

from authn.clients.client_registration.registration import register_client
from authn.clock import Clock, system_clock
from authn.db.transaction import reading, writing
from authn.keys.signing_keys import decrypt_jwk, ensure_signing_keys
from authn.keys.tables import signing_keys
from authn.people.ssin import format_ssin
from authn.secrets import KEY_NAMES
from authn.settings import PREFIX, Settings
from authn.web.site import Site
from tests.authenticator import Authenticator
from tests.browser import reserved_port
from tests.citizen import HANNE, KARIM, SSIN, Screen, activation_code
from tests.commands import environment
from tests.oidc.refreshing import REFRESHING
from tests.oidc.relying_party import CHALLENGE, VERIFIER, basic
from tests.patience import SECONDS, until
from tests.screens import add_here, approve, claim, device_in, finish_joining, invite, remove

pytestmark = pytest.mark.thorough

REDIRECT_URI = "https://hospital.example/callback"
DEVICE_NAME = "Laptop in the kitchen"
SHORTEST = 12
"""Characters: what is shorter would be found by chance. National numbers are looked for as well."""

SECRET_NAMES = {
    "access_token",
    "ceremony",
    "challenge",
    "code",
    "enrolment",
    "id_token",
    "id_token_hint",
    "logout",
    "refresh_token",
    "request",
    "secret",
}
ERROR_NAMES = {"error", "error_description", "type", "title", "detail"}  # said by us, of no one
NUMBERS = (SSIN, format_ssin(SSIN), KARIM.ssin, format_ssin(KARIM.ssin))


@pytest.fixture
def clock() -> Clock:
    """The program below has no other."""
    return system_clock


@dataclass(slots=True)
class Held:
    """What was in somebody's hands: what can be used, and all that went to and fro."""

    secrets: set[str] = field(default_factory=set)
    sent: set[str] = field(default_factory=set)

    def saw(self, response: Response) -> None:
        """Takes down one exchange: cookies, queries, and every text in JSON and forms."""
        response.read()
        for cookie in response.headers.get_list("set-cookie"):
            self.secrets.add(cookie.partition(";")[0].partition("=")[2])
        request = response.request
        for address in (str(request.url), response.headers.get("location", "")):
            self.query(urlsplit(address).query)
            self.sent.add(urlsplit(address).fragment)
        for content in (request.content, response.content):
            with suppress(ValueError):
                self._texts("", json.loads(content))
        if request.headers.get("content-type", "").startswith("application/x-www-form"):
            self.query(request.content.decode())

    def query(self, encoded: str) -> None:
        """Takes down the values of a query or form."""
        self.sent.add(encoded)
        for name, values in parse_qs(encoded).items():
            for value in values:
                self._texts(name, value)

    def _texts(self, name: str, value: Any) -> None:
        if isinstance(value, dict):
            for key, each in value.items():
                self._texts(key, each)
        elif isinstance(value, list):
            for each in value:
                self._texts(name, each)
        elif isinstance(value, str) and name not in ERROR_NAMES:
            self.sent.add(value)
            if name in SECRET_NAMES:
                self.secrets.add(value)


@dataclass(frozen=True, slots=True)
class Story:
    """Hanne at the service at `address`, with mistakes, and with somebody who wishes her ill."""

    address: str
    site: Site
    held: Held
    opened: ExitStack

    def browser(self) -> Client:
        """A browser or program; all that it sends and gets is taken down."""
        hooks = {"response": [self.held.saw]}
        return self.opened.enter_context(
            Client(base_url=self.address, event_hooks=hooks, timeout=30)
        )

    def happens(self) -> None:
        """All of it."""
        client_secret = self._application()
        _, code = activation_code(self.site)
        self.held.secrets |= {code, code.replace("-", "")}
        laptop = Screen(self.browser())
        for wrong in (KARIM.ssin, format_ssin(KARIM.ssin), "034101001"):
            assert laptop.post_form("/activate", code=code, ssin=wrong).status_code == 422
        first = device_in(laptop.enrol(code))
        assert laptop.post_form(f"/devices/{first}/name", name=DEVICE_NAME).status_code == 303
        tokens = self._login(laptop, client_secret)
        phone = Screen(self.browser(), Authenticator(backup_eligible=True))
        page, secret = invite(laptop)
        self.held.secrets.add(secret)
        invitation, number = claim(phone, secret)
        assert approve(laptop, page, number).status_code == 200
        device_in(finish_joining(phone, invitation))
        key = device_in(add_here(laptop, Authenticator()))
        assert remove(phone, key).status_code == 200
        self._malice(laptop, code)
        self._logout(laptop, tokens["id_token"])

    def _application(self) -> str:
        with writing(self.site.database) as connection:
            registered = register_client(
                connection,
                self.site.secrets,
                self.site.clock(),
                client_id="hospital",
                client_name="Hospital",
                redirect_uris=[REDIRECT_URI],
                scope="openid profile ssin",
                may_read_ssin=True,
                metadata=REFRESHING,
            )
        assert registered.client_secret
        self.held.secrets.add(registered.client_secret)
        return registered.client_secret

    def _login(self, screen: Screen, client_secret: str) -> dict[str, str]:
        screen.post_form("/sign-out")
        answer = screen.client.get("/authorize?" + self._request(login_hint=SSIN))
        token = parse_qs(urlsplit(answer.headers["location"]).query)["request"][0]
        assert screen.client.get(answer.headers["location"]).status_code == 200
        consent = screen.sign_in(token).json()["location"]
        assert format_ssin(SSIN) in screen.client.get(consent).text
        page = screen.answer_page("/consent", token, decision="allow").text
        location = html.unescape(page.partition('data-location="')[2].partition('"')[0])
        self.held.query(urlsplit(location).query)
        code = parse_qs(urlsplit(location).query)["code"][0]
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT_URI,
            "code_verifier": VERIFIER,
        }
        application = self.browser()
        headers = {"Authorization": basic("hospital", client_secret)}
        tokens: dict[str, str] = application.post("/token", data=form, headers=headers).json()
        again = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        assert application.post("/token", data=again, headers=headers).status_code == 200
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        assert application.get("/userinfo", headers=bearer).json()["ssin"] == SSIN
        assert application.post("/token", data=form, headers=headers).status_code == 400
        assert application.get("/userinfo", headers=bearer).status_code == 401  # revoked
        wrong = {"Authorization": basic("hospital", client_secret[:-1] + "?")}
        assert application.post("/token", data=form, headers=wrong).status_code == 401
        query = urlencode({"access_token": tokens["access_token"]})
        assert application.get("/userinfo?" + query).status_code == 401
        return tokens

    def _request(self, **more: str) -> str:
        request = {
            "response_type": "code",
            "client_id": "hospital",
            "redirect_uri": REDIRECT_URI,
            "scope": "openid profile ssin",
            "state": "a-state-of-the-application",
            "nonce": "a-nonce-of-the-application",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        return urlencode(request | more)

    def _malice(self, screen: Screen, code: str) -> None:
        client = screen.client
        for path in (f"/{SSIN}", f"/activate/{code}", f"/devices/{SSIN}/name", f"/a?n={SSIN}"):
            client.get(path)
        client.post("/authorize", content=self._request(login_hint=SSIN, claims=SSIN))
        client.get("/authorize?" + self._request(redirect_uri=f"https://{SSIN}.example"))
        client.get("/authorize?" + self._request(prompt=SSIN))
        screen.post_json("/join/claim", {"secret": code, "more": SSIN})
        screen.post_json("/login/assertion", {"request": SSIN, "ceremony": code, "credential": []})
        client.post("/activate", content=f'{{"ssin": "{SSIN}"')
        query = urlencode({"login_hint": SSIN, "code": code})
        lines = f"GET /ws?{query} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
        socket_headers = "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        self._raw(f"{lines}{socket_headers}Sec-WebSocket-Key: {'A' * 22}==\r\n\r\n")
        # It goes away in the middle of what it says, or says what is no HTTP.
        self._raw(f"POST /activate?{query} HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\nssin=")
        self._raw(f"{SSIN} {code} HTTP\r\n\r\n")

    def _raw(self, request: str) -> None:
        """These bytes are sent, and whatever is answered is not waited for long."""
        host = urlsplit(self.address)
        with socket.create_connection((host.hostname, host.port), timeout=2) as connection:
            connection.sendall(request.encode())
            with suppress(OSError):
                connection.settimeout(0.3)
                connection.recv(1000)

    def _logout(self, screen: Screen, id_token: str) -> None:
        page = screen.client.get("/logout?" + urlencode({"id_token_hint": id_token})).text
        found = re.search(r'name="logout" value="([^"]+)"', page)
        assert found
        assert screen.post_form("/logout/confirm", logout=found[1]).status_code == 200


@contextmanager
def serving(settings: Settings, log: Path) -> Iterator[str]:
    """The service as a program of its own; afterwards `log` has all that it wrote."""
    with reserved_port() as port:
        own = environment(settings) | {f"{PREFIX}PORT": str(port), f"{PREFIX}LOG_LEVEL": "debug"}
        with log.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "authn", "serve"], env=own, stdout=file, stderr=file
            )
        try:
            until(lambda: _listens(port, process), "the start of the service")
            yield f"http://localhost:{port}"
        finally:
            process.terminate()
            process.wait(timeout=SECONDS)


def _listens(port: int, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "the service ended"
    with suppress(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=SECONDS).close()
        return True
    return False


def dump(site: Site) -> dict[str, str]:
    """By table: every value of every row, and of bytes and base64 what they say."""
    dumped: dict[str, str] = {}
    with reading(site.database) as connection:
        for table in inspect(connection).get_table_names():
            rows = connection.execute(text(f"SELECT * FROM {table}"))
            values = [readable(value) for row in rows for value in row]
            dumped[table] = "\n".join(values)
    return dumped


def readable(value: object) -> str:
    if isinstance(value, bytes | memoryview):
        content = bytes(value)
        forms = [content.decode("latin-1"), content.hex(), base64.b64encode(content).decode()]
        return "\n".join([*forms, base64.urlsafe_b64encode(content).decode()])
    decoded = []
    for part in re.findall(r"[A-Za-z0-9_+/-]{16,}", str(value)):
        with suppress(ValueError):
            decoded.append(base64.urlsafe_b64decode(part + "===").decode("latin-1"))
    return "\n".join([str(value), *decoded])


def forms(secret: str | bytes) -> set[str]:
    """The secret, and how it could be written without hiding it."""
    content = secret.encode() if isinstance(secret, str) else secret
    encoded = {base64.b64encode(content).decode(), base64.urlsafe_b64encode(content).decode()}
    return {content.decode("latin-1"), content.hex(), *(each.rstrip("=") for each in encoded)}


def forms_of_a_number(ssin: str) -> set[str]:
    """Also its plain hashes: there are so few numbers that all can be tried."""
    algorithms = (hashlib.md5, hashlib.sha1, hashlib.sha256, hashlib.sha512)
    digests = [algorithm(ssin.encode()).digest() for algorithm in algorithms]
    return forms(ssin) | {ssin[:9], *(form for digest in digests for form in forms(digest))}


def keys_of(site: Site) -> set[str | bytes]:
    """The four keys and the private halves of the signing keys, as text and bytes."""
    found: set[str | bytes] = set()
    for name in KEY_NAMES:
        found |= {getattr(site.settings, name).get_secret_value(), getattr(site.secrets, name)}
    with reading(site.database) as connection:
        for row in connection.execute(select(signing_keys)):
            private = json.loads(decrypt_jwk(site.secrets, row.kid, row.jwk_encrypted))["d"]
            found |= {private, base64.urlsafe_b64decode(private + "===")}
    return found


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where the program writes."""
    return tmp_path / "log"


@pytest.fixture
def held(settings: Settings, site: Site, log: Path) -> Held:
    """What was held in the story, which has happened."""
    ensure_signing_keys(site.database, site.secrets, site.clock())
    held = Held()
    with serving(settings, log) as address, ExitStack() as opened:
        Story(address, site, held, opened).happens()
    held.secrets = {each for each in held.secrets if len(each) >= SHORTEST}
    held.sent = {each for each in held.sent if len(each) >= SHORTEST}
    assert len(held.secrets) > 30
    return held


def test_the_database_holds_nothing_that_can_be_used(
    site: Site, settings: Settings, held: Held
) -> None:  # decisions 8.7
    needles = {form for secret in held.secrets | keys_of(site) for form in forms(secret)}
    needles |= {form for number in NUMBERS for form in forms_of_a_number(number)}
    tables = dump(site)
    assert {"sessions", "devices", "grants", "audit_events", "person_ssins"} <= tables.keys()
    assert all(tables[name] for name in ("sessions", "refresh_tokens", "grants"))
    found = {
        (name, needle)
        for name, content in tables.items()
        for needle in needles
        if needle in content
    }
    assert found == set()
    if settings.sqlalchemy_url.startswith("sqlite"):
        # Its files too: a page that was freed still holds what stood on it.
        path = Path(settings.sqlalchemy_url.removeprefix("sqlite:///"))
        files = [each.read_bytes().decode("latin-1") for each in path.parent.glob(f"{path.name}*")]
        assert [each for each in needles if any(each in content for content in files)] == []


def test_log_lines_hold_nothing_personal_and_nothing_that_was_sent(
    site: Site, held: Held, log: Path
) -> None:  # decisions 8.6, 1.5
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    # What the service says of itself at its start: its own address, which answers name too.
    lines = [line for line in lines if line["event"] != "serving"]
    names = [line["event"] for line in lines]
    assert names.count("request") > 40
    assert "refused" in names
    assert [line for line in lines if line["event"] == "crash" or "exception" in line] == []
    needles = held.secrets | held.sent | {each for each in keys_of(site) if isinstance(each, str)}
    needles |= {*NUMBERS, SSIN[:9], HANNE.given_name, HANNE.family_name, DEVICE_NAME}
    found = [
        (each, line) for line in lines for each in needles if each in json.dumps(line, default=str)
    ]
    assert found == []
    started = [line for line in lines if "running on" in line["event"]]
    assert [line for line in lines if "127.0.0.1" in str(line)] == started


CRASH = """
import sys
from uuid import uuid4
from sqlalchemy import text
from authn.clock import system_clock
from authn.db.engine import open_database
from authn.db.transaction import writing
from authn.people.tables import persons
from authn.settings import load_settings
from authn.web.logs import configure_logs, logger

configure_logs("debug")
row = {"id": uuid4(), "user_handle": b"", "given_name": sys.argv[1], "family_name": sys.argv[1],
       "language": "nl", "deceased": False, "created_at": system_clock()}
try:
    try:
        int(sys.argv[1] + "x")
    finally:
        with writing(open_database(load_settings())) as connection:
            connection.execute(persons.insert(), row)
except Exception as error:
    logger.error("crash", exc_info=error)
    import logging
    logging.getLogger("uvicorn.error").exception("Exception in ASGI application")
    print(error)
"""


def test_a_crash_is_logged_by_place_and_type_and_without_any_value(settings: Settings) -> None:
    """A database names the row that it refused, and `int` what it could not read."""
    crashed = subprocess.run(
        [sys.executable, "-c", CRASH, SSIN],
        env=environment(settings) | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [json.loads(line) for line in crashed.stderr.splitlines()]
    assert [line["event"] for line in lines] == ["crash", "Exception in ASGI application"]
    for line in lines:
        assert SSIN not in str(line)
        told = "\n".join(line["exception"])
        assert "sqlalchemy.exc.IntegrityError" in told and "builtins.ValueError" in told
        assert re.search(r"\.py:\d+ \w+", told)
    assert "hide_parameters=True" in crashed.stdout  # what SQLAlchemy says has no value either
