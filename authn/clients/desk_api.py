"""The desk's own API as a resource: who speaks to it has an access token for it, by its scopes.

RFC 8707 (https://www.rfc-editor.org/rfc/rfc8707). It is off until the operator registers it, and
then for those clients alone that the operator gave it: no client takes a resource by itself
(decisions 4.14). What it is can't be changed, since `desk_api` relies on it.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from authn.audit.events import ResourceRegistered
from authn.audit.log import record
from authn.clients.permissions import STAFF
from authn.clients.resources import Resource, ResourceScope, row_of_resource
from authn.clients.tables import resources
from authn.db.occasion import NO_REFERENCE
from authn.db.once import insert_once
from authn.secrets import Secrets
from authn.settings import Settings

PATH: Final = "/api/desk/v1"
DESK_READ: Final = "desk_read"
DESK_ACT: Final = "desk_act"
# In their capacity at a desk, and in no other.
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
    """The resource that access tokens for the desk's API are for."""
    return settings.issuer + PATH


def as_desk_tool(settings: Settings, resources: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """In which capacities people use an application that is given these resources, where nobody
    says it, by the names of `Client`: as staff alone, if the desk's API is one; else nothing."""
    if desk_api_audience(settings) not in resources:
        return {}
    return {"profile_kinds": _AS_STAFF, "required_profile_kinds": _AS_STAFF}


def register_desk_api(
    connection: Connection, secrets: Secrets, settings: Settings, now: datetime
) -> bool:
    """Whether access tokens can be for the desk's API by this; False when they could before."""
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
