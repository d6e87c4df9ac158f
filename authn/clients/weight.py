"""What gives an application or a resource server much: never by one operator alone.

Much is what lets somebody have the national numbers of people, act for them without their consent,
or act at the help desk. Whoever has that already holds it as they are: another address to send
people to, another key, a wider scope is another holder, and weighs as much. What takes something
away, or changes words, weighs nothing. Anything else of a holder does: a column that is new is
heavy until it is named here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, Final, Literal

from sqlalchemy import Connection, bindparam, exists, or_, select

from authn.clients.clients import Client
from authn.clients.desk_api import desk_api_audience
from authn.clients.permissions import STAFF
from authn.clients.resources import Resource, find_resource
from authn.clients.tables import assertion_issuers, exchange_pairs, resources
from authn.settings import Settings

Gives = Literal["ssin", "no-consent", "staff", "desk-api", "reads-ssin", "exchange", "assertions"]

# Words and addresses by which nobody gets anything.
_LIGHT: Final = frozenset(
    {
        "client_id",
        "client_name",
        "post_logout_redirect_uris",
        "default_profile_kind",
        "scope_reasons",
        "created_at",
    }
)
_LIGHT_MEMBERS: Final = frozenset(
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
# Which of two values of these is the narrower one.
_NARROWER_OFF: Final = frozenset({"may_read_ssin", "first_party", "may_read_device_id"})
_NARROWER_ON: Final = frozenset({"require_pkce"})
_LISTS: Final = frozenset({"redirect_uris", "resources", "grant_types", "request_uris"})
# Whether it reads the tokens of what weighs much, exchanges tokens for such, and presents an
# issuer's assertions.
_ELSEWHERE = select(
    exists().where(resources.c.client_id == bindparam("client_id"), resources.c.may_read_ssin),
    exists().where(
        exchange_pairs.c.client_id == bindparam("client_id"),
        exchange_pairs.c.resource == resources.c.resource,
        or_(resources.c.may_read_ssin, resources.c.resource == bindparam("desk_api")),
    ),
    exists().where(assertion_issuers.c.client_id == bindparam("client_id")),
)
# By whom, and how, the tokens of a resource are read.
_READERS: Final = ("client_id", "token_format", "encrypt_tokens", "reads_may_act")


def client_gives(
    connection: Connection, settings: Settings, before: Client | None, after: Client
) -> tuple[Gives, ...]:
    """What the application would have by this change that weighs much; () where it may be done.

    `before` is None for a new one.
    """
    elsewhere = _held_elsewhere(connection, settings, after.client_id)
    now = _held(settings, after) | elsewhere
    if before is None:
        return _ordered(now)
    then = _held(settings, before) | elsewhere
    if now - then:
        return _ordered(now - then)
    return _ordered(now) if now and _wider(before, after) else ()


def resource_gives(before: Resource | None, after: Resource) -> tuple[Gives, ...]:
    """As `client_gives`, of a resource server."""
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


def exchange_gives(connection: Connection, settings: Settings, resource: str) -> tuple[Gives, ...]:
    """What an exchange for tokens of this resource gives that weighs much."""
    if resource == desk_api_audience(settings):
        return ("exchange",)
    found = find_resource(connection, resource)
    return ("exchange",) if found and found.may_read_ssin else ()


def _held_elsewhere(connection: Connection, settings: Settings, client_id: str) -> set[Gives]:
    """What others are registered with that this client has of it."""
    parameters = {"client_id": client_id, "desk_api": desk_api_audience(settings)}
    reads, exchanges, presents = connection.execute(_ELSEWHERE, parameters).one()
    has: Mapping[Gives, bool] = {"reads-ssin": reads, "exchange": exchanges, "assertions": presents}
    return {name for name, held in has.items() if held}


def _held(settings: Settings, client: Client) -> set[Gives]:
    has: Mapping[Gives, bool] = {
        "ssin": client.may_read_ssin,
        "no-consent": client.first_party,
        "staff": STAFF in client.allowed_profile_kinds,
        "desk-api": desk_api_audience(settings) in client.resources,
    }
    return {name for name, held in has.items() if held}


def _wider(before: Client, after: Client) -> bool:
    """Whether another one might hold what the application has, or it might do more with it."""
    old, new = _columns(before), _columns(after)
    return any(
        old[name] != value and not _narrower(name, old[name], value) for name, value in new.items()
    )


def _columns(client: Client) -> dict[str, Any]:
    """All that weighs, each by its name."""
    columns = {name: getattr(client, name) for name in Client.__dataclass_fields__}
    said = asdict(columns.pop("metadata"))
    del columns["profile_kinds"], columns["required_profile_kinds"]
    columns |= {name: value for name, value in said.items() if name not in _LIGHT_MEMBERS}
    columns["kinds"] = client.allowed_profile_kinds
    return {name: value for name, value in columns.items() if name not in _LIGHT}


def _narrower(name: str, old: Any, new: Any) -> bool:
    if name in _NARROWER_OFF:
        return not new
    if name in _NARROWER_ON:
        return bool(new)
    if name == "scope":
        return {*new.split()} <= {*old.split()}
    if name == "kinds" or name in _LISTS:
        return {*new} <= {*old}
    return False


def _ordered(held: Iterable[Gives]) -> tuple[Gives, ...]:
    return tuple(sorted(held))
