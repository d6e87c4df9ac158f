"""What a request asks at resources, and the request without some of it."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from authn.clients.resource_servers.resources import Resource
from authn.consents.authorization_details import ACTIONS_AT_RESOURCE
from authn.consents.scopes import SCOPES
from authn.grants.authorization_request import AuthorizationRequest
from authn.login.findings import ScopeAtResource


def requested_scopes(
    pending: AuthorizationRequest, resources: Mapping[str, Resource]
) -> set[ScopeAtResource]:
    """The resources and scopes that are asked; a scope that its resource has lost is left out."""
    asked: set[ScopeAtResource] = {(identifier, "") for identifier in resources}
    for scope in _resource_scopes(pending):
        asked |= {(each, scope) for each in resources if scope in resources[each].scopes}
    for detail in pending.authorization_details:
        asked |= {named for named in _actions(detail) if named[0] in resources}
    return asked


def request_without(
    pending: AuthorizationRequest,
    resources: Mapping[str, Resource],
    refused: Collection[ScopeAtResource],
) -> AuthorizationRequest:
    """The request without `refused`.

    A detail goes with any of its actions, a resource with the last of what was asked there.
    """
    holders = {
        scope: [each for each, resource in resources.items() if scope in resource.scopes]
        for scope in _resource_scopes(pending)
    }
    gone = {
        scope
        for scope, held_by in holders.items()
        if held_by and all((each, scope) in refused for each in held_by)
    }
    details = tuple(
        each for each in pending.authorization_details if not _actions(each) & {*refused}
    )
    asked_at = {each for held_by in holders.values() for each in held_by}
    asked_at |= _locations(pending.authorization_details)
    left_at = {
        each
        for scope, held_by in holders.items()
        for each in held_by
        if (each, scope) not in refused
    }
    left_at |= _locations(details)
    resource = tuple(
        each
        for each in pending.resource
        if (each, "") not in refused and (each in left_at or each not in asked_at)
    )
    # What stays in the scope for another resource, a resource that refuses it does not get by that.
    withheld = [
        f"{each}#{scope}"
        for scope, held_by in holders.items()
        for each in held_by
        if each in resource and scope not in gone and (each, scope) in refused
    ]
    return replace(
        pending,
        scope=" ".join(each for each in pending.scope.split() if each not in gone),
        resource=resource,
        authorization_details=details,
        withheld=(*pending.withheld, *withheld),
    )


def _resource_scopes(pending: AuthorizationRequest) -> list[str]:
    """The requested scopes that are of resources, not of OpenID Connect."""
    return [scope for scope in pending.scope.split() if scope not in SCOPES]


def _actions(detail: Mapping[str, Any]) -> set[ScopeAtResource]:
    """The scopes that a detail is about, each with its resource; none of another type's."""
    if detail["type"] != ACTIONS_AT_RESOURCE:
        return set()
    return {(detail["locations"][0], action) for action in detail["actions"]}


def _locations(details: Collection[Mapping[str, Any]]) -> set[str]:
    return {resource for detail in details for resource, _ in _actions(detail)}
