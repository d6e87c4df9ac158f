"""What an authorization request asks of a person, by the names under which consents are kept.

    profile                        a scope of ours
    claim/birthdate                a claim that was asked by itself (Core §5.5)
    https://api.example/           a resource (RFC 8707), where none of its scopes is asked
    https://api.example/#read      a scope of a resource: a resource has no fragment (RFC 8707 §2)
    authorization_details/SHA-256  exactly these details of one request (RFC 9396)

Why a resource's scope has the resource in its name: two resources may call two things the same, and
who allowed one has not allowed the other. No two kinds can be taken for each other: a resource is
an absolute URI, a claim and details have a slash before any colon, a scope of ours has neither.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import chain
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, bindparam, delete

from authn.clients.resources import find_resources
from authn.consents.authorization_details import digest_of, locations_of
from authn.consents.consents import give_consent, missing_scopes
from authn.consents.scopes import SCOPES
from authn.consents.tables import consents
from authn.grants.authorization_request import AuthorizationRequest
from authn.grants.particulars import NOTHING

CLAIM: Final = "claim/"
DETAILS: Final = "authorization_details/"
DETAILS_KEPT: Final = timedelta(minutes=15)

_FORGET_DETAILS = delete(consents).where(
    consents.c.person_id == bindparam("person_id"),
    consents.c.client_id == bindparam("client_id"),
    consents.c.scope.startswith(DETAILS, autoescape=True),
    consents.c.given_at < bindparam("before"),
)


def still_to_allow(
    connection: Connection,
    person_id: UUID,
    profile_id: UUID,
    request: AuthorizationRequest,
    since: datetime | None = None,
) -> frozenset[str]:
    """What the person has not allowed the client; `since` as in `missing_scopes`.

    Details are of one occasion: what was allowed before the request came does not count for them.
    """
    names = names_asked(connection, request)
    missing = missing_scopes(connection, person_id, request.client_id, profile_id, names, since)
    details = details_name(request)
    if details is None:
        return missing
    return missing | missing_scopes(
        connection, person_id, request.client_id, profile_id, {details}, request.arrived_at
    )


def allow(
    connection: Connection,
    person_id: UUID,
    profile_id: UUID,
    request: AuthorizationRequest,
    names: Iterable[str],
    now: datetime,
) -> None:
    """The person allows the client of the request these names, which are some of it.

    Of details nothing is kept for longer than their own request waits.
    """
    if details_name(request) is not None:
        parameters = {"person_id": person_id, "client_id": request.client_id}
        connection.execute(_FORGET_DETAILS, {**parameters, "before": now - DETAILS_KEPT})
    give_consent(connection, person_id, request.client_id, profile_id, names, now)


def names_asked(connection: Connection, request: AuthorizationRequest) -> frozenset[str]:
    """Everything that is asked; one query if a resource is asked, none otherwise."""
    asked = request.scope.split()
    if request.particulars == NOTHING:
        return frozenset(asked)
    names = {scope for scope in asked if scope in SCOPES}
    given = {claim for scope in names for claim in SCOPES[scope]}
    claims = {*request.claims_id_token, *request.claims_userinfo} - given
    names |= {CLAIM + claim for claim in claims}
    details = [name] if (name := details_name(request)) else []
    return frozenset(names.union(_names_of_resources(connection, request), details))


def details_name(request: AuthorizationRequest) -> str | None:
    """The name of a consent to its authorization details; None if it has none."""
    details = request.authorization_details
    # The request too: who allows a thing once has not allowed a second request of the same.
    occasion = {"request_id": request.request_id}
    return DETAILS + digest_of([occasion, *details]) if details else None


def _names_of_resources(connection: Connection, request: AuthorizationRequest) -> Iterable[str]:
    if not request.resource:
        return ()
    scopes = [scope for scope in request.scope.split() if scope not in SCOPES]
    found = find_resources(connection, request.resource)
    names = {
        identifier: [f"{identifier}#{scope}" for scope in scopes if scope in resource.scopes]
        for identifier, resource in found.items()
    }
    # Who allows details at a resource has allowed to ask it for them.
    told = locations_of(request.authorization_details)
    bare = [identifier for identifier, held in names.items() if not held and identifier not in told]
    return [*bare, *chain.from_iterable(names.values())]


def scopes_at_resources(names: Iterable[str]) -> dict[str, list[str]]:
    """The resources that are among these names, each with its scopes among them."""
    found: dict[str, list[str]] = {}
    for name in sorted(names):
        if name not in SCOPES and not name.startswith((CLAIM, DETAILS)):
            identifier, _, scope = name.partition("#")
            found.setdefault(identifier, []).extend([scope] if scope else [])
    return found
