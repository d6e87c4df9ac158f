"""The checks of an upstream's ID token and userinfo, before any of their claims counts.

OpenID Connect Core 1.0 §3.1.3.7, §5.3.2 (https://openid.net/specs/openid-connect-core-1_0.html).
Signatures are verified before (`foreign_jwt`); the clocks may differ by a minute.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from authn.devices.tables import IdentityLevel
from authn.errors import N_, Forbidden, Refusal
from authn.federation.upstreams import Upstream
from authn.people.ssin import InvalidSsin, parse_ssin, today_in_brussels

SKEW = 60  # seconds
LONGEST_NUMBER = 40


class UntrustedIdentity(Refusal):
    """An upstream's answer fails a check: none of its claims counts."""

    def __init__(self, detail: str) -> None:
        words = N_("The other service gave an answer that we cannot trust.")
        super().__init__("untrusted_answer", words, detail=detail)


def check_id_token(
    claims: Mapping[str, Any], upstream: Upstream, nonce: str, now: datetime
) -> None:
    """The ID token is of the upstream, for us, of this flow, and valid now.

    Raises `UntrustedIdentity`.
    """
    if claims.get("iss") != upstream.issuer:  # §3.1.3.7 rule 2
        raise UntrustedIdentity("iss")
    if not _is_for_us(claims, upstream):  # rule 3
        raise UntrustedIdentity("aud")
    if claims.get("azp", upstream.client_id) != upstream.client_id:  # rules 4 and 5
        raise UntrustedIdentity("azp")
    if _seconds(claims, "exp") + SKEW <= now.timestamp():  # rule 9
        raise UntrustedIdentity("exp")
    if _seconds(claims, "iat") - SKEW > now.timestamp():  # rule 10
        raise UntrustedIdentity("iat")
    if "nbf" in claims and _seconds(claims, "nbf") - SKEW > now.timestamp():
        raise UntrustedIdentity("nbf")
    if claims.get("nonce") != nonce:  # rule 11
        raise UntrustedIdentity("nonce")
    if not isinstance(claims.get("sub"), str) or not claims["sub"]:
        raise UntrustedIdentity("sub")


def check_userinfo(
    claims: Mapping[str, Any], upstream: Upstream, id_token: Mapping[str, Any], now: datetime
) -> None:
    """Userinfo is of the ID token's subject and, if signed, for us; raises `UntrustedIdentity`."""
    if claims.get("sub") != id_token["sub"]:  # §5.3.2
        raise UntrustedIdentity("sub of userinfo")
    if upstream.userinfo == "json":
        return
    if claims.get("iss") != upstream.issuer:
        raise UntrustedIdentity("iss of userinfo")
    if not _is_for_us(claims, upstream):
        raise UntrustedIdentity("aud of userinfo")
    if "exp" in claims and _seconds(claims, "exp") + SKEW <= now.timestamp():
        raise UntrustedIdentity("exp of userinfo")


def identity_level(
    claims: Mapping[str, Any], upstream: Upstream, began_at: datetime, now: datetime
) -> IdentityLevel:
    """The identity level of an authentication at an upstream; raises a `Refusal` when too low.

    The authentication must be later than the request (`max_age=0`). Without `auth_time` in the ID
    token it may be an old one, and counts as substantial at most (decisions 3.1).
    """
    acr = claims.get("acr")
    level = upstream.level_without_acr if acr is None else upstream.levels.get(str(acr))
    if "auth_time" not in claims:
        level = level and "substantial"
    elif _seconds(claims, "auth_time") - SKEW > now.timestamp():
        raise UntrustedIdentity("auth_time")
    elif _seconds(claims, "auth_time") + SKEW < began_at.timestamp():
        raise Forbidden(
            "not_fresh", N_("You were not asked there who you are. Sign out there, then try again.")
        )
    if level is None or (upstream.minimum == "high" and level != "high"):
        raise level_too_low_refusal(detail=f"acr {str(acr)[:100]}")
    return level


def level_too_low_refusal(*, detail: str = "") -> Forbidden:
    """The refusal of a proof whose identity level is too low for its purpose."""
    return Forbidden(
        "level_too_low",
        N_("That way to prove who you are is not strong enough for this."),
        detail=detail,
    )


def national_number(claims: Mapping[str, Any], upstream: Upstream, now: datetime) -> str:
    """The national number in the verified claims, canonical; raises `UntrustedIdentity`."""
    value = claims.get(upstream.national_number_claim)
    if not isinstance(value, str) or len(value) > LONGEST_NUMBER:
        raise UntrustedIdentity("no national number")
    try:
        return parse_ssin(value, today_in_brussels(now))
    except InvalidSsin as invalid:
        raise UntrustedIdentity(f"national number: {invalid.reason}") from None


def _is_for_us(claims: Mapping[str, Any], upstream: Upstream) -> bool:
    audience = claims.get("aud")
    if isinstance(audience, list):
        # Another audience could use the token as we do: only with `azp` naming us (rule 4).
        alone = len(audience) == 1 or claims.get("azp") == upstream.client_id
        return alone and upstream.client_id in audience
    return bool(audience == upstream.client_id)


def _seconds(claims: Mapping[str, Any], name: str) -> float:
    """A NumericDate (RFC 7519 §2); raises `UntrustedIdentity` when it is no number."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UntrustedIdentity(name)
    return value
