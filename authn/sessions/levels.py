"""The level of a login as `acr` and `amr` (decisions 6; RFC 8176 for the values of `amr`)."""

from collections.abc import Iterable

from authn.devices.tables import KeyLevel
from authn.policies import LEVELS
from authn.settings import Settings

ACR: dict[KeyLevel, str] = {
    "certified": "urn:authn:level:certified",
    "device": "urn:authn:level:device",
    "synced": "urn:authn:level:synced",
}

# hwk, swk: proof of possession of a key in hardware, or in software since it is on many machines;
# user: the authenticator verified its user; mfa: the key is one factor, that verification another.
AMR: dict[KeyLevel, list[str]] = {
    "certified": ["hwk", "user", "mfa", "pop"],
    "device": ["hwk", "user", "mfa", "pop"],
    "synced": ["swk", "user", "mfa", "pop"],
}


def acr(settings: Settings, level: KeyLevel) -> str:
    """The authentication context class (`acr`) of a level; the setting `acr_map` may rename any."""
    return settings.acr_map.get(level, ACR[level])


def acr_values(settings: Settings) -> list[str]:
    """Every value of `acr`, the highest first; two levels may share a value in a federation."""
    return list(dict.fromkeys(acr(settings, level) for level in ACR))


def levels_with_acr(settings: Settings, values: Iterable[str]) -> list[KeyLevel]:
    """The levels whose `acr` is among `values`, the lowest first; unknown values are ignored."""
    wanted = frozenset(values)
    if not wanted:
        return []
    return [level for level in LEVELS if acr(settings, level) in wanted]


def amr(level: KeyLevel) -> list[str]:
    """The authentication methods (`amr`) of a login with a key of a level."""
    return AMR[level]
