"""What of a request the person has allowed, until when, and what must still be asked.

OpenID Connect Core 1.0 §3.1.2.4 (https://openid.net/specs/openid-connect-core-1_0.html#Consent).
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from authn.consents.consent_names import (
    allowed_names,
    answers_that_count,
    earliest_end,
    find_requested_names,
    narrow_request,
    needed_names,
)
from authn.consents.consents import find_answers
from authn.grants.authorization_request import DEVICE, AuthorizationRequest
from authn.login.checks.authentication import (
    LoginStep,
    has_acted_for_request,
)
from authn.login.checks.capacity import acting_profile
from authn.login.checks.permission import permitted_request
from authn.login.findings import ConsentQuestion
from authn.login.pending import Interaction

CONSENT = LoginStep("/consent", "consent_required", "The person has not allowed this yet.")


def consent_required(interaction: Interaction) -> LoginStep | None:
    """The request asks something that the person has not allowed this client."""
    return CONSENT if names_left_to_allow(interaction) else None


@dataclass(frozen=True, slots=True)
class AgreedScopes:
    """The request without what was declined; `ends_at` is None where no end was chosen."""

    request: AuthorizationRequest
    ends_at: datetime | None = None


def find_consent_question(interaction: Interaction) -> ConsentQuestion | None:
    """What the consent page asks; None where nothing needs consent. Read once in a request.

    With `prompt=consent`, and for an application that anybody can pretend to be, what was allowed
    before this request came does not count. One of the operator's own asks nothing otherwise.
    """
    session, pending = interaction.session, interaction.pending
    if session is None:
        return None
    pretender = _could_be_another(interaction)
    anew = "consent" in pending.prompt or (pretender and not has_acted_for_request(interaction))
    if interaction.client.first_party and not (pretender and anew):
        return None
    questions = interaction.findings.questions
    profile_id = acting_profile(interaction).consent_id
    if profile_id not in questions:
        since = pending.arrived_at if anew else None
        questions[profile_id] = _question(
            interaction, permitted_request(interaction), profile_id, since
        )
    return questions[profile_id]


def _question(
    interaction: Interaction, asked: AuthorizationRequest, profile_id: UUID, since: datetime | None
) -> ConsentQuestion:
    assert interaction.session is not None
    connection, client = interaction.request.connection, interaction.client
    names = find_requested_names(connection, asked)
    person_id = interaction.session.person_id
    former = find_answers(
        connection, person_id, client.client_id, profile_id, interaction.request.now
    )
    needed = frozenset(needed_names(client, asked, names))
    return ConsentQuestion(asked, names, needed, answers_that_count(former, asked, since), former)


def forget_consent_question(interaction: Interaction) -> None:
    """Makes the next question be read anew, after an answer was stored in this request."""
    interaction.findings.questions.clear()


def names_left_to_allow(interaction: Interaction) -> frozenset[str]:
    """The names (`consents.consent_names`) that the person must still answer."""
    asked = find_consent_question(interaction)
    return asked.left if asked else frozenset()


def agreed_scopes(interaction: Interaction) -> AgreedScopes:
    """What the grant will be of; to be asked once `names_left_to_allow` is empty."""
    asked = find_consent_question(interaction)
    if asked is None:
        return AgreedScopes(permitted_request(interaction))
    allowed = allowed_names(asked.names, asked.answers)
    whole = allowed == asked.names
    request = asked.request if whole else narrow_request(asked.request, asked.names, allowed)
    return AgreedScopes(request, earliest_end(allowed, asked.answers))


def _could_be_another(interaction: Interaction) -> bool:
    """Whether another app could pretend to be the client (RFC 8252 §8.6, RFC 8628 §5.4).

    Nobody else answers at an https address; a scheme of an app's own, or a port, anybody can take,
    and a code to be typed anybody can ask for and send to somebody.
    """
    native = interaction.client.application_type == "native"
    elsewhere = interaction.pending.response_mode == DEVICE
    return elsewhere or (native and not interaction.pending.redirect_uri.startswith("https://"))
