"""The risks of changes of applications and resource servers; a risky one needs two operators.

Risky is what lets somebody have the national numbers of people, act for them without their consent,
or act at the help desk. Where an application has that already, another redirect URI, another key or
a wider scope may give it to somebody else, and is as risky. What takes something away or changes
texts is not. Any other change of such an application is: a new column is risky until named here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, Final, Literal

from sqlalchemy import Connection, bindparam, exists, or_, select

from authn.clients.clients import Client
from authn.clients.resource_servers.desk_api import desk_api_audience
from authn.clients.resource_servers.permissions import STAFF
from authn.clients.resource_servers.resources import Resource, find_resource
from authn.clients.tables import assertion_issuers, exchange_pairs, resources
from authn.settings import Settings

ChangeRisk = Literal[
    "ssin", "no-consent", "staff", "desk-api", "reads-ssin", "exchange", "assertions"
]

# Columns of texts and addresses by which nobody gets anything.
_RISKLESS: Final = frozenset(
    {
        "client_id",
        "client_name",
        "post_logout_redirect_uris",
        "default_profile_kind",
        "scope_reasons",
        "created_at",
    }
)
_RISKLESS_MEMBERS: Final = frozenset(
    {
        "client_names",
        "client_uris",
        "logo_uris",
        "policy_uris",
        "tos_uris",
        "contacts",
        "software_id",
        "software_version",
        "initiate_login_uri",
        "default_max_age",
        "require_auth_time",
        "backchannel_logout_uri",
        "backchannel_logout_session_required",
        "frontchannel_logout_uri",
        "frontchannel_logout_session_required",
    }
)
# Columns of which one value is narrower than the other.
_NARROWER_OFF: Final = frozenset({"may_read_ssin", "first_party", "may_read_device_id"})
_NARROWER_ON: Final = frozenset({"require_pkce"})
_LISTS: Final = frozenset({"redirect_uris", "resources", "grant_types", "request_uris"})
# Whether a client reads the tokens of a risky resource server, exchanges tokens for one, and
# presents the assertions of an issuer.
_ELSEWHERE = select(
    exists().where(resources.c.client_id == bindparam("client_id"), resources.c.may_read_ssin),
    exists().where(
        exchange_pairs.c.client_id == bindparam("client_id"),
        exchange_pairs.c.resource == resources.c.resource,
        or_(resources.c.may_read_ssin, resources.c.resource == bindparam("desk_api")),
    ),
    exists().where(assertion_issuers.c.client_id == bindparam("client_id")),
)
# Columns that say by whom, and how, the tokens of a resource server are read.
_READERS: Final = ("client_id", "token_format", "encrypt_tokens", "reads_may_act")


def find_client_risks(
    connection: Connection, settings: Settings, before: Client | None, after: Client
) -> tuple[ChangeRisk, ...]:
    """The risks of a change of an application; () where one operator may make the change.

    `before` is None for a new application.
    """
    elsewhere = _risks_elsewhere(connection, settings, after.client_id)
    now = _risks_of_client(settings, after) | elsewhere
    if before is None:
        return _ordered(now)
    then = _risks_of_client(settings, before) | elsewhere
    if now - then:
        return _ordered(now - then)
    return _ordered(now) if now and _is_wider(before, after) else ()


def find_resource_risks(before: Resource | None, after: Resource) -> tuple[ChangeRisk, ...]:
    """The risks of a change of a resource server, as `find_client_risks`."""
    if not after.may_read_ssin:
        return ()
    if before is None or not before.may_read_ssin:
        return ("reads-ssin",)
    changed = {name for name in _READERS if getattr(before, name) != getattr(after, name)}
    if after.encrypt_tokens:
        changed.discard("encrypt_tokens")
    if not after.reads_may_act:
        changed.discard("reads_may_act")
    return ("reads-ssin",) if changed else ()


def find_exchange_risks(
    connection: Connection, settings: Settings, resource: str
) -> tuple[ChangeRisk, ...]:
    """The risks of allowing a token exchange for this resource server."""
    if resource == desk_api_audience(settings):
        return ("exchange",)
    found = find_resource(connection, resource)
    return ("exchange",) if found and found.may_read_ssin else ()


def _risks_elsewhere(connection: Connection, settings: Settings, client_id: str) -> set[ChangeRisk]:
    """The risks of a client that follow from registrations of others."""
    parameters = {"client_id": client_id, "desk_api": desk_api_audience(settings)}
    reads, exchanges, presents = connection.execute(_ELSEWHERE, parameters).one()
    has: Mapping[ChangeRisk, bool] = {
        "reads-ssin": reads,
        "exchange": exchanges,
        "assertions": presents,
    }
    return {name for name, held in has.items() if held}


def _risks_of_client(settings: Settings, client: Client) -> set[ChangeRisk]:
    has: Mapping[ChangeRisk, bool] = {
        "ssin": client.may_read_ssin,
        "no-consent": client.first_party,
        "staff": STAFF in client.allowed_profile_kinds,
        "desk-api": desk_api_audience(settings) in client.resources,
    }
    return {name for name, held in has.items() if held}


def _is_wider(before: Client, after: Client) -> bool:
    """Whether a change lets somebody else have what the application has, or lets it do more."""
    old, new = _columns(before), _columns(after)
    return any(
        old[name] != value and not _is_narrower(name, old[name], value)
        for name, value in new.items()
    )


def _columns(client: Client) -> dict[str, Any]:
    """The values whose change is risky, by name."""
    columns = {name: getattr(client, name) for name in Client.__dataclass_fields__}
    members = asdict(columns.pop("metadata"))
    del columns["profile_kinds"], columns["required_profile_kinds"]
    columns |= {name: value for name, value in members.items() if name not in _RISKLESS_MEMBERS}
    columns["kinds"] = client.allowed_profile_kinds
    return {name: value for name, value in columns.items() if name not in _RISKLESS}


def _is_narrower(name: str, old: Any, new: Any) -> bool:
    if name in _NARROWER_OFF:
        return not new
    if name in _NARROWER_ON:
        return bool(new)
    if name == "scope":
        return {*new.split()} <= {*old.split()}
    if name == "kinds" or name in _LISTS:
        return {*new} <= {*old}
    return False


def _ordered(held: Iterable[ChangeRisk]) -> tuple[ChangeRisk, ...]:
    return tuple(sorted(held))
