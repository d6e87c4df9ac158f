"""The names under which consents are kept, and what a request asks by them.

    profile                        a scope of ours
    claim/birthdate                a claim that was asked by itself (Core §5.5)
    https://api.example/           a resource (RFC 8707), where none of its scopes is asked
    https://api.example/#read      a scope of a resource: a resource has no fragment (RFC 8707 §2)
    authorization_details/SHA-256  exactly these details of one request (RFC 9396)

Why a resource's scope has the resource in its name: two resources may call two things the same, and
who allowed one has not allowed the other. No two kinds can be taken for each other: a resource is
an absolute URI, a claim and details have a slash before any colon, a scope of ours has neither.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, bindparam, delete

from authn.clients.clients import Client
from authn.clients.resource_servers.resources import find_resources
from authn.consents.authorization_details import (
    details_digest,
    details_needing_consent,
    list_locations,
)
from authn.consents.consents import ConsentAnswer, give_consent
from authn.consents.scopes import OPENID, SCOPE_OF_CLAIM, SCOPES, SSIN
from authn.consents.tables import consents
from authn.grants.authorization_request import NO_GRANT_DETAILS, AuthorizationRequest

CLAIM: Final = "claim/"
DETAILS: Final = "authorization_details/"
DETAILS_KEPT: Final = timedelta(minutes=15)

_FORGET_DETAILS = delete(consents).where(
    consents.c.person_id == bindparam("person_id"),
    consents.c.client_id == bindparam("client_id"),
    consents.c.scope.startswith(DETAILS, autoescape=True),
    consents.c.given_at < bindparam("before"),
)

Answers = Mapping[str, ConsentAnswer]


def answers_that_count(
    answers: Answers, request: AuthorizationRequest, since: datetime | None = None
) -> dict[str, ConsentAnswer]:
    """The answers that count for a request: all, or those given from `since` on.

    An answer to authorization details counts only if given after the request came.
    """
    return {
        name: answer
        for name, answer in answers.items()
        if (since is None or answer.given_at >= since)
        and (not name.startswith(DETAILS) or answer.given_at >= request.arrived_at)
    }


def names_to_ask(
    names: frozenset[str], needed: Collection[str], answers: Answers
) -> frozenset[str]:
    """The names that the person must still answer.

    A name that was declined is asked again if the client can't do without (`needed`), or if nothing
    would be left for the client.
    """
    allowed = allowed_names(names, answers)
    declined = {name for name in names if name in answers and not answers[name].allowed}
    unanswered = names - allowed - (declined - set(needed))
    return unanswered or (frozenset() if allowed else names)


def allowed_names(names: Iterable[str], answers: Answers) -> frozenset[str]:
    """The names that are allowed by themselves or, for a claim, by the scope that has the claim."""

    def is_allowed(name: str) -> bool:
        return name in answers and answers[name].allowed

    asked = frozenset(names)
    return frozenset(name for name in asked if is_allowed(name) or is_allowed(_scope_of(name)))


def earliest_end(allowed: Iterable[str], answers: Answers) -> datetime | None:
    """The moment when the first of the allowed names ends; None where all last until withdrawn.

    A claim that a scope allows ends with the answer to that scope.
    """

    def answer_to(name: str) -> ConsentAnswer | None:
        own = answers.get(name)
        return own if own and own.allowed else answers.get(_scope_of(name))

    ends = [answer.expires_at for name in allowed if (answer := answer_to(name))]
    return min((each for each in ends if each), default=None)


def needed_names(client: Client, request: AuthorizationRequest, names: Iterable[str]) -> set[str]:
    """The names that the client can't do without: claims that the request calls essential (Core
    §5.5.1), scopes with a reason in the registration, `openid`, and authorization details."""
    claims = {CLAIM + claim if claim != SSIN else SSIN for claim in request.essential_claims}
    return {
        name
        for name in names
        if name == OPENID
        or name in claims
        or name.startswith(DETAILS)
        or scope_of_name(name) in client.scope_reasons
    }


def scope_of_name(name: str) -> str:
    """The scope that a consent name stands for; "" for any other name."""
    if name in SCOPES:
        return name
    return "" if name.startswith((CLAIM, DETAILS)) else name.partition("#")[2]


def allow_names(
    connection: Connection,
    person_id: UUID,
    profile_id: UUID,
    request: AuthorizationRequest,
    names: Iterable[str],
    now: datetime,
    *,
    declined: Collection[str] = (),
    expires_at: datetime | None = None,
) -> None:
    """Stores that the person allows these names of the request, and what they `declined`.

    Old answers of this client to authorization details are deleted: they are of one request.
    """
    if details_name(request) is not None:
        parameters = {"person_id": person_id, "client_id": request.client_id}
        connection.execute(_FORGET_DETAILS, {**parameters, "before": now - DETAILS_KEPT})
    give_consent(
        connection,
        person_id,
        request.client_id,
        profile_id,
        names,
        now,
        declined=declined,
        expires_at=expires_at,
    )


def narrow_request(
    request: AuthorizationRequest, names: frozenset[str], allowed: frozenset[str]
) -> AuthorizationRequest:
    """The request without the `names` that are not `allowed`."""
    at, kept_at = scopes_at_resources(names), scopes_at_resources(allowed)
    locations = list_locations(request.authorization_details)
    kept = {scope for scopes in kept_at.values() for scope in scopes}
    scopes = [
        scope
        for scope in request.scope.split()
        if (scope in allowed if scope in SCOPES else scope in kept)
    ]
    resource = tuple(
        each for each in request.resource if each in kept_at or each in locations or each not in at
    )
    # What stays in the scope for one resource, another one does not get by that.
    withheld = [
        f"{each}#{scope}"
        for each in resource
        for scope in at.get(each, ())
        if scope in kept and scope not in kept_at.get(each, ())
    ]

    def claims(asked: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(
            each for each in asked if SCOPE_OF_CLAIM[each] in scopes or CLAIM + each in allowed
        )

    return replace(
        request,
        scope=" ".join(scopes),
        resource=resource,
        claims_id_token=claims(request.claims_id_token),
        claims_userinfo=claims(request.claims_userinfo),
        withheld=(*request.withheld, *withheld),
    )


def find_requested_names(connection: Connection, request: AuthorizationRequest) -> frozenset[str]:
    """The names of everything that the request asks: one query if it names resources."""
    asked = request.scope.split()
    if request.grant_details == NO_GRANT_DETAILS:
        return frozenset(asked)
    names = {scope for scope in asked if scope in SCOPES}
    # What a scope has is not asked beside it, unless the client can do without the rest of it.
    given = {claim for scope in names for claim in SCOPES[scope]} - {*request.essential_claims}
    claims = {*request.claims_id_token, *request.claims_userinfo} - given - names
    names |= {CLAIM + claim for claim in claims}
    details = [name] if (name := details_name(request)) else []
    return frozenset(names.union(_names_of_resources(connection, request), details))


def details_name(request: AuthorizationRequest) -> str | None:
    """The name of a consent to the authorization details of a request; None without any."""
    details = details_needing_consent(request.authorization_details)
    # The request too: who allows a thing once has not allowed a second request of the same.
    this_request = {"request_id": request.request_id}
    return DETAILS + details_digest([this_request, *details]) if details else None


def _names_of_resources(connection: Connection, request: AuthorizationRequest) -> Iterable[str]:
    if not request.resource:
        return ()
    scopes = [scope for scope in request.scope.split() if scope not in SCOPES]
    found = find_resources(connection, request.resource)
    names = {
        identifier: [
            name
            for scope in scopes
            if scope in resource.scopes
            and (name := f"{identifier}#{scope}") not in request.withheld
        ]
        for identifier, resource in found.items()
    }
    # Who allows details at a resource has allowed to ask it for them.
    locations = list_locations(request.authorization_details)
    bare = [
        identifier for identifier, held in names.items() if not held and identifier not in locations
    ]
    return [*bare, *chain.from_iterable(names.values())]


def scopes_at_resources(names: Iterable[str]) -> dict[str, list[str]]:
    """The resources among the names, each with its scopes among them."""
    found: dict[str, list[str]] = {}
    for name in sorted(names):
        if name not in SCOPES and not name.startswith((CLAIM, DETAILS)):
            identifier, _, scope = name.partition("#")
            found.setdefault(identifier, []).extend([scope] if scope else [])
    return found


def _scope_of(name: str) -> str:
    """The scope that has the claim of this consent name; "" for a name of no claim."""
    return SCOPE_OF_CLAIM.get(name.removeprefix(CLAIM), "") if name.startswith(CLAIM) else ""
