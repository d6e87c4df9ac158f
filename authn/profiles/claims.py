"""Which claims tell in what capacity somebody acts, in the federation's vocabulary (domain 2.5).

The table is `CLAIMS`: each kind's module fills in its line, and `docs/profiles.md` is made of it.
userinfo, introspection and the page that asks for consent all use it.
"""

from typing import Any, Final

from authn.profiles.kinds import KINDS
from authn.profiles.kinds.kind import HasName, Json, ProfileClaim
from authn.profiles.profile import Kind, Profile
from authn.profiles.profiles import public_id
from authn.settings import Settings

__all__ = ["CLAIMS", "HasName", "act_claim", "may_act_entry", "user_profile"]

CLAIMS: Final[dict[Kind, tuple[ProfileClaim[Any], ...]]] = {
    name: kind.claims for name, kind in KINDS.items()
}


def user_profile(profile: Profile, acting: HasName, represented: HasName | None = None) -> Json:
    """The claim `userProfile`: of the person who acts, or of whom they act for.

    `represented` is the person for whom they do, None where that is an organisation or nobody. A
    national number is in it only where it is in the `Named`.
    """
    about = represented if KINDS[profile.kind].for_another else acting
    told: Json = {}
    for claim in CLAIMS[profile.kind]:
        told |= claim.members(profile.fact, about)
    return told


def act_claim(profile: Profile, acting: HasName, sub: str) -> Json | None:
    """The claim `act` (RFC 8693 §4.1): the real person, where they act for another; else None."""
    if not KINDS[profile.kind].for_another:
        return None
    told: Json = {}
    for claim in CLAIMS["citizen"]:
        told |= claim.members(None, acting)
    return {"sub": sub, "userProfile": told}


def may_act_entry(
    profile: Profile, represented: HasName | None, sector: str, settings: Settings
) -> Json:
    """One entry of the federation's `may_act`, with the `sub` that a switch names: one mandator, or
    one child, without names.

    `represented` as in `user_profile`. With a national number in it, it is only for a resource that
    reads `may_act` and may read numbers, and never in an ID token (decisions 4.10).
    """
    told = KINDS[profile.kind].switch(profile.fact, represented, settings)
    return {"sub": public_id(profile.consent_id, sector), "userProfile": told}
