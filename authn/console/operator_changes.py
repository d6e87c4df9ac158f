"""Changes of a client or resource server: values before and after, and a hash of the version."""

from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from authn.clients.clients import Client, row_of_client
from authn.clients.resource_servers.resources import Resource
from authn.secrets import token_hash
from authn.views.descriptions import describe_client, describe_resource


@dataclass(frozen=True, slots=True)
class ClientChange:
    """A value of a client or resource server before and after a change; "" for none."""

    name: str
    before: str
    after: str


def client_changes(before: Client | None, after: Client) -> list[ClientChange]:
    """The values that a change of a client changes; all values of a new client."""
    old: Mapping[str, str] = describe_client(before) if before else {}
    new = describe_client(after)
    names = dict.fromkeys([*new, *old])
    return [
        ClientChange(name, old.get(name, ""), new.get(name, ""))
        for name in names
        if old.get(name, "") != new.get(name, "") and name != "registered"
    ]


def client_version(client: Client) -> str:
    """A hash of all values of a client, so that a concurrent change is noticed."""
    row = orjson.dumps(row_of_client(client), option=orjson.OPT_SORT_KEYS)
    return token_hash(row.decode())[:32]


def version_of_resource(resource: Resource) -> str:
    """A hash of all values of a resource server, so that a concurrent change is noticed."""
    return token_hash(repr(resource))[:32]


def resource_changes(before: Resource | None, after: Resource) -> list[ClientChange]:
    """The values that a change of a resource server changes; scopes keep their order."""
    old = _lines(before) if before else {}
    new = _lines(after)
    return [
        ClientChange(name, old.get(name, ""), new.get(name, ""))
        for name in dict.fromkeys([*new, *old])
        if old.get(name, "") != new.get(name, "")
    ]


def _lines(resource: Resource) -> dict[str, str]:
    """The description of a resource server by name; all lines of a scope as one."""
    lines: dict[str, str] = {}
    last = ""
    for name, value in describe_resource(resource, ()):
        if name.startswith("  "):
            lines[last] += f"; {name.strip()}: {value}"
        elif name not in ("registered", "exchange"):
            last = name
            lines[name] = value
    return lines
