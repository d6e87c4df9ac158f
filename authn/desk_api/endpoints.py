"""Every route of the desk's API: its calls, and the document that describes them."""

from typing import Final

from starlette.responses import Response

from authn.clients.desk_api import PATH
from authn.desk_api.acts import OPERATIONS as ACTS
from authn.desk_api.approvals import OPERATIONS as APPROVALS
from authn.desk_api.openapi import openapi
from authn.desk_api.operations import Operation
from authn.desk_api.people import OPERATIONS as PEOPLE
from authn.web.request import Request, json_answer
from authn.web.routing import NO_DATABASE, json_route

OPERATIONS: Final[tuple[Operation, ...]] = (*PEOPLE, *ACTS, *APPROVALS)
DOCUMENT: Final = f"{PATH}/openapi.json"


def document(request: Request) -> Response:
    """The OpenAPI document: the same for everybody, and nobody's secret."""
    return json_answer(openapi(request.settings.issuer, OPERATIONS))


routes = [
    json_route(DOCUMENT, document, method="GET", writes=NO_DATABASE),
    *(each.route for each in OPERATIONS),
]
