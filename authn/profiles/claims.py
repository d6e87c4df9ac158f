"""The claims that say in which capacity somebody acts, in the federation's terms (decisions 9.2).

The table is `CLAIMS`: each kind's module fills in its line, and `docs/profiles.md` is made of it.
userinfo, introspection and the page that asks for consent all use it.
"""

from typing import Any, Final

from authn.profiles.kinds import KINDS
from authn.profiles.kinds.kind import Json, NameInClaims, ProfileClaim
from authn.profiles.profile import Kind, Profile
from authn.profiles.profiles import public_id
from authn.settings import Settings

__all__ = ["CLAIMS", "NameInClaims", "act_claim", "may_act_entry", "user_profile"]

CLAIMS: Final[dict[Kind, tuple[ProfileClaim[Any], ...]]] = {
    name: kind.claims for name, kind in KINDS.items()
}


def user_profile(
    profile: Profile, acting: NameInClaims, represented: NameInClaims | None = None
) -> Json:
    """The claim `userProfile`: of the person who acts, or of the person for whom they act.

    `represented` is the person for whom they do, None where that is an organisation or nobody. A
    national number is in it only where it is in the `NameInClaims`.
    """
    about = represented if KINDS[profile.kind].for_another else acting
    members: Json = {}
    for claim in CLAIMS[profile.kind]:
        members |= claim.members(profile.fact, about)
    return members


def act_claim(profile: Profile, acting: NameInClaims, sub: str) -> Json | None:
    """The claim `act` (RFC 8693 §4.1): the real person, where they act for another; else None."""
    if not KINDS[profile.kind].for_another:
        return None
    members: Json = {}
    for claim in CLAIMS["citizen"]:
        members |= claim.members(None, acting)
    return {"sub": sub, "userProfile": members}


def may_act_entry(
    profile: Profile, represented: NameInClaims | None, sector: str, settings: Settings
) -> Json:
    """An entry of the federation's `may_act`: one mandator or one child, without names.

    `sub` names the profile for a switch; `represented` as in `user_profile`. With a national number
    in it, the entry is only for a resource that reads `may_act` and may read numbers, and never in
    an ID token (decisions 4.10).
    """
    members = KINDS[profile.kind].may_act_members(profile.fact, represented, settings)
    return {"sub": public_id(profile.consent_id, sector), "userProfile": members}
