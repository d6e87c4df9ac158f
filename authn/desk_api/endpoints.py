"""Every route of the room: the calls of the API, their document, and the confirmation of an act."""

from typing import Final

from starlette.responses import Response

from authn.clients.resource_servers.desk_api import PATH
from authn.desk_api.activity import OPERATIONS as ACTIVITY
from authn.desk_api.acts import OPERATIONS as ACTS
from authn.desk_api.approvals import OPERATIONS as APPROVALS
from authn.desk_api.confirmation_endpoints import routes as confirmation_routes
from authn.desk_api.openapi import build_openapi
from authn.desk_api.operations import Operation
from authn.desk_api.people import OPERATIONS as PEOPLE
from authn.desk_api.registration import OPERATIONS as REGISTRATION
from authn.web.request import Request, json_answer
from authn.web.routing import NO_DATABASE, json_route

OPERATIONS: Final[tuple[Operation, ...]] = (
    *PEOPLE,
    *ACTS,
    *APPROVALS,
    *REGISTRATION,
    *ACTIVITY,
)
DOCUMENT: Final = f"{PATH}/openapi.json"


def openapi_document(request: Request) -> Response:
    """The OpenAPI document, which is public."""
    return json_answer(build_openapi(request.settings.issuer, OPERATIONS))


routes = [
    json_route(DOCUMENT, openapi_document, method="GET", writes=NO_DATABASE),
    *(each.route for each in OPERATIONS),
    *confirmation_routes,
]
