"""The parameters that are JSON: `claims` and `authorization_details`, read strictly.

`claims`, OpenID Connect Core 1.0 §5.5
(https://openid.net/specs/openid-connect-core-1_0.html#ClaimsParameter): names of claims are kept,
and values of `acr` and `sub` alone, since any other value may be a national number (decisions 1.5).
`authorization_details`, RFC 9396 §2 and §5 (https://www.rfc-editor.org/rfc/rfc9396), checked
against the registry of types. JSON is RFC 8259 within a size and a depth; a member that comes twice
is refused, as a parameter that comes twice is (decisions 4.4), where orjson would take the last.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import orjson

from authn.consents.authorization_details import Detail, DetailRequest, find_detail_fault
from authn.consents.desk_acts import DESK_ACT_DETAIL
from authn.consents.scopes import CLAIMS, SSIN
from authn.web.body import is_deeper_than

LONGEST_CLAIMS: Final = 4096  # characters
CLAIMS_DEPTH: Final = 5
MOST_NAMES: Final = 100
LONGEST_DETAILS: Final = 4096  # characters
DETAILS_DEPTH: Final = 4
MOST_DETAILS: Final = 10
# What a `sub` of ours can look like: nothing else is anybody's.
_SUBJECT = re.compile(r"[A-Za-z0-9_-]{20,64}")
_NAMING: Final = frozenset({"value", "values"})
Individual = Mapping[str, Any]


class InvalidClaims(ValueError):
    """The parameter `claims` breaks Core §5.5; the text says which rule, and repeats no input."""


class InvalidAuthorizationDetails(ValueError):
    """`authorization_details` are refused (RFC 9396 §5); the text says why, without the input."""


@dataclass(frozen=True, slots=True)
class ClaimsRequest:
    """The content of the parameter `claims`: names of claims by the place where each is asked.

    `essential` are the essential names of both places. `subjects` are the values of `sub` ("" for a
    value that nobody can have). `acr_values` are wished; of `essential_acr` one is required, None
    where the request has no essential `acr`.
    """

    id_token: tuple[str, ...] = ()
    userinfo: tuple[str, ...] = ()
    essential: tuple[str, ...] = ()
    subjects: frozenset[str] = frozenset()
    acr_values: tuple[str, ...] = ()
    essential_acr: tuple[str, ...] | None = None


NO_CLAIMS = ClaimsRequest()


def read_claims(text: str) -> ClaimsRequest:
    """The content of the parameter `claims`, "" where omitted; raises `InvalidClaims`."""
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
    """The members `id_token` and `userinfo`, each claim with its object ({} for null)."""
    try:
        asked = read_json_parameter(text, longest=LONGEST_CLAIMS, depth=CLAIMS_DEPTH)
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
    """The object of one claim (Core §5.5.1): `essential`, `value` and `values`; {} for null."""
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
    """The values of the claim that are texts, each once."""
    values = [individual["value"]] if "value" in individual else individual.get("values", [])
    return tuple(dict.fromkeys(value for value in values if isinstance(value, str)))


def _subjects(*individuals: Individual) -> Iterable[str]:
    """The values of `sub` that were asked (Core §5.5.1); "" for a value that nobody can have."""
    for individual in individuals:
        if not _NAMING & individual.keys():
            continue
        if len(individual.get("values", [""])) != 1:
            raise InvalidClaims("The answer is about one person: name one sub.")
        (value,) = _texts(individual) or ("",)
        yield value if _SUBJECT.fullmatch(value) else ""


def read_details(text: str) -> tuple[object, ...]:
    """The elements of the array `authorization_details`, not checked further; () for "".

    Raises `InvalidAuthorizationDetails`.
    """
    if not text:
        return ()
    try:
        details = read_json_parameter(text, longest=LONGEST_DETAILS, depth=DETAILS_DEPTH)
    except ValueError:
        details = None
    if not isinstance(details, list) or not 0 < len(details) <= MOST_DETAILS:
        raise InvalidAuthorizationDetails(
            "The authorization_details are not a JSON array that we can read."
        )
    return tuple(details)


def check_details(
    unchecked_details: tuple[object, ...], asking: DetailRequest
) -> tuple[Detail, ...]:
    """The details, each valid and the client's to ask; raises `InvalidAuthorizationDetails`."""
    for each in unchecked_details:
        fault = find_detail_fault(each, asking)
        if fault is not None:
            raise InvalidAuthorizationDetails(fault)
    details = cast(tuple[Detail, ...], unchecked_details)  # objects, as was just checked
    if sum(each["type"] == DESK_ACT_DETAIL for each in details) > 1:
        raise InvalidAuthorizationDetails("One act at the desk is confirmed at a time.")
    return details


def read_json_parameter(text: str, *, longest: int, depth: int) -> Any:
    """The value of a JSON text; raises a `ValueError` that repeats nothing of the text.

    `longest` is in characters, `depth` in objects and arrays inside each other.
    """
    if len(text) > longest:
        raise ValueError("too long")
    # First orjson: it refuses NaN, lone surrogates and any depth that would exhaust the stack.
    try:
        nested_too_deeply = is_deeper_than(orjson.loads(text), depth)
    except ValueError:
        raise ValueError("not JSON") from None
    if nested_too_deeply:
        raise ValueError("nested too deeply")
    return json.loads(text, object_pairs_hook=_unique_members)


def _unique_members(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """The members as a dictionary; raises `ValueError` where a name comes twice."""
    read = dict(members)
    if len(read) < len(members):
        raise ValueError("a member twice")
    return read
