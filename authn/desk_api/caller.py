"""Who calls the desk's API: a member of staff, by an access token that is for it.

RFC 6750 §3 (https://www.rfc-editor.org/rfc/rfc6750#section-3), RFC 9470, OAuth 2.0 Step Up
Authentication Challenge Protocol (https://www.rfc-editor.org/rfc/rfc9470).
"""

from datetime import timedelta
from typing import Final

from authn.clients.desk_api import DESK_ACT, desk_api_audience
from authn.clients.resources import find_resource
from authn.console.desk_sessions import NO_REASON, Desk
from authn.console.targets import note_refused, nothing_here
from authn.db.transaction import must_write
from authn.devices.devices import find_device
from authn.errors import NotFound
from authn.grants.access_tokens import LiveGrant, grant_of_access_token
from authn.oidc.access_token import AccessToken
from authn.oidc.protected_resource import BEARER, DPOP, accepted_token, refused
from authn.people.persons import lock_person
from authn.policies import LEVELS
from authn.sessions.levels import acr
from authn.staff.staff import Staff, staff_of
from authn.web.protocol import ProtocolError
from authn.web.request import Request
from authn.webauthn.policy import model_of, policy_of_staff, unmet

REALM: Final = "desk"
FRESH: Final = timedelta(minutes=5)
"""How long ago whoever does an act of weight may have signed in."""


def calling_desk(request: Request, scope: str, *, fresh: bool, writes: bool) -> Desk:
    """Who of the staff calls, with a token that has this scope; `fresh` is for acts of weight.

    `writes` is for what is on record in any case: the transaction may write from here on, so that
    nothing is found out too late. Where they act, nobody else acts for them until it ends, as at
    the pages. Raises a `ProtocolError` in the form of RFC 6750 §3 or RFC 9470 §3, and `NotFound`,
    on record, for who is not of the staff.
    """
    token, live, profile = accepted_token(request, desk_api_audience(request.settings), REALM)
    if writes:
        must_write(request.connection)
    if find_resource(request.connection, token.audience) is None:  # it was taken back just now
        raise _refused(token, "invalid_token", "The API is not offered any more.")
    if profile.id is not None or "act" in token.claims:
        raise _refused(token, "invalid_token", "Staff act as themselves, and for nobody else.")
    if scope not in token.scope.split():
        raise _refused(
            token, "insufficient_scope", "Another scope is needed.", status=403, scope=scope
        )
    if scope == DESK_ACT:
        live = _alone(request, token, live)
    person_id = live.grant.person_id
    staff = staff_of(request.connection, person_id)
    if staff is None:
        nobody = Desk(Staff(person_id, frozenset(), frozenset()), NO_REASON)
        note_refused(request, nobody, "use-api", "no staff")
        raise nothing_here()
    _check_sign_in(request, token, live, FRESH if fresh else request.settings.desk_lifetime)
    return Desk(staff, NO_REASON)


def _alone(request: Request, token: AccessToken, live: LiveGrant) -> LiveGrant:
    """The grant as it is now that nobody else acts for its person, or removes their device."""
    lock_person(request.connection, live.grant.person_id)
    present = grant_of_access_token(
        request.connection, request.secrets, request.settings, token.jti, request.now
    )
    if present is None:
        raise _refused(token, "invalid_token", "The token is invalid, expired or ended.")
    return present


def _check_sign_in(
    request: Request, token: AccessToken, live: LiveGrant, oldest: timedelta
) -> None:
    """They signed in lately enough, with a device that is good enough for staff today."""
    grant, policy = live.grant, policy_of_staff(request.settings)
    enough = LEVELS[LEVELS.index(policy.level) :]
    try:
        device = find_device(request.connection, grant.person_id, grant.device_id)
    except NotFound:  # removed just now
        raise _refused(token, "invalid_token", "The token is invalid, expired or ended.") from None
    weak = unmet(policy, device, model_of(request.site, device)) is not None
    if weak or grant.level not in enough or request.now - grant.auth_time > oldest:
        raise _refused(
            token,
            "insufficient_user_authentication",
            "A more recent sign-in, or one with another device, is needed.",
            acr_values=" ".join(dict.fromkeys(acr(request.settings, each) for each in enough)),
            max_age=str(int(oldest.total_seconds())),
        )


def _refused(
    token: AccessToken, error: str, description: str, *, status: int = 401, **more: str
) -> ProtocolError:
    """The refusal of a token that is known, in the scheme in which it comes."""
    scheme = DPOP if token.confirmation.jkt else BEARER
    return refused(error, description, status=status, scheme=scheme, realm=REALM, **more)
