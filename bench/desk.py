"""What the help desk takes with 100,000 people and a million events on record, on one core."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

from httpx2 import Response
from pydantic import SecretStr
from sqlalchemy import Connection, Table
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.app import create_app
from authn.audit.log import audit_events
from authn.db.engine import open_database
from authn.db.transaction import writing
from authn.db.upgrade import upgrade
from authn.devices.tables import devices, installations
from authn.notices.contact_addresses import contact_addresses
from authn.people.persons import name_key
from authn.people.tables import person_ssins, persons
from authn.profiles.appointments import appoint
from authn.secrets import Secrets, address_hash, encrypt, national_number_hash, new_token
from authn.sessions.tables import sessions
from authn.settings import Settings
from authn.staff.roles import Role
from authn.web.site import Site
from bench.desk_audit import audit_pages
from bench.imports import fictitious_numbers
from tests.citizen import ORIGIN, Screen, activation_code
from tests.console.desk import STAFF, DeskScreen

PEOPLE = 100_000
EVENTS = 1_000_000
DEVICES_EACH = 2
TIMES = 200
AT_ONCE = 5_000
FAMILIES = ("Peeters", "Janssens", "Dubois", "El Idrissi", "Müller", "Vandenbroucke", "De Smet")
GIVEN = ("Hanne", "Karim", "Élodie", "Jürgen", "Noor", "Frans", "Rosalie", "Marie", "Jan")
HAPPENED = ("session.signed-in", "application.authorised", "device.renamed", "session.signed-out")


def desk_lines(url: str) -> list[str]:
    """A line for each page of the desk, on the database at this address."""
    with (
        closing(open_database(Settings(database_url=SecretStr(url)))) as database,
        tempfile.TemporaryDirectory(prefix="authn-bench-") as name,
    ):
        upgrade(database)
        app = create_app(settings_for(url, Path(name)))
        site: Site = app.state.site
        with closing(site.database):
            return _lines(app, site)


def settings_for(url: str, folder: Path) -> Settings:
    """Of a service on this database, whose staff may look at everybody."""
    keys = ("master_key", "national_number_key", "token_key", "audit_key")
    secret: dict[str, Any] = {key: SecretStr(new_token()) for key in keys}
    return Settings(
        database_url=SecretStr(url),
        data_directory=folder,
        outbox_worker=False,
        desk_looks_warning=EVENTS,
        desk_looks_most=EVENTS,
        **secret,
    )


def _lines(app: Starlette, site: Site) -> list[str]:
    numbers = list(fictitious_numbers(PEOPLE))
    with writing(site.database) as connection:
        _fill(connection, site.secrets, numbers, site.clock())
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("ANALYZE")
    if site.database.write_lock is None:
        with site.database.writer.connect() as outside:
            outside.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("ANALYZE")
    agent = _agent(app, site)
    found = [numbers[index * 37] for index in range(TIMES)]

    def search(**fields: str) -> Response:
        return agent.post_form("/desk/find", reason="lost-device", ticket="T-1", **fields)

    def hit(clue: str) -> Response:
        answer = search(clue=clue)
        assert answer.status_code == 303
        return answer

    pages: dict[str, Callable[[int], Response]] = {
        "find by number": lambda index: hit(found[index]),
        "find by reference": lambda index: hit(_reference(index * 997)),
        "find by mail address": lambda index: hit(_address(index * 37)),
        "find by name and date of birth": lambda index: search(
            name=FAMILIES[index * 37 % len(FAMILIES)], birthdate=_birthdate(index * 37)
        ),
        "find by a name on 1 January": lambda _: search(name="Peet", birthdate="01.01.1980"),
        "find nobody": lambda _: search(clue="03410100128"),
    }
    lines = [_line(what, take) for what, take in pages.items()]
    agent.give_reason(_id(37))
    lines.append(_line("a person", lambda _: agent.get(f"/desk/people/{_id(37)}")))
    auditor = _agent(app, site, "auditor")
    audit = audit_pages(auditor, _id(37), agent.person.id)
    return [*lines, *(_line(what, take) for what, take in audit.items())]


def _agent(app: Starlette, site: Site, role: Role = "agent") -> DeskScreen:
    citizen = STAFF[role]
    person, code = activation_code(site, citizen)
    with writing(site.database) as connection:
        appoint(connection, site.secrets, person.id, role, "Bench", site.clock())
    screen = Screen(TestClient(app, base_url=ORIGIN, follow_redirects=False))
    assert screen.enrol(code, citizen.ssin).status_code == 200
    agent = DeskScreen(person, screen, site)
    assert agent.open().status_code == 200
    return agent


def _line(what: str, take: Callable[[int], Response]) -> str:
    """The mean of so many, with what the client beside it in this process takes."""
    take(0)
    began, cpu = time.perf_counter(), time.process_time()
    for index in range(TIMES):
        assert take(index).status_code < 400, what
    elapsed, cpu = time.perf_counter() - began, time.process_time() - cpu
    return f"Desk, {what}: {1000 * elapsed / TIMES:.1f} ms, {1000 * cpu / TIMES:.1f} ms CPU"


def _fill(connection: Connection, secrets: Secrets, numbers: list[str], now: datetime) -> None:
    _insert(connection, persons, (_person(index, now) for index in range(PEOPLE)))
    _insert(
        connection,
        person_ssins,
        (
            {
                "id": _id(index),
                "person_id": _id(index),
                "ssin_hash": national_number_hash(secrets, ssin),
                "ssin_encrypted": encrypt(secrets, ssin.encode(), f"person_ssins:{_id(index)}"),
                "valid_from": now,
            }
            for index, ssin in enumerate(numbers)
        ),
    )
    _insert(connection, devices, _devices(now))
    _insert(connection, installations, _installations(now))
    _insert(connection, sessions, _sessions(now))
    _insert(
        connection,
        contact_addresses,
        (
            {
                "id": _id(index),
                "person_id": _id(index),
                "address_encrypted": encrypt(
                    secrets, _address(index).encode(), f"contact-address:{_id(index)}"
                ),
                "added_at": now,
                "confirmed_at": now,
                "address_hash": address_hash(secrets, _address(index)),
            }
            for index in range(PEOPLE)
        ),
    )
    _insert(connection, audit_events, _events(now))


def _insert(connection: Connection, table: Table, rows: Iterator[dict[str, Any]]) -> None:
    while some := list(islice(rows, AT_ONCE)):
        connection.execute(table.insert(), some)


def _person(index: int, now: datetime) -> dict[str, Any]:
    given, family = GIVEN[index % len(GIVEN)], FAMILIES[index % len(FAMILIES)]
    return {
        "id": _id(index),
        "user_handle": _id(index).bytes * 2,
        "given_name": given,
        "family_name": family,
        "birthdate": _iso_birthdate(index),
        "language": "nl",
        "deceased": False,
        "created_at": now,
        "checked_at": now,
        "name_key": name_key(given, family),
    }


def _devices(now: datetime) -> Iterator[dict[str, Any]]:
    for index in range(PEOPLE * DEVICES_EACH):
        yield {
            "id": _id(index),
            "person_id": _id(index // DEVICES_EACH),
            "name": "My phone",
            "kind": "phone",
            "status": "active",
            "credential_id": _id(index).bytes,
            "public_key": b"-" * 77,
            "user_handle": _id(index).bytes,
            "aaguid": UUID("fbfc3007-154e-4ecc-8c0b-6e020557d7bd"),
            "algorithm": -7,
            "transports": "internal",
            "rp_id": "localhost",
            "origin": ORIGIN,
            "sign_count": 0,
            "backup_eligible": False,
            "backed_up": False,
            "identity_level": "high",
            "added_how": "activation",
            "added_at": now,
            "last_used_at": now,
            "attestation_format": "none",
            "attested": False,
            "backup_changed": False,
        }


def _installations(now: datetime) -> Iterator[dict[str, Any]]:
    for index in range(PEOPLE * DEVICES_EACH):
        yield {
            "id": _id(index),
            "device_id": _id(index),
            "cookie_hash": f"{index:064}",
            "browser": "Firefox",
            "system": "Linux",
            "first_seen": now,
            "last_seen": now,
        }


def _sessions(now: datetime) -> Iterator[dict[str, Any]]:
    for index in range(PEOPLE * DEVICES_EACH):
        yield {
            "id": _id(index),
            "installation_id": _id(index),
            "token_hash": f"{index:064}",
            "level": "device",
            "auth_time": now,
            "last_seen_at": now,
        }


def _events(now: datetime) -> Iterator[dict[str, Any]]:
    for index in range(EVENTS):
        yield {
            "occurred_at": now - timedelta(seconds=10 * (EVENTS - index)),
            "event": HAPPENED[index % len(HAPPENED)],
            "reference": _reference(index),
            "person_id": _id(index % PEOPLE),
            "device_id": _id(index % PEOPLE * DEVICES_EACH),
            "client_id": "demo" if index % len(HAPPENED) == 1 else None,
            "details": '{"level":"device","scopes":"openid"}',
            "seal": "1:" + "0" * 64,
        }


def _id(index: int) -> UUID:
    """Spread as random ones are."""
    return UUID(int=(index * 0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835 + 1) % 2**128)


def _reference(index: int) -> str:
    letters = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
    value, written = index * 0x9E37_79B1 % 30**10, ""
    for _ in range(10):
        value, rest = divmod(value, 30)
        written += letters[rest]
    return written


def _address(index: int) -> str:
    return f"person{index}@example.org"


def _iso_birthdate(index: int) -> str:
    """Every fiftieth was born on 1 January, as registers say of who does not know it."""
    if index % 50 == 1:
        return "1980-01-01"
    return (date(1920, 1, 1) + timedelta(days=index % 36_500)).isoformat()


def _birthdate(index: int) -> str:
    return date.fromisoformat(_iso_birthdate(index)).strftime("%d.%m.%Y")
