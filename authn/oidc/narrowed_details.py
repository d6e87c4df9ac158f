"""`authorization_details` in a token request: some of what was granted, for this one token.

RFC 9396 §6 (https://www.rfc-editor.org/rfc/rfc9396#section-6), §6.1 for what is less than what, §5
for the error. What was granted stays as it is: a refresh may ask for the rest. A system asks
nobody: what it names is held against the rules of the operator (§6, client credentials).
"""

from dataclasses import replace

from authn.clients.clients import Client
from authn.clients.permissions import SYSTEM, ClientIdentity, refusals
from authn.clients.resources import Resource
from authn.consents.authorization_details import (
    ACTIONS_AT_RESOURCE,
    PROFILE,
    Detail,
    DetailRequest,
    is_within,
)
from authn.oidc.access_token import AuthorisedAccess, capacity_detail
from authn.oidc.authorization_details import (
    InvalidAuthorizationDetails,
    checked_details,
    read_details,
)
from authn.people.ssin import today_in_brussels
from authn.web.protocol import ProtocolError
from authn.web.request import Request

PARAMETER = "authorization_details"


def narrowed_details(request: Request, authorised: AuthorisedAccess) -> AuthorisedAccess:
    """The same with those details alone that the request names, each as it names it.

    In which capacity the person acts is told in any case; who names another one is refused. Raises
    `ProtocolError` (`invalid_authorization_details`).
    """
    if not request.form.get(PARAMETER):
        return authorised
    granted = [*authorised.authorization_details, *_capacity(authorised)]
    today = today_in_brussels(request.now)
    asked: list[Detail] = []
    for detail in _read(request):
        if not isinstance(detail, dict) or not any(
            is_within(detail, each, today) for each in granted
        ):
            raise _invalid("What the authorization_details ask was not granted, or is nothing.")
        asked.append(detail)
    kept = tuple(each for each in asked if each["type"] != PROFILE)
    return replace(authorised, authorization_details=kept)


def details_of_system(request: Request, client: Client, resource: Resource) -> tuple[Detail, ...]:
    """What a system asks at the resource by details, all of it the client's and for systems.

    Raises `ProtocolError` (`invalid_authorization_details`).
    """
    if not request.form.get(PARAMETER):
        return ()
    asking = DetailRequest(client, {resource.resource: resource}, today_in_brussels(request.now))
    try:
        details = checked_details(_read(request), asking)
    except InvalidAuthorizationDetails as invalid:
        raise _invalid(str(invalid)) from None
    nobody = ClientIdentity(SYSTEM, None)
    for each in details:
        if each["type"] != ACTIONS_AT_RESOURCE or refusals(nobody, each["actions"], resource):
            raise _invalid("One of the authorization_details is not for systems.")
    return details


def location_asked(request: Request) -> str:
    """The one resource that the details of the request are about; "" where they name none, or
    several."""
    if not request.form.get(PARAMETER):
        return ""
    named = [each.get("locations") for each in _read(request) if isinstance(each, dict)]
    lists = [each for each in named if isinstance(each, list)]
    found = {text for each in lists for text in each if isinstance(text, str)}
    return found.pop() if len(found) == 1 else ""


def _capacity(authorised: AuthorisedAccess) -> tuple[Detail, ...]:
    """As what the client knows the capacity in which the person acts; of a system there is none."""
    if authorised.grant is None:
        return ()
    return (capacity_detail(authorised.profile, authorised.client.sector_identifier),)


def _read(request: Request) -> tuple[object, ...]:
    try:
        return read_details(request.form[PARAMETER])
    except InvalidAuthorizationDetails as invalid:
        raise _invalid(str(invalid)) from None


def _invalid(description: str) -> ProtocolError:
    return ProtocolError("invalid_authorization_details", description)
