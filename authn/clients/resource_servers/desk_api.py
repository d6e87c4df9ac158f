"""The API of the support desk as a resource server, with its two scopes.

RFC 8707 (https://www.rfc-editor.org/rfc/rfc8707). Off until the operator registers the API, and
then for those clients alone to which the operator gives it: no client takes a resource by itself
(decisions 4.14). Its definition can't be changed, since the room `desk_api` relies on it.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from authn.audit.events.clients import ResourceRegistered
from authn.audit.log import record
from authn.clients.resource_servers.permissions import STAFF
from authn.clients.resource_servers.resources import Resource, ResourceScope, row_of_resource
from authn.clients.tables import resources
from authn.db.occasion import NO_REFERENCE
from authn.db.once import insert_once
from authn.secrets import Secrets
from authn.settings import Settings

PATH: Final = "/api/desk/v1"
DESK_READ: Final = "desk_read"
DESK_ACT: Final = "desk_act"
# For people who act as staff, and in no other capacity.
_AS_STAFF: Final = (STAFF,)
SCOPES: Final = {
    DESK_READ: ResourceScope(
        name={
            "en": "Look at people at the help desk in your name",
            "nl": "In uw naam mensen opzoeken bij de helpdesk",
            "fr": "Consulter des personnes au service d’aide en votre nom",
            "de": "In Ihrem Namen beim Helpdesk Personen ansehen",
        },
        profile_kinds=_AS_STAFF,
        level="device",
    ),
    DESK_ACT: ResourceScope(
        name={
            "en": "Act at the help desk in your name, such as blocking a device",
            "nl": "In uw naam handelen bij de helpdesk, zoals een toestel blokkeren",
            "fr": "Agir au service d’aide en votre nom, par exemple bloquer un appareil",
            "de": "In Ihrem Namen beim Helpdesk handeln, etwa ein Gerät sperren",
        },
        profile_kinds=_AS_STAFF,
        level="device",
    ),
}


def desk_api_audience(settings: Settings) -> str:
    """The identifier of the desk's API as a resource server: the `aud` of its access tokens."""
    return settings.issuer + PATH


def desk_tool_profile_kinds(
    settings: Settings, resources: Iterable[str]
) -> dict[str, tuple[str, ...]]:
    """The default profile kinds of an application with these resources, by the names of `Client`.

    People use an application that is given the desk's API as staff alone; {} for any other.
    """
    if desk_api_audience(settings) not in resources:
        return {}
    return {"profile_kinds": _AS_STAFF, "required_profile_kinds": _AS_STAFF}


def register_desk_api(
    connection: Connection, secrets: Secrets, settings: Settings, now: datetime
) -> bool:
    """Register the desk's API as a resource server; False when registered before."""
    address = desk_api_audience(settings)
    resource = Resource(
        resource=address,
        resource_name=f"{settings.service_name}, help desk",
        client_id=None,
        scopes=SCOPES,
        sector_identifier=address,
        may_read_ssin=False,
        reads_may_act=False,
        created_at=now,
        level="device",
    )
    if not insert_once(connection, resources, row_of_resource(resource)):
        return False
    record(connection, secrets, ResourceRegistered(resource=address), now, NO_REFERENCE)
    return True
