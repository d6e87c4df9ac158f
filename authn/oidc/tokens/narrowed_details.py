"""`authorization_details` in a token request: a part of the granted details, for a single token.

RFC 9396 §6 (https://www.rfc-editor.org/rfc/rfc9396#section-6), §6.1 for what is less than what, §5
for the error. The grant stays as it is: a refresh may ask for the rest. The details that a system
asks are checked against the operator's permissions, since no person is asked (§6, client
credentials).
"""

from dataclasses import replace

from authn.clients.clients import Client
from authn.clients.resource_servers.permissions import (
    SYSTEM,
    ClientIdentity,
    find_refused_permissions,
)
from authn.clients.resource_servers.resources import Resource
from authn.consents.authorization_details import (
    ACTIONS_AT_RESOURCE,
    PROFILE,
    Detail,
    DetailRequest,
    is_within,
)
from authn.oidc.requests.json_parameters import (
    InvalidAuthorizationDetails,
    check_details,
    read_details,
)
from authn.oidc.tokens.access_token import AuthorisedAccess, capacity_detail
from authn.people.ssin import today_in_brussels
from authn.web.protocol import ProtocolError
from authn.web.request import Request

PARAMETER = "authorization_details"


def narrow_details(request: Request, authorised: AuthorisedAccess) -> AuthorisedAccess:
    """The access with the details alone that the request names, as they stand there.

    The person's capacity is in the token in any case; a detail of another capacity is refused.
    Raises `ProtocolError` (`invalid_authorization_details`).
    """
    if not request.form.get(PARAMETER):
        return authorised
    granted = [*authorised.authorization_details, *_capacity(authorised)]
    today = today_in_brussels(request.now)
    asked: list[Detail] = []
    for detail in _read_requested_details(request):
        if not isinstance(detail, dict) or not any(
            is_within(detail, each, today) for each in granted
        ):
            raise _invalid_details(
                "What the authorization_details ask was not granted, or is nothing."
            )
        asked.append(detail)
    kept = tuple(each for each in asked if each["type"] != PROFILE)
    return replace(authorised, authorization_details=kept)


def system_details(request: Request, client: Client, resource: Resource) -> tuple[Detail, ...]:
    """The details that a system asks for the resource, all permitted to the client and to systems.

    Raises `ProtocolError` (`invalid_authorization_details`).
    """
    if not request.form.get(PARAMETER):
        return ()
    asking = DetailRequest(client, {resource.resource: resource}, today_in_brussels(request.now))
    try:
        details = check_details(_read_requested_details(request), asking)
    except InvalidAuthorizationDetails as invalid:
        raise _invalid_details(str(invalid)) from None
    nobody = ClientIdentity(SYSTEM, None)
    for each in details:
        if each["type"] != ACTIONS_AT_RESOURCE or find_refused_permissions(
            nobody, each["actions"], resource
        ):
            raise _invalid_details("One of the authorization_details is not for systems.")
    return details


def requested_location(request: Request) -> str:
    """The only resource that the details of the request name; "" for none or several."""
    if not request.form.get(PARAMETER):
        return ""
    named = [
        each.get("locations") for each in _read_requested_details(request) if isinstance(each, dict)
    ]
    lists = [each for each in named if isinstance(each, list)]
    found = {text for each in lists for text in each if isinstance(text, str)}
    return found.pop() if len(found) == 1 else ""


def _capacity(authorised: AuthorisedAccess) -> tuple[Detail, ...]:
    """The detail of the person's capacity in the client's sector; () for a system."""
    if authorised.grant is None:
        return ()
    return (capacity_detail(authorised.profile, authorised.client.sector_identifier),)


def _read_requested_details(request: Request) -> tuple[object, ...]:
    try:
        return read_details(request.form[PARAMETER])
    except InvalidAuthorizationDetails as invalid:
        raise _invalid_details(str(invalid)) from None


def _invalid_details(description: str) -> ProtocolError:
    return ProtocolError("invalid_authorization_details", description)
