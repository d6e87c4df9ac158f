"""Who calls the desk's API: a member of staff, by an access token that is for it.

RFC 6750 §3 (https://www.rfc-editor.org/rfc/rfc6750#section-3), RFC 9470, OAuth 2.0 Step Up
Authentication Challenge Protocol (https://www.rfc-editor.org/rfc/rfc9470). An act of weight needs
a confirmation of exactly that (decisions 2.9): the detail `desk_act` of RFC 9396 in the token.
"""

from dataclasses import dataclass
from typing import Final

from authn.clients.desk_api import DESK_ACT, desk_api_audience
from authn.clients.permissions import refusal
from authn.clients.resources import find_resource
from authn.consents.desk_acts import ConsentDeskAct, desk_act_of
from authn.console.desk_sessions import NO_REASON, Desk
from authn.console.targets import note_refused, nothing_here
from authn.db.spent import spend
from authn.db.transaction import must_write
from authn.desk_api.acted_on import acted_on
from authn.devices.devices import find_device
from authn.devices.tables import KeyLevel
from authn.errors import NotFound
from authn.grants.access_tokens import LiveGrant, grant_of_access_token
from authn.grants.grants import Grant
from authn.login.desk_act import LIFETIME
from authn.oidc.access_token import AccessToken
from authn.oidc.protected_resource import BEARER, DPOP, accepted_token, refused
from authn.people.persons import lock_persons
from authn.policies import LEVELS
from authn.profiles.identity import identity_of
from authn.profiles.profiles import find_profile
from authn.sessions.levels import acr
from authn.sources.facts import DeskRoles
from authn.staff.staff import Staff, staff_at
from authn.web.protocol import ProtocolError
from authn.web.request import Request
from authn.webauthn.policy import model_of, policy_of_staff, unmet

REALM: Final = "desk"


@dataclass(frozen=True, slots=True, repr=False)
class DeskApiCaller:
    """Who of the staff calls, and the token that they call with."""

    desk: Desk
    token: AccessToken
    grant: Grant


def calling(request: Request, scope: str, *, writes: bool) -> DeskApiCaller:
    """Who of the staff calls, with a token that has this scope.

    `writes` is for what is on record in any case: the transaction may write from here on, so that
    nothing is found out too late. Where they act, nobody else acts for them until it ends, as at
    the pages. Raises a `ProtocolError` in the form of RFC 6750 §3 or RFC 9470 §3, and `NotFound`,
    on record, for who is not of the staff.
    """
    token, live, profile = accepted_token(request, desk_api_audience(request.settings), REALM)
    if writes:
        must_write(request.connection)
    resource = find_resource(request.connection, token.audience)
    if resource is None or token.audience not in live.resources:  # it was taken back just now
        raise _refused(token, "invalid_token", "The API is not offered any more.")
    if not isinstance(profile.fact, DeskRoles) or "act" in token.claims:
        raise _refused(token, "invalid_token", "A token of somebody in their staff role is needed.")
    identity = identity_of(profile, live.grant.level)
    if scope not in token.scope.split() or refusal(identity, scope, resource):
        raise _refused(
            token, "insufficient_scope", "Another scope is needed.", status=403, scope=scope
        )
    if scope == DESK_ACT:
        live = _alone(request, token, live)
    person_id = live.grant.person_id
    staff = _staff(request, profile.fact.desk, live)
    if staff is None:
        nobody = Desk(Staff(person_id, frozenset(), frozenset()), NO_REASON)
        note_refused(request, nobody, "use-api", "no staff")
        raise nothing_here()
    _check_sign_in(request, token, live)
    return DeskApiCaller(Desk(staff, NO_REASON), token, live.grant)


def spend_confirmation(request: Request, caller: DeskApiCaller, act: ConsentDeskAct) -> None:
    """The caller has confirmed this very act, on this very target, and has done it by that.

    It is spent by one INSERT, for the whole grant: a token got by a refresh or an exchange is of
    the same one. What was confirmed for something else is not touched. Raises a `ProtocolError`
    that tells what to ask for.
    """
    token = caller.token
    confirmed = desk_act_of(token.claims.get("authorization_details", ()))
    kept_until = request.now + LIFETIME  # no grant with an act lives longer
    if confirmed != act or not spend(
        request.connection, f"desk act of grant {caller.grant.id}", kept_until
    ):
        raise _to_be_confirmed(request, token, act)


def _to_be_confirmed(request: Request, token: AccessToken, act: ConsentDeskAct) -> ProtocolError:
    """What a tool needs to know to have the act confirmed: what to ask for (RFC 9396 §2).

    Not `insufficient_user_authentication`: a client that knows RFC 9470 alone would sign its user
    in anew, and be no further.
    """
    refusal = _refused(
        token,
        "insufficient_authorization",
        "The act is to be confirmed by itself, once: ask for these authorization_details.",
        scope=DESK_ACT,
        acr_values=_acr_values(request),
    )
    refusal.members["authorization_details"] = [act.detail(token.audience)]
    return refusal


def _staff(request: Request, desk: str, live: LiveGrant) -> Staff | None:
    """What they are at the desk of their capacity at this moment; None once that has ended."""
    profile_id, connection = live.profile_id, request.connection
    profile = find_profile(connection, request.secrets, profile_id) if profile_id else None
    if profile is None or profile.ended_at is not None:
        return None
    return staff_at(connection, live.grant.person_id, desk)


def _alone(request: Request, token: AccessToken, live: LiveGrant) -> LiveGrant:
    """The grant as it is now that nobody else acts for its person, or removes their device."""
    lock_persons(request.connection, {live.grant.person_id, *acted_on(request)})
    present = grant_of_access_token(
        request.connection, request.secrets, request.settings, token.jti, request.now
    )
    if present is None:
        raise _refused(token, "invalid_token", "The token is invalid, expired or ended.")
    return present


def _check_sign_in(request: Request, token: AccessToken, live: LiveGrant) -> None:
    """They signed in while a desk would still be open, with a device that is good enough today."""
    grant, policy = live.grant, policy_of_staff(request.settings)
    oldest = request.settings.desk_lifetime
    try:
        device = find_device(request.connection, grant.person_id, grant.device_id)
    except NotFound:  # removed just now
        raise _refused(token, "invalid_token", "The token is invalid, expired or ended.") from None
    weak = unmet(policy, device, model_of(request.site, device)) is not None
    if weak or grant.level not in _enough(request) or request.now - grant.auth_time > oldest:
        raise _refused(
            token,
            "insufficient_user_authentication",
            "A more recent sign-in, or one with another device, is needed.",
            acr_values=_acr_values(request),
            max_age=str(int(oldest.total_seconds())),
        )


def _enough(request: Request) -> tuple[KeyLevel, ...]:
    """The levels of a sign-in that are enough for staff."""
    return LEVELS[LEVELS.index(policy_of_staff(request.settings).level) :]


def _acr_values(request: Request) -> str:
    settings = request.settings
    return " ".join(dict.fromkeys(acr(settings, each) for each in _enough(request)))


def _refused(
    token: AccessToken, error: str, description: str, *, status: int = 401, **more: str
) -> ProtocolError:
    """The refusal of a token that is known, in the scheme in which it comes."""
    scheme = DPOP if token.confirmation.jkt else BEARER
    return refused(error, description, status=status, scheme=scheme, realm=REALM, **more)
