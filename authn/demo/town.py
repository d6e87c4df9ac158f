"""Prepares the demonstration: secrets, database, fictitious people, the relying application."""

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import orjson

from authn.clients.clients import find_client
from authn.clients.registration import register_client
from authn.db.engine import Database
from authn.db.transaction import writing
from authn.demo.application import SCOPES, Registration
from authn.demo.identity_card import Agreement
from authn.devices.devices import devices_of
from authn.enrolment.activation import issue_activation_code
from authn.federation.upstreams import upstreams
from authn.people.persons import person_of
from authn.people.ssin import display
from authn.secrets import Secrets, new_token
from authn.settings import Settings
from authn.sources.csv_file import import_file
from authn.sources.embedded import EmbeddedRegister, is_empty

PEOPLE = Path(__file__).parent / "people.csv"
CLIENT_ID = "demo"
CARD_FILE = "demo_identity_card"  # what the service and the card both know
HEROINE = "03410100128"  # a fictitious number, domain 4.6


@dataclass(frozen=True, slots=True)
class Invitation:
    """What the newcomer is told to do next; `link` is None when a device is enrolled already."""

    name: str
    link: str | None
    ssin: str


def fill_register(database: Database, secrets: Secrets, now: datetime) -> None:
    """The embedded register has the demo's fictitious people, if it had nobody."""
    with writing(database) as connection:
        empty = is_empty(connection)
    if empty:
        import_file(database, secrets, PEOPLE, now)


def invite(database: Database, secrets: Secrets, settings: Settings, now: datetime) -> Invitation:
    """A fresh activation code for the demo's heroine, unless she has a device."""
    with writing(database) as connection:
        citizen = EmbeddedRegister(connection, secrets).citizen(HEROINE)
        assert citizen is not None, "she is in people.csv"
        person = person_of(connection, secrets, citizen, now)
        name = f"{person.given_name} {person.family_name}"
        if any(device.status == "active" for device in devices_of(connection, person.id)):
            return Invitation(name, None, display(HEROINE))
        code = issue_activation_code(connection, secrets, settings, person, now)
        return Invitation(name, f"{settings.issuer}/activate#{code}", display(HEROINE))


def register_application(
    database: Database, secrets: Secrets, settings: Settings, now: datetime
) -> Registration:
    """The demo relying application is a client of ours, and knows its secret."""
    address = f"http://localhost:{settings.demo_port}"
    secret = own_secret(settings, "demo_client_secret")
    registration = Registration(settings.issuer, CLIENT_ID, secret, address)
    with writing(database) as connection:
        if find_client(connection, CLIENT_ID) is None:
            register_client(
                connection,
                secrets,
                now,
                client_id=CLIENT_ID,
                client_secret=secret,
                client_name="MaSanté demo",
                redirect_uris=[registration.redirect_uri],
                post_logout_redirect_uris=[address + "/"],
                scope=SCOPES,
                may_read_ssin=True,
            )
    return registration


def issue_identity_card(settings: Settings) -> tuple[Settings, Agreement]:
    """The settings with the eID test card among the upstreams, and what it must know of us."""
    issuer = f"http://localhost:{settings.demo_identity_port}"
    secret = own_secret(settings, CARD_FILE)
    entry = {
        "kind": "twin",
        "issuer": issuer,
        "client_id": CLIENT_ID,
        "client_secret_file": str(settings.data_directory / "secrets" / CARD_FILE),
    }
    table = orjson.loads(settings.upstreams) if upstreams(settings) else []
    configured = orjson.dumps([entry, *table]).decode()
    settings = settings.model_copy(update={"upstreams": configured})
    twin = upstreams(settings)[0]
    redirect_uri = settings.issuer + twin.callback_path
    return settings, Agreement(issuer, settings.issuer, CLIENT_ID, secret, redirect_uri)


def own_secret(settings: Settings, name: str) -> str:
    """A secret of the demo's own, made once, readable by its owner alone."""
    path = settings.data_directory / "secrets" / name
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    secret = new_token()
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secret)
    return secret
