"""/device_authorization: an application without a browser obtains a code that a person types.

OAuth 2.0 Device Authorization Grant, RFC 8628 §3.1 and §3.2
(https://www.rfc-editor.org/rfc/rfc8628#section-3.1), with resources (RFC 8707), authorization
details (RFC 9396 §6) and, with a DPoP proof, bound to its key as at /par. Only the operator gives
a client the grant type: codes are what strangers phish with (§5.4).
"""

from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response

from authn.clients.clients import DEVICE_CODE, Client
from authn.consents.desk_acts import find_desk_act
from authn.grants.authorization_request import GrantDetails
from authn.grants.device_codes import INTERVAL, LIFETIME, DeviceCodeRequest, issue_device_code
from authn.grants.user_codes import format_user_code
from authn.oidc.client_authentication.authentication import authenticate_client
from authn.oidc.requests.parameters import drop_empty_parameters, profile_hint
from authn.oidc.requests.requested_access import requested_access
from authn.oidc.tokens.dpop import nonce_headers, presented_jkt
from authn.web.protocol import ProtocolError
from authn.web.request import Request, json_answer
from authn.web.routing import protocol_route

# Characters, which are in the addresses of the interaction's pages.
LONGEST_ACCESS: Final = 10_000


def device_authorization(request: Request) -> Response:
    """The device code, the user code, and the address where the person types the latter (§3.2).

    Raises a `Refusal` in the form of RFC 6749 §5.2.
    """
    client = authenticate_client(request)
    if not client.check_grant_type(DEVICE_CODE):
        raise ProtocolError("unauthorized_client", "This client has no device codes.")
    device_code, user_code = issue_device_code(
        request.connection, request.secrets, build_device_code_request(request, client), request.now
    )
    verification_uri = f"{request.settings.issuer}/device"
    typed = urlencode({"user_code": format_user_code(user_code)})
    answer = {
        "device_code": device_code,
        "user_code": format_user_code(user_code),
        "verification_uri": verification_uri,
        "verification_uri_complete": f"{verification_uri}?{typed}",
        "expires_in": int(LIFETIME.total_seconds()),
        "interval": INTERVAL,
    }
    response = json_answer(answer)
    response.headers.update(nonce_headers(request))
    return response


def build_device_code_request(request: Request, client: Client) -> DeviceCodeRequest:
    """The request for a device code, with the access that the client may have.

    `place` and `address` are known of a public client alone: for others a server asks.
    """
    parameters = drop_empty_parameters(request.form)
    access = requested_access(request, client, parameters)
    if find_desk_act(access.authorization_details):
        # Who confirms an act must be where it was asked: codes are what strangers phish with.
        raise ProtocolError(
            "invalid_authorization_details", "An act at the desk is not confirmed by a code."
        )
    details = GrantDetails(
        resources=access.resource, authorization_details=access.authorization_details
    ).pack()
    if len(access.scope) + len(details) > LONGEST_ACCESS:
        raise ProtocolError("invalid_request", "The request is too long.")
    address = request.address if client.public else ""
    return DeviceCodeRequest(
        client_id=client.client_id,
        scope=access.scope,
        particulars=details,
        dpop_jkt=presented_jkt(request, client),
        place=request.site.places.find(address) or None,
        address=address,
        profile=profile_hint(parameters),
    )


routes = [
    protocol_route("/device_authorization", device_authorization, methods=["POST"], writes=True)
]
