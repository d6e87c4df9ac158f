"""The parameter `claims`: single claims that a client asks, and in which way somebody signs in.

OpenID Connect Core 1.0 §5.5
(https://openid.net/specs/openid-connect-core-1_0.html#ClaimsParameter). Names are kept, and the
values of `acr` and `sub` alone: any other value may be a national number, and is dropped on arrival
(decisions 1.5).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from authn.consents.scopes import CLAIMS, SSIN
from authn.oidc.json_parameter import read_json_parameter

LONGEST: Final = 4096  # characters
DEPTH: Final = 5
MOST_NAMES: Final = 100

# What a `sub` of ours can look like: nothing else is anybody's.
_SUBJECT = re.compile(r"[A-Za-z0-9_-]{20,64}")

_NAMING: Final = frozenset({"value", "values"})

Individual = Mapping[str, Any]


class InvalidClaims(ValueError):
    """The parameter is not what §5.5 describes; the text says what is wrong, and not what came."""


@dataclass(frozen=True, slots=True)
class ClaimsRequest:
    """What is asked. `essential` are those names, of either place, that are said to be needed.

    `subjects` are the values of `sub` that were named ("" for one that nobody can have).
    `acr_values` are wished, `essential_acr` needed; None where no value was named as essential.
    """

    id_token: tuple[str, ...] = ()
    userinfo: tuple[str, ...] = ()
    essential: tuple[str, ...] = ()
    subjects: frozenset[str] = frozenset()
    acr_values: tuple[str, ...] = ()
    essential_acr: tuple[str, ...] | None = None


NO_CLAIMS = ClaimsRequest()


def read_claims(text: str) -> ClaimsRequest:
    """What the parameter says, "" for nothing; raises `InvalidClaims`."""
    if not text:
        return NO_CLAIMS
    members = _members(text)
    id_token, userinfo = members["id_token"], members["userinfo"]
    acr = id_token.get("acr", {})
    needed = acr.get("essential") is True and bool(_NAMING & acr.keys())
    return ClaimsRequest(
        # No national number in an ID token (decisions 1.5).
        id_token=tuple(name for name in id_token if name in CLAIMS and name != SSIN),
        userinfo=tuple(name for name in userinfo if name in CLAIMS),
        essential=tuple(sorted({*_essential(id_token), *_essential(userinfo)} & CLAIMS.keys())),
        subjects=frozenset(_subjects(id_token.get("sub", {}), userinfo.get("sub", {}))),
        acr_values=() if needed else _texts(acr),
        essential_acr=_texts(acr) if needed else None,
    )


def _members(text: str) -> dict[str, dict[str, Individual]]:
    """The two members that are understood, each claim with its object ({} for null)."""
    try:
        asked = read_json_parameter(text, longest=LONGEST, depth=DEPTH)
    except ValueError:
        raise InvalidClaims("The claims are not a JSON object that we can read.") from None
    if not isinstance(asked, dict):
        raise InvalidClaims("The claims are not a JSON object that we can read.")
    return {place: _individuals(asked.get(place, {})) for place in ("id_token", "userinfo")}


def _individuals(asked: object) -> dict[str, Individual]:
    if not isinstance(asked, dict) or len(asked) > MOST_NAMES:
        raise InvalidClaims("A member of claims is not an object of claims.")
    return {name: _individual(value) for name, value in asked.items()}


def _individual(value: object) -> Individual:
    """§5.5.1: null, or an object with `essential`, `value` and `values`."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidClaims("A claim is asked by null or by an object.")
    if not isinstance(value.get("essential", False), bool):
        raise InvalidClaims("The member essential is true or false.")
    if not isinstance(value.get("values", []), list):
        raise InvalidClaims("The member values is an array.")
    if value.keys() >= _NAMING:
        raise InvalidClaims("A claim is asked with either value or values.")
    return value


def _essential(asked: Mapping[str, Individual]) -> list[str]:
    return [name for name, individual in asked.items() if individual.get("essential") is True]


def _texts(individual: Individual) -> tuple[str, ...]:
    """The values that are texts, each once."""
    values = [individual["value"]] if "value" in individual else individual.get("values", [])
    return tuple(dict.fromkeys(value for value in values if isinstance(value, str)))


def _subjects(*individuals: Individual) -> Iterable[str]:
    """Each `sub` that was named (§5.5.1); "" where it can be nobody's."""
    for individual in individuals:
        if not _NAMING & individual.keys():
            continue
        if len(individual.get("values", [""])) != 1:
            raise InvalidClaims("The answer is about one person: name one sub.")
        (value,) = _texts(individual) or ("",)
        yield value if _SUBJECT.fullmatch(value) else ""
