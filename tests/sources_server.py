"""The development server of authentic sources, over real HTTP, as well behaved as a test wants."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import Any

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from authn.clock import Clock
from authn.db.engine import Database
from authn.demo.authentic_sources import SourceTokens, SourceTrouble, create_authentic_sources
from authn.demo.source_files import read_clients, source_twins
from authn.jose import ES256, RS256, export_private_key, generate_key, public_jwk
from authn.secrets import Secrets
from authn.settings import Settings
from tests import browser, patience

# Fictitious people (decisions 9.6).
MOTHER = "03410100128"
MOTHER_BEFORE = "07261500370"
MANDATOR = "05520900401"
CHILD = "12410100251"
CANCELLED = "00410100162"
UNKNOWN = "03410100227"
HOSPITAL_CBE = "0406798006"
HOSPITAL_NIHII = "71000000"
NUMBERS = (MOTHER, MOTHER_BEFORE, MANDATOR, CHILD, CANCELLED, UNKNOWN)

FILES = {
    "citizens.csv": f"""ssin,given_name,family_name,birthdate,language,deceased,cancelled,replaces
{MOTHER},Hanne,Van der Meulen,1903-01-01,nl,no,,{MOTHER_BEFORE}
{MANDATOR},Jürgen,Kettenis,1905-12-09,de,no,,
{CANCELLED},Marcel,Vandenbossche,1900-01-01,nl,no,yes,
""",
    "organisations.csv": f"""kind,name,cbe,nihii
hospital,AZ Sint-Fictief,{HOSPITAL_CBE},{HOSPITAL_NIHII}
""",
    "children.csv": f"""parent_ssin,child_ssin,given_name,family_name,birthdate,deceased
{MOTHER},{CHILD},Lou,Van der Meulen,2012-01-01,no
""",
    "qualities.csv": f"""ssin,discipline,nihii11,since,until
{MOTHER},physician,10000000000,2020-01-01,
""",
    "memberships.csv": f"""ssin,organisation,role,since,until,responsible_access_manager
{MOTHER},{HOSPITAL_CBE},head of surgery,2021-01-01,,yes
""",
    "mandates.csv": (
        "mandate_id,mandatary_ssin,mandator_ssin,mandator_given_name,mandator_family_name,"
        "mandator_organisation,service_names,since,until,accepted_by_mandator,"
        f"accepted_by_mandatary\nm-1,{MOTHER},{MANDATOR},Jürgen,Kettenis,,"
        "recipe medicaldatamanagement,2025-01-01,2027-01-01,yes,yes\n"
    ),
}


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it came in, and what it was answered with."""

    method: str
    path: str
    query: bytes
    headers: Mapping[str, str]
    body: bytes
    port: int
    status: int = 0
    answer: bytes = b""
    answer_type: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """An answer that a test dictates."""

    status: int
    body: bytes = b""
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


Dictated = Callable[[Seen], Said | None]


@dataclass(slots=True)
class Unruly:
    """An application before which a test stands: it sees everything, and may answer itself.

    `most_at_once` is how many questions were there at the same time. What is asked at a path with a
    gate is answered once that is open.
    """

    app: ASGIApp
    seen: list[Seen] = field(default_factory=list)
    dictated: Dictated = lambda _: None
    gates: dict[str, Event] = field(default_factory=dict)
    at_once: int = 0
    most_at_once: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = await _request(scope, receive)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            while (gate := self.gates.get(request.path)) and not gate.is_set():
                await asyncio.sleep(patience.BETWEEN_LOOKS)
            await self._answer(request, scope, send)
        finally:
            self.at_once -= 1

    async def _answer(self, request: Seen, scope: Scope, send: Send) -> None:
        sent: list[Message] = []

        async def replay() -> Message:
            return {"type": "http.request", "body": request.body, "more_body": False}

        async def keep(message: Message) -> None:
            sent.append(message)

        said = self.dictated(request)
        if said is None:
            await self.app(scope, replay, keep)
        else:
            headers = {"content-type": said.media_type, **said.headers}
            raw = [(name.encode(), value.encode()) for name, value in headers.items()]
            sent.append({"type": "http.response.start", "status": said.status, "headers": raw})
            sent.append({"type": "http.response.body", "body": said.body})
        headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        body = b"".join(message.get("body", b"") for message in sent[1:])
        self.seen.append(
            Seen(
                request.method,
                request.path,
                request.query,
                request.headers,
                request.body,
                request.port,
                sent[0]["status"],
                body,
                headers.get("content-type", ""),
            )
        )
        for message in sent:
            await send(message)

    def asked(self, path: str) -> list[Seen]:
        """The requests to this path."""
        return [each for each in self.seen if each.path == path]

    @property
    def tokens(self) -> int:
        """How many access tokens were asked for."""
        return len(self.asked("/token"))


async def _request(scope: Scope, receive: Receive) -> Seen:
    body = bytearray()
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
    port = scope["client"][1]
    return Seen(scope["method"], scope["path"], scope["query_string"], headers, bytes(body), port)


@dataclass(frozen=True, slots=True)
class Running:
    """A development server that answers at `url`."""

    url: str
    server: Unruly
    trouble: SourceTrouble
    key: Path

    def settings(self, settings: Settings, **changes: Any) -> Settings:
        """These settings, with all four sources configured to be here."""
        here = {
            "national_register_url": self.url,
            "professions_url": self.url,
            "organisations_url": self.url,
            "mandates_url": self.url,
            "sources_token_url": f"{self.url}/token",
            "sources_client_id": "authn-test",
            "sources_key": self.key,
            "sources_seconds": patience.SECONDS,
        }
        return settings.model_copy(update=here | changes)


def write_files(folder: Path) -> Path:
    """The folder holds the files above and two keys of one client; the file of one private key."""
    folder.mkdir(exist_ok=True)
    for name, content in FILES.items():
        (folder / name).write_text(content, encoding="utf-8")
    keys = [generate_key(ES256), generate_key(RS256)]
    public = {"keys": [public_jwk(key) for key in keys]}
    (folder / "clients.jwks.json").write_bytes(orjson.dumps(public))
    for key, name in zip(keys, ("sources_key.json", "sources_rsa_key.json"), strict=True):
        (folder.parent / name).write_bytes(export_private_key(key))
    return folder.parent / "sources_key.json"


@dataclass(frozen=True, slots=True)
class Town:
    """What the files above say, taken in: `key` is the file of a private key that may ask."""

    folder: Path
    key: Path
    database: Database
    secrets: Secrets


@contextmanager
def town(folder: Path, now: datetime) -> Iterator[Town]:
    """The files above in this folder, taken in."""
    key = write_files(folder)
    with source_twins(folder, now) as (database, secrets):
        yield Town(folder, key, database, secrets)


@contextmanager
def running(there: Town, clock: Clock) -> Iterator[Running]:
    """A development server of this town, for as long as the block runs."""
    listener = browser.free_socket()
    url = f"http://localhost:{listener.getsockname()[1]}"
    tokens = SourceTokens(read_clients(there.folder), f"{url}/token", clock)
    trouble = SourceTrouble()
    app = create_authentic_sources(there.database, there.secrets, tokens, trouble)
    server = Unruly(app)
    with browser.serving(server, listener):
        yield Running(url, server, trouble, there.key)
