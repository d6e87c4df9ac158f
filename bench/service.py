"""A service to measure: its own database, people with devices, an application that was allowed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from uuid import UUID

import psutil

from authn.cli.ground import ground
from authn.consents.consents import give_consent
from authn.enrolment.activation.lifecycle import issue_activation_code
from authn.people.numbers import current_ssin
from authn.people.persons import Citizen, find_or_create_person, find_person
from authn.people.ssin import InvalidSsin, parse_ssin
from authn.profiles.profile import NO_PROFILE
from bench.applications import (
    APPLICATION,
    RESOURCE,
    SCOPE,
    Applications,
    register_applications,
)
from bench.http import Browser
from tests.authenticator import Authenticator

SERVER_CORE, CLIENT_CORE = 0, 1


@dataclass(frozen=True, slots=True)
class Holder:
    """A person with one enrolled device."""

    person_id: UUID
    authenticator: Authenticator


@dataclass(frozen=True, slots=True)
class Service:
    """A running service and what is known to it."""

    process: subprocess.Popen[str]
    port: int
    started_in: float
    holders: list[Holder]
    applications: Applications

    @property
    def issuer(self) -> str:
        return f"http://localhost:{self.port}"

    def cpu_seconds(self) -> float:
        """What the server has used of its core so far."""
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)

    def resident_megabytes(self) -> float:
        """The server's resident memory."""
        return float(psutil.Process(self.process.pid).memory_info().rss) / 1e6

    def counts(self) -> tuple[int, int]:
        """Statements and commits since the last call (the counting server alone knows)."""
        assert self.process.stdout is not None
        self.process.send_signal(signal.SIGUSR1)
        statements, commits = self.process.stdout.readline().split()
        return int(statements), int(commits)

    def browser(self) -> Browser:
        """A browser that has opened the sign-in page once."""
        browser = Browser("127.0.0.1", self.port)
        page = browser.get("/login").body.decode()
        browser.csrf = page.partition('name="csrf-token" content="')[2].partition('"')[0]
        assert browser.csrf, "the sign-in page carries a CSRF token"
        return browser


def fictitious_numbers() -> Iterator[str]:
    """BIS numbers of people born in 1900 to 1909: never issued (decisions 9.6)."""
    for year in range(10):
        for counter in range(1, 998):
            digits = f"{year:02d}4101{counter:03d}"
            number = f"{digits}{97 - int(digits) % 97:02d}"
            try:
                yield parse_ssin(number, date(2026, 1, 1))
            except InvalidSsin:
                continue


def prepare(
    folder: Path, database_url: str, port: int, holders: int
) -> tuple[list[UUID], Applications]:
    """Keys, schema, people and applications; gives the people's ids."""
    os.environ.update(
        AUTHN_DATA_DIRECTORY=str(folder),
        AUTHN_DATABASE_URL=database_url,
        AUTHN_PORT=str(port),
        AUTHN_ISSUER=f"http://localhost:{port}",
        AUTHN_LOG_LEVEL="info",
    )
    for command in (["secrets", "create"], ["db", "upgrade"]):
        subprocess.run(
            [sys.executable, "-m", "authn", *command], check=True, stdout=subprocess.DEVNULL
        )
    people = []
    with ground() as present, present.writing() as connection:
        applications = register_applications(
            connection, present.secrets, present.settings, present.now
        )
        for _, ssin in zip(range(holders), fictitious_numbers(), strict=False):
            citizen = Citizen(ssin, "An", "Demo", "1903-01-01", "nl")
            person = find_or_create_person(connection, present.secrets, citizen, present.now)
            allowed = {*SCOPE.split(), RESOURCE}
            give_consent(connection, person.id, APPLICATION, NO_PROFILE, allowed, present.now)
            people.append(person.id)
    return people, applications


@contextmanager
def running(
    people: list[UUID], applications: Applications, port: int, *, counting: bool = False
) -> Iterator[Service]:
    """The service runs on its own core inside the block, every person with an enrolled device."""
    module = ["-m", "bench.server"] if counting else ["-m", "authn", "serve"]
    began = time.perf_counter()
    with open(os.devnull, "w", encoding="ascii") as nowhere:
        process = subprocess.Popen(
            [sys.executable, *module], stdout=subprocess.PIPE, stderr=nowhere, text=True
        )
    try:
        _pin(process.pid, SERVER_CORE)
        _wait(port, process)
        started_in = time.perf_counter() - began
        service = Service(process, port, started_in, [], applications)
        for person_id in people:
            service.holders.append(_enrol(service, person_id))
        yield service
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=20)


def gather_statistics() -> None:
    """PostgreSQL's planner knows how large the tables are, as autovacuum tells it in a minute.

    A statement that was planned when they were empty would go on reading them whole.
    """
    with ground() as present, present.reading() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("ANALYZE")


def _pin(pid: int, core: int) -> None:
    process = psutil.Process(pid)
    if hasattr(process, "cpu_affinity") and (psutil.cpu_count() or 1) > 1:
        process.cpu_affinity([core])


def pin_client() -> None:
    """This process leaves the server's core alone."""
    _pin(os.getpid(), CLIENT_CORE)


def pin_beside_client() -> None:
    """This process has the server's core."""
    _pin(os.getpid(), SERVER_CORE)


def _wait(port: int, process: subprocess.Popen[str]) -> None:
    for _ in range(2000):
        if process.poll() is not None:
            raise RuntimeError("the service did not start")
        try:
            with closing(Browser("127.0.0.1", port)) as browser:
                if browser.get("/health").status == 200:
                    return
        except OSError:
            time.sleep(0.01)
    raise RuntimeError("the service did not answer")


def _enrol(service: Service, person_id: UUID) -> Holder:
    """The person activates a device over HTTP, as in life."""
    authenticator = Authenticator()
    with ground() as present, present.writing() as connection:
        person = find_person(connection, person_id)
        assert person is not None
        code = issue_activation_code(
            connection, present.secrets, present.settings, person, present.now
        )
        ssin = current_ssin(connection, present.secrets, person_id)
    with closing(service.browser()) as browser:
        answer = browser.post_form(
            "/activate", {"code": code, "ssin": ssin, "csrf_token": browser.csrf}
        )
        token = answer.headers["location"].partition("enrolment=")[2].partition("&")[0]
        options = browser.post_json("/activate/options", {"enrolment": token}).json()
        credential = authenticator.create(options, f"http://localhost:{service.port}")
        done = browser.post_json(
            "/activate/registration",
            {
                "enrolment": token,
                "ceremony": options["ceremony"],
                "credential": credential,
                "client_extension_results": credential["clientExtensionResults"],
            },
        )
        assert done.status == 200, done.body
    return Holder(person_id, authenticator)
