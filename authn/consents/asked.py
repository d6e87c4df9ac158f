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

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, bindparam, delete

from authn.clients.clients import Client
from authn.clients.resources import find_resources
from authn.consents.authorization_details import asked_each_time, digest_of, locations_of
from authn.consents.consents import ConsentAnswer, give_consent
from authn.consents.scopes import OPENID, SCOPE_OF_CLAIM, SCOPES, SSIN
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

Answers = Mapping[str, ConsentAnswer]


def that_count(
    answers: Answers, request: AuthorizationRequest, since: datetime | None = None
) -> dict[str, ConsentAnswer]:
    """Of the answers that hold, those that count for this request: given from `since` on, if given.

    Details are of one occasion: what was said before the request came does not count for them.
    """
    return {
        name: answer
        for name, answer in answers.items()
        if (since is None or answer.given_at >= since)
        and (not name.startswith(DETAILS) or answer.given_at >= request.arrived_at)
    }


def still_to_ask(
    names: frozenset[str], needed: Collection[str], answers: Answers
) -> frozenset[str]:
    """Those of the names that the person has neither allowed, nor declined where the client can do
    without (`needed` is what it can't).

    Where nothing would be left for it, what was declined is asked again: who asks for nothing else
    has come for just that.
    """
    allowed = allowed_names(names, answers)
    declined = {name for name in names if name in answers and not answers[name].allowed}
    unanswered = names - allowed - (declined - set(needed))
    return unanswered or (frozenset() if allowed else names)


def allowed_names(names: Iterable[str], answers: Answers) -> frozenset[str]:
    """Those of the names that are allowed: by themselves or, a claim, by a scope that has it."""

    def is_allowed(name: str) -> bool:
        return name in answers and answers[name].allowed

    asked = frozenset(names)
    return frozenset(name for name in asked if is_allowed(name) or is_allowed(_scope_of(name)))


def ends_at(allowed: Iterable[str], answers: Answers) -> datetime | None:
    """When the first of these allowed names is so no more; None where they go on until withdrawn.

    A claim that a scope allows ends with the answer to that scope.
    """

    def answer_to(name: str) -> ConsentAnswer | None:
        own = answers.get(name)
        return own if own and own.allowed else answers.get(_scope_of(name))

    ends = [answer.expires_at for name in allowed if (answer := answer_to(name))]
    return min((each for each in ends if each), default=None)


def needed_names(client: Client, request: AuthorizationRequest, names: Iterable[str]) -> set[str]:
    """Those of the names that the client can't do without: it says so of a claim in its request
    (Core §5.5.1), of a scope in its registration; and what a request is of this once."""
    claims = {CLAIM + claim if claim != SSIN else SSIN for claim in request.essential_claims}
    return {
        name
        for name in names
        if name == OPENID
        or name in claims
        or name.startswith(DETAILS)
        or scope_in(name) in client.scope_reasons
    }


def scope_in(name: str) -> str:
    """The scope that a name is of; "" where it is of none."""
    if name in SCOPES:
        return name
    return "" if name.startswith((CLAIM, DETAILS)) else name.partition("#")[2]


def allow(
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
    """The person allows the client of the request these names, which are some of it, until then.

    What is `declined` of it is remembered too. Of details nothing is kept for longer than their own
    request waits.
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


def narrowed(
    request: AuthorizationRequest, names: frozenset[str], allowed: frozenset[str]
) -> AuthorizationRequest:
    """The request without what is not `allowed` of its `names`."""
    at, kept_at = scopes_at_resources(names), scopes_at_resources(allowed)
    told = locations_of(request.authorization_details)
    kept = {scope for scopes in kept_at.values() for scope in scopes}
    scopes = [
        scope
        for scope in request.scope.split()
        if (scope in allowed if scope in SCOPES else scope in kept)
    ]
    resource = tuple(
        each for each in request.resource if each in kept_at or each in told or each not in at
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


def names_asked(connection: Connection, request: AuthorizationRequest) -> frozenset[str]:
    """Everything that is asked; one query if a resource is asked, none otherwise."""
    asked = request.scope.split()
    if request.particulars == NOTHING:
        return frozenset(asked)
    names = {scope for scope in asked if scope in SCOPES}
    # What a scope has is not asked beside it, unless the client can do without the rest of it.
    given = {claim for scope in names for claim in SCOPES[scope]} - {*request.essential_claims}
    claims = {*request.claims_id_token, *request.claims_userinfo} - given - names
    names |= {CLAIM + claim for claim in claims}
    details = [name] if (name := details_name(request)) else []
    return frozenset(names.union(_names_of_resources(connection, request), details))


def details_name(request: AuthorizationRequest) -> str | None:
    """The name of a consent to its authorization details; None if it has none."""
    details = asked_each_time(request.authorization_details)
    # The request too: who allows a thing once has not allowed a second request of the same.
    occasion = {"request_id": request.request_id}
    return DETAILS + digest_of([occasion, *details]) if details else None


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


def _scope_of(name: str) -> str:
    """The scope of ours that has the claim of this name; "" for any other name."""
    return SCOPE_OF_CLAIM.get(name.removeprefix(CLAIM), "") if name.startswith(CLAIM) else ""
