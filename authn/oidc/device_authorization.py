"""/device_authorization: an application without a browser asks for a code that a person types.

OAuth 2.0 Device Authorization Grant, RFC 8628 §3.1 and §3.2
(https://www.rfc-editor.org/rfc/rfc8628#section-3.1), with resources (RFC 8707), authorization
details (RFC 9396 §6) and, where a DPoP proof came along, bound to its key as /par does it. A client
has the grant type from the operator alone: codes are what strangers phish with (§5.4).
"""

from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response

from authn.clients.clients import DEVICE_CODE, Client
from authn.consents.desk_acts import desk_act_of
from authn.grants.device_codes import INTERVAL, LIFETIME, DeviceCodeRequest, issue_device_code
from authn.grants.particulars import GrantDetails
from authn.grants.user_codes import shown
from authn.oidc.authorization_checks import profile_hint
from authn.oidc.authorize import without_empty
from authn.oidc.client_authentication import authenticated_client
from authn.oidc.dpop import nonce_headers, presented_jkt
from authn.oidc.requested_access import requested_access
from authn.web.protocol import ProtocolError
from authn.web.request import Request, json_answer
from authn.web.routing import protocol_route

# Characters: it goes through the addresses of the hallway, which have an end.
LONGEST_ACCESS: Final = 10_000


def device_authorization(request: Request) -> Response:
    """Both codes, and where the person types theirs (§3.2).

    Raises a `Refusal` in the form of RFC 6749 §5.2.
    """
    client = authenticated_client(request)
    if not client.check_grant_type(DEVICE_CODE):
        raise ProtocolError("unauthorized_client", "This client has no device codes.")
    device_code, user_code = issue_device_code(
        request.connection, request.secrets, asked(request, client), request.now
    )
    verification_uri = f"{request.settings.issuer}/device"
    typed = urlencode({"user_code": shown(user_code)})
    answer = {
        "device_code": device_code,
        "user_code": shown(user_code),
        "verification_uri": verification_uri,
        "verification_uri_complete": f"{verification_uri}?{typed}",
        "expires_in": int(LIFETIME.total_seconds()),
        "interval": INTERVAL,
    }
    response = json_answer(answer)
    response.headers.update(nonce_headers(request))
    return response


def asked(request: Request, client: Client) -> DeviceCodeRequest:
    """What the client may get of what it asks.

    From where is known of a public client alone: what asks for a confidential one is its server.
    """
    parameters = without_empty(request.form)
    access = requested_access(request, client, parameters)
    if desk_act_of(access.authorization_details):
        # Who confirms an act must be where it was asked: codes are what strangers phish with.
        raise ProtocolError(
            "invalid_authorization_details", "An act at the desk is not confirmed by a code."
        )
    particulars = GrantDetails(
        resources=access.resource, authorization_details=access.authorization_details
    ).pack()
    if len(access.scope) + len(particulars) > LONGEST_ACCESS:
        raise ProtocolError("invalid_request", "The request is too long.")
    address = request.address if client.public else ""
    return DeviceCodeRequest(
        client_id=client.client_id,
        scope=access.scope,
        particulars=particulars,
        dpop_jkt=presented_jkt(request, client),
        place=request.site.places.find(address) or None,
        address=address,
        profile=profile_hint(parameters),
    )


routes = [
    protocol_route("/device_authorization", device_authorization, methods=["POST"], writes=True)
]
