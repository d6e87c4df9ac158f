"""A token exchange to another capacity of the same person, without a page, without signing out.

`requested_subject` names the capacity, by the `sub` of an entry of `may_act` or of a detail of type
`profile` (decisions 9.1, RFC 9396), as the client or a resource of the tokens knows the capacity.
The person has given the client consent in that capacity before. No list that somebody sends is
read, and the capacity of the grant stays as it is (decisions 4.10).
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from authn.clients.clients import Client
from authn.clients.resource_servers.resources import Resource, find_resource
from authn.consents.authorization_details import PROFILE_SUB
from authn.consents.consents import find_answers
from authn.consents.scopes import SSIN
from authn.grants.grants import Grant
from authn.oidc.tokens.access_token import AuthorisedAccess
from authn.oidc.tokens.active_token import ActiveToken
from authn.oidc.tokens.capacity import capacity_unchecked_error
from authn.profiles.available import available_profiles, questions_for_kinds
from authn.profiles.available import list_unusable_questions as unchecked_questions
from authn.profiles.kinds import KINDS
from authn.profiles.profile import Profile
from authn.profiles.profiles import find_by_public_id
from authn.profiles.refreshing import refresh_from_sources
from authn.web.protocol import ProtocolError
from authn.web.request import Request

REQUESTED_SUBJECT: Final = "requested_subject"


def requested_profile(
    request: Request, client: Client, subject: ActiveToken, resource: Resource
) -> Profile:
    """The profile that `requested_subject` names; without, that of the presented token.

    The profile holds now, and people may use the client in it. Raises `ProtocolError`, and what
    answers 503 with nothing done where nobody knows.
    """
    wanted = request.form.get(REQUESTED_SUBJECT, "")
    if not wanted:
        return subject.profile
    if subject.grant is None or not PROFILE_SUB.fullmatch(wanted):
        raise _unknown_subject()
    kinds = [kind for kind in KINDS if kind in client.allowed_profile_kinds]
    questions = questions_for_kinds(kinds)
    person_id = subject.grant.person_id
    refresh_from_sources(request, person_id, questions)
    held = available_profiles(
        request.connection, request.secrets, request.settings, person_id, request.now
    )
    reachable = [each for each in held if each.kind in kinds]
    for sector in _sectors(request, client, subject, resource):
        if found := find_by_public_id(reachable, sector, wanted):
            return found
    if unchecked_questions(request.connection, request.settings, person_id, request.now, questions):
        raise capacity_unchecked_error()
    raise _unknown_subject()


def require_consent_in_profile(
    request: Request, client: Client, grant: Grant, authorised: AuthorisedAccess
) -> datetime | None:
    """When the person's consent to the access in this capacity ends first; None for never.

    Raises `ProtocolError` (`consent_required`) without consent. A first-party client needs none.
    """
    if client.first_party:
        return None
    profile_id = authorised.profile.consent_id
    answers = find_answers(
        request.connection, grant.person_id, client.client_id, profile_id, request.now
    )
    given = [answers.get(name) for name in _consented_names(authorised)]
    if not all(answer and answer.allowed for answer in given):
        raise ProtocolError(
            "consent_required",
            "The person has not allowed this client that in the capacity that is asked: send them "
            "to /authorize with it as the profile.",
        )
    ends = [answer.expires_at for answer in given if answer and answer.expires_at]
    return min(ends, default=None)


def _consented_names(authorised: AuthorisedAccess) -> set[str]:
    """The access, by the names under which consents are stored (`consents.consent_names`)."""
    resource, scopes = authorised.resource, authorised.scope.split()
    assert resource is not None
    own = {f"{resource.resource}#{each}" for each in scopes if each in resource.scopes}
    return (own or {resource.resource}) | ({SSIN} & set(scopes))


def _sectors(
    request: Request, client: Client, subject: ActiveToken, resource: Resource
) -> Iterator[str]:
    """The sectors that may know the `sub` of a capacity: of the client, and of the resources of the
    presented and of the new token."""
    yield client.sector_identifier
    yield resource.sector_identifier
    presented_to = find_resource(request.connection, subject.token.audience)
    if presented_to is not None:
        yield presented_to.sector_identifier


def _unknown_subject() -> ProtocolError:
    return ProtocolError(
        "invalid_request",
        "The requested_subject is no capacity of this person in which the client may be used now.",
    )
