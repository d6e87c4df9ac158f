"""The capacity of a person in words, with what an application would learn of that capacity.

The values shown are those of the claim `userProfile`: the page can't promise less than the
application gets.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from authn.errors import N_
from authn.login.pages.scope_texts import Values
from authn.people.ssin import format_ssin
from authn.people.tables import Person
from authn.profiles.available import describe_profile
from authn.profiles.claims import NameInClaims, user_profile
from authn.profiles.kinds import KINDS
from authn.profiles.kinds.kind import ORGANISATION_WORDS
from authn.profiles.kinds.mandate import SERVICE_WORDS
from authn.profiles.profile import Profile
from authn.profiles.representing import represented_name_for_claims
from authn.web.request import Request

NAME: Final = N_("Name")
NATIONAL_NUMBER: Final = N_("National number")
NIHDI_NUMBER: Final = N_("NIHDI number")
ENTERPRISE_NUMBER: Final = N_("Enterprise number")
SERVICES: Final = N_("For")


@dataclass(frozen=True, slots=True)
class ChosenCapacity:
    """A profile in words; `for_whom` is whom the person represents ("" for nobody).

    `values` is what the application learns with it, each with a label.
    """

    title: str
    subtitle: str
    for_whom: str = ""
    values: Values = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class CapacityScopes:
    """Whether the requested scopes share a capacity at all (`profile`), and its national numbers
    (`ssin`)."""

    named: bool
    numbered: bool


def describe_capacity(
    request: Request, profile: Profile, person: Person, scopes: CapacityScopes
) -> ChosenCapacity:
    """The profile of a person in words, with the values that `scopes` would share."""
    name = f"{person.given_name} {person.family_name}".strip()
    called = describe_profile(profile, request.translate, name)
    if profile.id is None:
        return ChosenCapacity(called.title, called.subtitle)
    connection, secrets = request.connection, request.secrets
    represented = represented_name_for_claims(
        connection, secrets, profile, with_ssin=scopes.numbered
    )
    for_another = KINDS[profile.kind].for_another
    acting = NameInClaims("", "")  # the person's own values are asked by scopes
    claims = user_profile(profile, acting, represented)
    values = list(_values(request, claims))
    for_whom = values[0][1] if for_another and values else ""
    return ChosenCapacity(called.title, called.subtitle, for_whom, values if scopes.named else [])


def _values(request: Request, claims: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The labelled values of the claim, the name first."""
    translate = request.translate
    names = [claims.get("firstName", ""), claims.get("lastName", "")]
    if name := " ".join(each for each in names if each):
        yield translate(NAME), name
    if "ssin" in claims:
        yield translate(NATIONAL_NUMBER), format_ssin(claims["ssin"])
    for organisation in claims.get("organizations", ()):
        for kind, members in organisation.items():
            yield translate(ORGANISATION_WORDS[kind]), members.get("name", "")
            if "nihii" in members:
                yield translate(NIHDI_NUMBER), members["nihii"]
            if "cbe" in members:
                yield translate(ENTERPRISE_NUMBER), format_enterprise_number(members["cbe"])
    for claim in claims.values():
        if isinstance(claim, dict) and "nihii11" in claim:
            yield translate(NIHDI_NUMBER), claim["nihii11"]
    if services := claims.get("serviceNames"):
        words = [translate(SERVICE_WORDS.get(each, each)) for each in services]
        yield translate(SERVICES), ", ".join(words)


def format_enterprise_number(cbe: str) -> str:
    """The printed form `0123.456.789` of ten digits."""
    return f"{cbe[:4]}.{cbe[4:7]}.{cbe[7:]}"
