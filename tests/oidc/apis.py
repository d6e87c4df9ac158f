"""Resource servers in tests, and what an application asks there."""

import json
from typing import Any

from authn.clients.resource_servers.registration import register_resource
from authn.clients.resource_servers.resources import Resource
from authn.consents.authorization_details import ACTIONS_AT_RESOURCE
from authn.db.transaction import writing
from authn.web.site import Site

PRESCRIPTIONS = "https://prescriptions.example/api"
REPORTS = "https://reports.example/api"


def register_api(site: Site, resource: str = PRESCRIPTIONS, **more: Any) -> Resource:
    """A resource server with the scopes `read` and `write`."""
    values: dict[str, Any] = {
        "resource_name": "Prescriptions",
        "scopes": {"read": "Read your prescriptions", "write": "Renew a prescription"},
    }
    with writing(site.database) as connection:
        return register_resource(
            connection,
            site.secrets,
            site.settings,
            site.clock(),
            resource=resource,
            **(values | more),
        )


def register_reports(site: Site) -> Resource:
    """Another one, whose `read` is another one too."""
    scopes = {"read": "Read your medical reports", "share": "Share a report"}
    return register_api(site, REPORTS, resource_name="Medical reports", scopes=scopes)


def details(*actions: str, location: str = PRESCRIPTIONS, **more: Any) -> str:
    """The parameter `authorization_details` with one object in it."""
    detail = {"type": ACTIONS_AT_RESOURCE, "locations": [location], "actions": list(actions)}
    return json.dumps([detail | more])
