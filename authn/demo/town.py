"""Prepares the demonstration: secrets, fictitious people, the relying application, the resource."""

import os
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, select

from authn.clients.client_metadata import ClientMetadata
from authn.clients.client_registration.registration import change_client, register_client
from authn.clients.clients import find_client
from authn.clients.resource_servers.exchange_pairs import ExchangePair, allow_exchange
from authn.clients.resource_servers.registration import register_resource
from authn.clients.resource_servers.resources import ResourceScope, find_resource
from authn.db.engine import Database
from authn.db.transaction import reading, writing
from authn.demo.application import DemoClientRegistration
from authn.demo.identity_card import CardAgreement
from authn.demo.oauth_client import AT_THE_RESOURCE, EXCHANGE
from authn.demo.resource import ResourceRegistration
from authn.demo.source_files import KINDS
from authn.demo.townspeople import FOLDER
from authn.devices.devices import list_devices
from authn.enrolment.activation.lifecycle import issue_activation_code
from authn.federation.upstreams import upstreams
from authn.people.persons import find_or_create_person
from authn.people.ssin import format_ssin
from authn.secrets import Secrets, new_token
from authn.settings import Settings
from authn.sources.embedded.fact_import import FactImport
from authn.sources.embedded.register import EmbeddedRegister, is_empty
from authn.sources.embedded.register_import import import_register_file
from authn.sources.tables import source_facts

PEOPLE = FOLDER / "people.csv"
CLIENT_ID = "demo"
RESOURCE_CLIENT_ID = "demo-records"
GRANT_TYPES = ("authorization_code", EXCHANGE)
PROFILE_KINDS = ("quality", "organisation", "mandate", "child")
# Who may obtain each scope of the demo resource: most scopes are refused to somebody.
RESOURCE_SCOPES = {
    "record:read": ResourceScope(
        {
            "en": "Read the medical record",
            "nl": "Het medisch dossier lezen",
            "fr": "Lire le dossier médical",
            "de": "Die Krankenakte lesen",
        }
    ),
    "prescription:collect": ResourceScope(
        {
            "en": "Collect prescriptions",
            "nl": "Voorschriften afhalen",
            "fr": "Retirer des prescriptions",
            "de": "Verschreibungen abholen",
        },
        profile_kinds=("citizen", "mandate", "child"),
        service_names=("recipe",),
    ),
    "prescription:write": ResourceScope(
        {
            "en": "Write prescriptions",
            "nl": "Voorschriften schrijven",
            "fr": "Rédiger des prescriptions",
            "de": "Verschreibungen ausstellen",
        },
        disciplines=("physician",),
    ),
    "planning:read": ResourceScope(
        {
            "en": "See the planning of the organisation",
            "nl": "De planning van de organisatie zien",
            "fr": "Voir le planning de l'organisation",
            "de": "Die Planung der Einrichtung sehen",
        },
        profile_kinds=("organisation",),
    ),
}
_ANY_FACT = select(source_facts.c.question).limit(1)
CARD_FILE = "demo_identity_card"  # the secret of both the service and the card
HEROINE = "03410100128"  # a fictitious number, decisions 9.6


@dataclass(frozen=True, slots=True)
class TownInvitation:
    """The demo person to try first; `link` activates a first device, None where there is one."""

    name: str
    link: str | None
    ssin: str


def fill_sources(database: Database, secrets: Secrets, now: datetime) -> None:
    """Fills the embedded sources with the fictitious people, unless they have anybody."""
    with reading(database) as connection:
        if not is_empty(connection) and connection.execute(_ANY_FACT).first():
            return
    import_register_file(database, secrets, PEOPLE, now)
    for kind in KINDS:
        report = FactImport(database, secrets, kind, FOLDER / f"{kind}.csv", now, strict=True).run()
        assert not report.rejected, f"{kind}.csv is ours"


def invite(
    database: Database, secrets: Secrets, settings: Settings, now: datetime
) -> TownInvitation:
    """A fresh activation code for the demo's first person, unless she has a device."""
    with writing(database) as connection:
        citizen = EmbeddedRegister(connection, secrets).citizen(HEROINE)
        assert citizen is not None, "she is in people.csv"
        person = find_or_create_person(connection, secrets, citizen, now)
        name = f"{person.given_name} {person.family_name}"
        if any(device.status == "active" for device in list_devices(connection, person.id)):
            return TownInvitation(name, None, format_ssin(HEROINE))
        code = issue_activation_code(connection, secrets, settings, person, now)
        return TownInvitation(name, f"{settings.issuer}/activate#{code}", format_ssin(HEROINE))


def register_application(
    database: Database, secrets: Secrets, settings: Settings, now: datetime
) -> DemoClientRegistration:
    """Registers the demo application as a client, or updates the registration.

    Call `register_demo_resource` before. The secret is in a file of the data directory.
    """
    address = f"http://localhost:{settings.demo_port}"
    secret = own_secret(settings, "demo_client_secret")
    resource = _resource_registration(settings).resource
    registration = DemoClientRegistration(settings.issuer, CLIENT_ID, secret, address, resource)
    values: dict[str, Any] = {
        "client_name": "MaSanté demo",
        "redirect_uris": (registration.redirect_uri,),
        "post_logout_redirect_uris": (address + "/",),
        "scope": AT_THE_RESOURCE,
        "may_read_ssin": True,
        "metadata": ClientMetadata(grant_types=GRANT_TYPES),
        "profile_kinds": PROFILE_KINDS,
        "resources": (resource,),
    }
    with writing(database) as connection:
        _register_as_described(connection, secrets, now, CLIENT_ID, secret, values)
        pair = ExchangePair(CLIENT_ID, CLIENT_ID, resource)
        allow_exchange(connection, secrets, pair, now)
    return registration


def register_demo_resource(
    database: Database, secrets: Secrets, settings: Settings, now: datetime
) -> ResourceRegistration:
    """Registers the demo resource, its scopes, and the client with which it introspects tokens."""
    registration = _resource_registration(settings)
    values: dict[str, Any] = {
        "client_name": "MaSanté records (demo)",
        "redirect_uris": (f"{registration.address}/none",),
        "scope": "openid",
        "may_read_ssin": True,
    }
    with writing(database) as connection:
        secret = registration.client_secret
        _register_as_described(connection, secrets, now, RESOURCE_CLIENT_ID, secret, values)
        if find_resource(connection, registration.resource) is None:
            register_resource(
                connection,
                secrets,
                settings,
                now,
                resource=registration.resource,
                resource_name="MaSanté records (demo)",
                client_id=RESOURCE_CLIENT_ID,
                scopes=RESOURCE_SCOPES,
                may_read_ssin=True,
                reads_may_act=True,
                reads_profile=True,
            )
    return registration


def _register_as_described(
    connection: Connection,
    secrets: Secrets,
    now: datetime,
    client_id: str,
    client_secret: str,
    values: dict[str, Any],
) -> None:
    """Registers the client with the values, or changes the client of an earlier run."""
    client = find_client(connection, client_id)
    if client is None:
        register_client(
            connection, secrets, now, client_id=client_id, client_secret=client_secret, **values
        )
    else:
        change_client(connection, secrets, client, now, **values)


def _resource_registration(settings: Settings) -> ResourceRegistration:
    address = f"http://localhost:{settings.demo_resource_port}"
    secret = own_secret(settings, "demo_resource_secret")
    return ResourceRegistration(settings.issuer, RESOURCE_CLIENT_ID, secret, address)


def issue_identity_card(settings: Settings) -> tuple[Settings, CardAgreement]:
    """The settings with the eID test card among the upstreams, and the card's registration."""
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
    return settings, CardAgreement(issuer, settings.issuer, CLIENT_ID, secret, redirect_uri)


def own_secret(settings: Settings, name: str) -> str:
    """A secret of the demo, made once, in a file that its owner alone can read."""
    path = settings.data_directory / "secrets" / name
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    secret = new_token()
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secret)
    return secret
