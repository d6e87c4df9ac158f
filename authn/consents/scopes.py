"""What an application can ask for: each scope, its claims, and where each value comes from.

The one registry: discovery lists it, the consent page shows it with the present values, userinfo
answers from it. OpenID Connect Core 1.0 §5.1 and §5.4
(https://openid.net/specs/openid-connect-core-1_0.html#Claims); `ssin` is Belgian.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from authn.grants.grants import OFFLINE_ACCESS
from authn.people.tables import Person

OPENID = "openid"
PROFILE = "profile"
SSIN = "ssin"


@dataclass(frozen=True, slots=True)
class ClaimSources:
    """The sources of claim values; `ssin` is None where the client may not read it."""

    person: Person
    subject: str
    ssin: str | None = field(default=None, repr=False)


Value = Callable[[ClaimSources], str | None]
"""The value of a claim; None where it is not known, and the claim is left out."""


def _birthdate(known: ClaimSources) -> str | None:
    """`YYYY-MM-DD`; `YYYY` where month or day is unknown (Core §5.1)."""
    birthdate = known.person.birthdate
    return birthdate[:4] if birthdate and len(birthdate) < len("YYYY-MM-DD") else birthdate


SCOPES: dict[str, dict[str, Value]] = {
    OPENID: {
        "sub": lambda known: known.subject,
    },
    PROFILE: {
        "name": lambda known: f"{known.person.given_name} {known.person.family_name}".strip(),
        "given_name": lambda known: known.person.given_name or None,
        "family_name": lambda known: known.person.family_name or None,
        "birthdate": _birthdate,
        "locale": lambda known: known.person.language,
    },
    SSIN: {
        "ssin": lambda known: known.ssin,
    },
    OFFLINE_ACCESS: {},
}


# The person's claims by name, which can be asked one by one (Core §5.5), and the scope of each: who
# may ask the scope may ask the claim.
CLAIMS: dict[str, Value] = {
    name: value
    for scope, claims in SCOPES.items()
    if scope != OPENID
    for name, value in claims.items()
}
SCOPE_OF_CLAIM: dict[str, str] = {
    name: scope for scope, claims in SCOPES.items() for name in claims
}


def claims_of_scope(known: ClaimSources, scope: str) -> dict[str, str]:
    """The claims that a space-separated scope gives about a person, as far as known."""
    return {
        name: value
        for each in scope.split()
        for name, claim in SCOPES.get(each, {}).items()
        if (value := claim(known)) is not None
    }


def claims_by_name(known: ClaimSources, names: Iterable[str]) -> dict[str, str]:
    """The claims that were asked one by one (Core §5.5), as far as known."""
    return {
        name: value
        for name in names
        if name in CLAIMS and (value := CLAIMS[name](known)) is not None
    }


def permitted_claims(scope: str, names: Iterable[str]) -> list[str]:
    """The claim names that a client registered for this scope may ask."""
    registered = scope.split()
    return [name for name in names if SCOPE_OF_CLAIM.get(name) in registered]


def person_claims_for_id_token(known: ClaimSources, names: Iterable[str]) -> dict[str, str]:
    """The claims that were asked one by one for an ID token, without `ssin` (decisions 1.5)."""
    return claims_by_name(known, (name for name in names if name != SSIN))
