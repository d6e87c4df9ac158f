"""Applications as an operator sees them: a list, one of them, and what a change would change."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection

from authn.audit.searching import last_use_of
from authn.clients.clients import AUTH_METHODS, Client, list_clients, row_of_client
from authn.clients.permissions import PROFILE_KINDS
from authn.clients.protocol_words import GRANT_TYPES
from authn.clients.resources import list_resources
from authn.consents.offer import auth_methods
from authn.jose import ALGORITHMS
from authn.policies import BUILT_IN
from authn.secrets import token_hash
from authn.settings import Settings
from authn.views.client_shown import shown_client


@dataclass(frozen=True, slots=True)
class ClientLine:
    """An application in the list."""

    client: Client
    last_used: datetime | None


@dataclass(frozen=True, slots=True)
class ClientChange:
    """A value by its name, before and after; "" where there is none."""

    name: str
    before: str
    after: str


def client_lines(connection: Connection) -> list[ClientLine]:
    """Every application, with when something happened there last: one short look at each."""
    return [
        ClientLine(client, last_use_of(connection, client.client_id))
        for client in list_clients(connection)
    ]


def changes_between(before: Client | None, after: Client) -> list[ClientChange]:
    """What is another value than before; of a new application all that it has."""
    old: Mapping[str, str] = shown_client(before) if before else {}
    new = shown_client(after)
    names = dict.fromkeys([*new, *old])
    return [
        ClientChange(name, old.get(name, ""), new.get(name, ""))
        for name in names
        if old.get(name, "") != new.get(name, "") and name != "registered"
    ]


def version_of(client: Client) -> str:
    """What is another one as soon as anything of the client is: so that no change is lost."""
    row = orjson.dumps(row_of_client(client), option=orjson.OPT_SORT_KEYS)
    return token_hash(row.decode())[:32]


def choices(connection: Connection, settings: Settings, now_used: str = "") -> dict[str, Any]:
    """What the selects and boxes of the form offer; `now_used` is how the client authenticates."""
    methods = auth_methods(settings)
    return {
        "auth_methods": [each for each in AUTH_METHODS if each in (*methods, now_used)],
        "algorithms": ALGORITHMS,
        "grant_types": GRANT_TYPES,
        "profile_kinds": PROFILE_KINDS,
        "policies": [*BUILT_IN, *settings.policies],
        "resources": [each.resource for each in list_resources(connection)],
    }
