"""The access that a request asks: scopes, resources and authorization details.

RFC 6749 §3.3 (https://www.rfc-editor.org/rfc/rfc6749#section-3.3), RFC 8707, Resource Indicators
(https://www.rfc-editor.org/rfc/rfc8707), RFC 9396. A client gets no more than it is
registered for: an unknown scope is ignored (Core §3.1.2.1), an unknown resource or detail refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from authn.clients.clients import REFRESH_TOKEN, Client
from authn.clients.resource_servers.desk_api import desk_api_audience
from authn.clients.resource_servers.resources import Resource, find_resources, userinfo_audience
from authn.consents.authorization_details import Detail, DetailRequest, list_locations
from authn.consents.scopes import SCOPES
from authn.grants.grants import OFFLINE_ACCESS
from authn.oidc.requests.json_parameters import (
    InvalidAuthorizationDetails,
    check_details,
    read_details,
)
from authn.oidc.requests.refusal import AuthorizationError, Parameters
from authn.people.ssin import today_in_brussels
from authn.web.request import Request

Resources = Mapping[str, Resource]


@dataclass(frozen=True, slots=True)
class RequestedAccess:
    """The access that may be granted.

    `resource` has the named resources, and those to which a scope or a detail belongs.
    """

    scope: str
    resource: tuple[str, ...]
    authorization_details: tuple[Detail, ...]


def requested_access(request: Request, client: Client, parameters: Parameters) -> RequestedAccess:
    """The requested access, as far as the client may have it; raises `AuthorizationError`.

    One query where a client with resources asks for more than our own scopes, none otherwise.
    """
    asked = tuple(dict.fromkeys(parameters.get("scope", "").split(" ")))
    others = [each for each in asked if each not in SCOPES and client.may_ask(each)]
    named = tuple(dict.fromkeys(parameters.get("resource", "").split()))
    unchecked_details = _read_details(parameters)
    known: Resources = {}
    if client.resources and (others or named or unchecked_details):
        known = find_resources(request.connection, client.resources)
    refuse_other_resources(named, known, userinfo_audience(request.settings))
    resource_of = resources_of_scopes(others, named, known)
    today, desk_api = today_in_brussels(request.now), desk_api_audience(request.settings)
    asking = DetailRequest(client, known, today, desk_api)
    details = _checked_details(unchecked_details, asking)
    granted = [each for each in asked if each in resource_of or may_ask_own_scope(client, each)]
    resources = dict.fromkeys([*named, *resource_of.values(), *list_locations(details)])
    if not granted and not resources:
        raise AuthorizationError("invalid_scope", "No scope was asked that this client may have.")
    return RequestedAccess(" ".join(granted), tuple(resources), details)


def may_ask_own_scope(client: Client, scope: str) -> bool:
    """Whether `scope` is one of `SCOPES` that the client may ask and could use.

    Core §11: `offline_access` is ignored where no refresh token can come of it.
    """
    if scope == OFFLINE_ACCESS and not client.check_grant_type(REFRESH_TOKEN):
        return False
    return scope in SCOPES and client.may_ask(scope)


def refuse_other_resources(named: tuple[str, ...], known: Resources, userinfo: str) -> None:
    """Refuses a resource that is no absolute URI, or not the client's (RFC 8707 §2)."""
    for each in named:
        if not is_resource_indicator(each):
            raise AuthorizationError(
                "invalid_target", "A resource is an absolute URI, no fragment."
            )
        if each != userinfo and each not in known:
            raise AuthorizationError("invalid_target", "A resource is not one of this client's.")


def is_resource_indicator(text: str) -> bool:
    """Whether the text is an absolute URI without a fragment (RFC 8707 §2)."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.scheme and (parts.netloc or parts.path)) and "#" not in text


def resources_of_scopes(
    scopes: list[str], named: tuple[str, ...], known: Resources
) -> dict[str, str]:
    """The resource of each requested scope; of several resources the first that is named.

    A scope brings along its resource where none is named: then only one resource may have it.
    """
    among = {each: known[each] for each in named if each in known} if named else known
    found = {}
    for scope in scopes:
        holders = [each for each, resource in among.items() if scope in resource.scopes]
        if len(holders) > 1 and not named:
            raise AuthorizationError(
                "invalid_target", "A scope belongs to several resources: name one as resource."
            )
        if holders:
            found[scope] = holders[0]
    return found


def _read_details(parameters: Parameters) -> tuple[object, ...]:
    try:
        return read_details(parameters.get("authorization_details", ""))
    except InvalidAuthorizationDetails as invalid:
        raise AuthorizationError("invalid_authorization_details", str(invalid)) from None


def _checked_details(details: tuple[object, ...], asking: DetailRequest) -> tuple[Detail, ...]:
    try:
        return check_details(details, asking)
    except InvalidAuthorizationDetails as invalid:
        raise AuthorizationError("invalid_authorization_details", str(invalid)) from None
