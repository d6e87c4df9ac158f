"""The caller of the desk's API: a member of staff, by an access token for this API.

RFC 6750 §3 (https://www.rfc-editor.org/rfc/rfc6750#section-3), RFC 9470, OAuth 2.0 Step Up
Authentication Challenge Protocol (https://www.rfc-editor.org/rfc/rfc9470). An act on a person needs
a confirmation of exactly that act (decisions 2.9): the detail `desk_act` of RFC 9396 in the token.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from authn.clients.resource_servers.desk_api import DESK_ACT, desk_api_audience
from authn.clients.resource_servers.permissions import find_refused_permission
from authn.clients.resource_servers.resources import find_resource
from authn.consents.desk_acts import ConsentDeskAct, find_desk_act
from authn.console.act_rules import not_found_error, record_desk_refusal
from authn.console.approval_rows import find_approval
from authn.console.desk_sessions import NO_REASON, Desk
from authn.console.undo import read_act_token
from authn.db.once import spend
from authn.db.transaction import must_write
from authn.devices.devices import find_device
from authn.devices.tables import KeyLevel
from authn.errors import NotFound, Refusal
from authn.grants.access_tokens import LiveGrant, find_grant_of_access_token
from authn.grants.grants import Grant
from authn.login.checks.desk_act import LIFETIME
from authn.oidc.tokens.active_token import AccessToken
from authn.oidc.tokens.protected_resource import (
    BEARER,
    DPOP,
    require_token_of_person,
    token_refusal,
)
from authn.people.persons import lock_persons
from authn.policies import LEVELS
from authn.profiles.profile import acting_identity
from authn.profiles.profiles import find_profile
from authn.sessions.levels import acr
from authn.sources.facts import DeskRoles
from authn.staff.members import Staff, find_staff_at_desk
from authn.web.protocol import ProtocolError
from authn.web.request import Request
from authn.webauthn.policy import find_model, find_unmet, required_staff_policy

REALM: Final = "desk"


@dataclass(frozen=True, slots=True, repr=False)
class DeskApiCaller:
    """The member of staff who calls, with their token and its grant."""

    desk: Desk
    token: AccessToken
    grant: Grant


def require_caller(request: Request, scope: str, *, writes: bool) -> DeskApiCaller:
    """The member of staff who calls, with a token that has this scope.

    `writes` is for calls that always record something: the transaction may write from here on. For
    an act, the caller and everybody acted on are locked, as at the pages. Raises a `ProtocolError`
    in the form of RFC 6750 §3 or RFC 9470 §3, and `NotFound`, on record, for who is no staff.
    """
    token, live, profile = require_token_of_person(
        request, desk_api_audience(request.settings), REALM
    )
    if writes:
        must_write(request.connection)
    resource = find_resource(request.connection, token.audience)
    if resource is None or token.audience not in live.resources:  # it was taken back just now
        raise _token_error(token, "invalid_token", "The API is not offered any more.")
    if not isinstance(profile.fact, DeskRoles) or "act" in token.claims:
        raise _token_error(
            token, "invalid_token", "A token of somebody in their staff role is needed."
        )
    identity = acting_identity(profile, live.grant.level)
    if scope not in token.scope.split() or find_refused_permission(identity, scope, resource):
        raise _token_error(
            token, "insufficient_scope", "Another scope is needed.", status=403, scope=scope
        )
    if scope == DESK_ACT:
        live = _lock_grant(request, token, live)
    person_id = live.grant.person_id
    staff = _find_staff(request, profile.fact.desk, live)
    if staff is None:
        nobody = Desk(Staff(person_id, frozenset(), frozenset()), NO_REASON)
        record_desk_refusal(request, nobody, "use-api", "no staff")
        raise not_found_error()
    _check_sign_in(request, token, live)
    return DeskApiCaller(Desk(staff, NO_REASON), token, live.grant)


def spend_confirmation(request: Request, caller: DeskApiCaller, act: ConsentDeskAct) -> None:
    """Spend the caller's confirmation of exactly this act on this target.

    Spent by one INSERT for the whole grant, so that a refreshed or exchanged token does not have
    the confirmation anew. A confirmation of anything else is not touched. Raises a `ProtocolError`
    with the authorization details to ask for.
    """
    token = caller.token
    confirmed = find_desk_act(token.claims.get("authorization_details", ()))
    kept_until = request.now + LIFETIME  # no grant with an act lives longer
    if confirmed != act or not spend(
        request.connection, f"desk act of grant {caller.grant.id}", kept_until
    ):
        raise _confirmation_needed_error(request, token, act)


def _confirmation_needed_error(
    request: Request, token: AccessToken, act: ConsentDeskAct
) -> ProtocolError:
    """The error that tells a tool which authorization details to ask for (RFC 9396 §2).

    Not `insufficient_user_authentication`: a client that knows RFC 9470 alone would only
    sign its user in anew.
    """
    refusal = _token_error(
        token,
        "insufficient_authorization",
        "The act is to be confirmed by itself, once: ask for these authorization_details.",
        scope=DESK_ACT,
        acr_values=_acr_values(request),
    )
    refusal.members["authorization_details"] = [act.detail(token.audience)]
    return refusal


def _find_staff(request: Request, desk: str, live: LiveGrant) -> Staff | None:
    """Their roles of today at the desk of their capacity; None once the capacity has ended."""
    profile_id, connection = live.profile_id, request.connection
    profile = find_profile(connection, request.secrets, profile_id) if profile_id else None
    if profile is None or profile.ended_at is not None:
        return None
    return find_staff_at_desk(connection, live.grant.person_id, desk)


def _lock_grant(request: Request, token: AccessToken, live: LiveGrant) -> LiveGrant:
    """The grant, read anew once its person and everybody acted on are locked."""
    lock_persons(request.connection, {live.grant.person_id, *persons_acted_on(request)})
    present = find_grant_of_access_token(
        request.connection, request.secrets, request.settings, token.jti, request.now
    )
    if present is None:
        raise _token_error(token, "invalid_token", "The token is invalid, expired or ended.")
    return present


def _check_sign_in(request: Request, token: AccessToken, live: LiveGrant) -> None:
    """Raise unless they signed in within `desk_lifetime`, on a device that meets today's policy."""
    grant, policy = live.grant, required_staff_policy(request.settings)
    oldest = request.settings.desk_lifetime
    try:
        device = find_device(request.connection, grant.person_id, grant.device_id)
    except NotFound:  # removed just now
        raise _token_error(
            token, "invalid_token", "The token is invalid, expired or ended."
        ) from None
    weak = find_unmet(policy, device, find_model(request.site, device)) is not None
    if (
        weak
        or grant.level not in _sufficient_levels(request)
        or request.now - grant.auth_time > oldest
    ):
        raise _token_error(
            token,
            "insufficient_user_authentication",
            "A more recent sign-in, or one with another device, is needed.",
            acr_values=_acr_values(request),
            max_age=str(int(oldest.total_seconds())),
        )


def _sufficient_levels(request: Request) -> tuple[KeyLevel, ...]:
    """The levels of a sign-in that meet the policy for staff."""
    return LEVELS[LEVELS.index(required_staff_policy(request.settings).level) :]


def _acr_values(request: Request) -> str:
    settings = request.settings
    return " ".join(dict.fromkeys(acr(settings, each) for each in _sufficient_levels(request)))


def _token_error(
    token: AccessToken, error: str, description: str, *, status: int = 401, **more: str
) -> ProtocolError:
    """The error for a known token, in the scheme in which the token came."""
    scheme = DPOP if token.confirmation.jkt else BEARER
    return token_refusal(error, description, status=status, scheme=scheme, realm=REALM, **more)


def persons_acted_on(request: Request) -> set[UUID]:
    """The ids of the persons named by the path, by its approval, or by the body, to lock together.

    Nothing is checked: an id that is nobody's locks nobody. Call once the token is accepted.
    """
    named = request.path_params.get("id")
    found = {named} if named else set()
    approval = find_approval(request, named) if named else None
    if approval is not None:
        found |= approval.persons_to_lock
    sent = request.json
    if isinstance(merged := sent.get("merged"), str):
        found |= _read_id(merged)
    if isinstance(undo := sent.get("undo"), str):
        found |= _person_of_undo(request, undo)
    return found


def _read_id(text: str) -> set[UUID]:
    try:
        return {UUID(text)}
    except ValueError:
        return set()


def _person_of_undo(request: Request, token: str) -> set[UUID]:
    try:
        return {read_act_token(request.secrets, token, request.now).person_id}
    except Refusal:
        return set()
