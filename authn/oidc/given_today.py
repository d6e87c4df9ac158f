"""What an access token that is out still gives: of what stands in it, what may be had today.

RFC 7662 §2.2 (https://www.rfc-editor.org/rfc/rfc7662#section-2.2): the answer is about now. What
was taken from the client, from its resource or from whoever acts counts at once, and not when the
token ends. Whoever reads tokens without asking here has them for their five minutes.
"""

from collections.abc import Mapping
from typing import Any, Final

from authn.clients.permissions import SYSTEM, ClientIdentity, refusal, refusals
from authn.consents.authorization_details import ACTIONS_AT_RESOURCE
from authn.consents.scopes import SSIN
from authn.grants.introspection import TokenAtResource
from authn.oidc.access_token import AccessToken
from authn.profiles.identity import identity_of
from authn.profiles.profile import Profile

_DETAILS: Final = "authorization_details"


def given_today(
    token: AccessToken, living: TokenAtResource, profile: Profile
) -> Mapping[str, Any] | None:
    """The claims of the token, with the scope and the details that it gives now.

    None where that is nothing, and was something; or where the resource is refused altogether.
    """
    level = living.level
    identity = ClientIdentity(SYSTEM, None) if level is None else identity_of(profile, level)
    if refusal(identity, "", living.rules):
        return None
    scopes = token.scope.split()
    left = [each for each in scopes if _may_have(each, identity, living)]
    told = token.claims.get(_DETAILS, ())
    kept = [each for each in told if _may_do(each, identity, living)]
    if left == scopes and len(kept) == len(told):
        return token.claims
    if not left and not any(each["type"] == ACTIONS_AT_RESOURCE for each in kept):
        return None
    claims = {name: value for name, value in token.claims.items() if name != _DETAILS}
    return claims | {"scope": " ".join(left)} | ({_DETAILS: kept} if kept else {})


def _may_have(scope: str, identity: ClientIdentity, living: TokenAtResource) -> bool:
    if scope not in living.askable:
        return False
    if scope == SSIN:
        return living.may_read_ssin
    return refusal(identity, scope, living.rules) is None


def _may_do(detail: Mapping[str, Any], identity: ClientIdentity, living: TokenAtResource) -> bool:
    """Whether all that it names may be done; what names no scope is looked at where it is used."""
    if detail["type"] != ACTIONS_AT_RESOURCE:
        return True
    actions = detail["actions"]
    return living.askable.issuperset(actions) and not refusals(identity, actions, living.rules)
