"""An exchange to another capacity of the same person, without a page and without signing out.

`requested_subject` names it, by the `sub` of an entry of `may_act` or of a detail of type `profile`
(domain 2.4, RFC 9396): what the resource was told that the token is for, or the client. The person
has allowed this client what it asks in that capacity before; nothing is taken from a list that
somebody sends, and what the grant is of stays as it is (decisions 4.10).
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from authn.clients.clients import Client
from authn.clients.resources import Resource, find_resource
from authn.consents.authorization_details import PROFILE_SUB
from authn.consents.consents import answers_of
from authn.consents.scopes import SSIN
from authn.grants.grants import Grant
from authn.oidc.access_token import AuthorisedAccess
from authn.oidc.acting_token import unchecked
from authn.oidc.living_token import LivingToken
from authn.profiles.available import available, questions_of
from authn.profiles.available import unchecked as unchecked_questions
from authn.profiles.kinds import KINDS
from authn.profiles.profile import Profile
from authn.profiles.profiles import find_by_public_id
from authn.profiles.refreshing import bring_up_to_date
from authn.web.protocol import ProtocolError
from authn.web.request import Request

REQUESTED_SUBJECT: Final = "requested_subject"


def asked_profile(
    request: Request, client: Client, subject: LivingToken, resource: Resource
) -> Profile:
    """The capacity that is asked, or the one of the token that is presented.

    It holds now, and the client may be used in it. Raises `ProtocolError`, and what answers 503
    with nothing done where that can't be known.
    """
    wanted = request.form.get(REQUESTED_SUBJECT, "")
    if not wanted:
        return subject.profile
    if subject.grant is None or not PROFILE_SUB.fullmatch(wanted):
        raise _unknown()
    kinds = [kind for kind in KINDS if kind in client.allowed_profile_kinds]
    questions = questions_of(kinds)
    person_id = subject.grant.person_id
    bring_up_to_date(request, person_id, questions)
    held = available(request.connection, request.secrets, request.settings, person_id, request.now)
    reachable = [each for each in held if each.kind in kinds]
    for sector in _sectors(request, client, subject, resource):
        if found := find_by_public_id(reachable, sector, wanted):
            return found
    if unchecked_questions(request.connection, request.settings, person_id, request.now, questions):
        raise unchecked()
    raise _unknown()


def allowed_in_profile(
    request: Request, client: Client, grant: Grant, authorised: AuthorisedAccess
) -> datetime | None:
    """The person has allowed the client this, in this capacity; raises `ProtocolError`.

    When the first of that comes to its end; None where nothing does. A first-party client is
    exempt, as it is everywhere.
    """
    if client.first_party:
        return None
    profile_id = authorised.profile.consent_id
    answers = answers_of(
        request.connection, grant.person_id, client.client_id, profile_id, request.now
    )
    said = [answers.get(name) for name in _names(authorised)]
    if not all(answer and answer.allowed for answer in said):
        raise ProtocolError(
            "consent_required",
            "The person has not allowed this client that in the capacity that is asked: send them "
            "to /authorize with it as the profile.",
        )
    ends = [answer.expires_at for answer in said if answer and answer.expires_at]
    return min(ends, default=None)


def _names(authorised: AuthorisedAccess) -> set[str]:
    """What the token gives, by its names in `consents.asked`."""
    resource, scopes = authorised.resource, authorised.scope.split()
    assert resource is not None
    own = {f"{resource.resource}#{each}" for each in scopes if each in resource.scopes}
    return (own or {resource.resource}) | ({SSIN} & set(scopes))


def _sectors(
    request: Request, client: Client, subject: LivingToken, resource: Resource
) -> Iterator[str]:
    """Those to whom the `sub` of a capacity may have been told: the client, and the resources of
    the token that is presented and of the one that is asked."""
    yield client.sector_identifier
    yield resource.sector_identifier
    presented_to = find_resource(request.connection, subject.token.audience)
    if presented_to is not None:
        yield presented_to.sector_identifier


def _unknown() -> ProtocolError:
    return ProtocolError(
        "invalid_request",
        "The requested_subject is no capacity of this person in which the client may be used now.",
    )
