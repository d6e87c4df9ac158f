"""In which capacity somebody is asked to allow something, in words: for whom, and what of them.

What is shown of a capacity is what the claim `userProfile` would tell of it: the page can't promise
less than the application gets.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from authn.errors import N_
from authn.login.scopes import Values
from authn.people.ssin import display
from authn.people.tables import Person
from authn.profiles.claims import HasName, user_profile
from authn.profiles.kinds import KINDS
from authn.profiles.kinds.kind import ORGANISATION_WORDS
from authn.profiles.kinds.mandate import SERVICE_WORDS
from authn.profiles.profile import Profile
from authn.profiles.representing import named_represented
from authn.profiles.words import in_words
from authn.web.request import Request

NAME: Final = N_("Name")
NATIONAL_NUMBER: Final = N_("National number")
NIHDI_NUMBER: Final = N_("NIHDI number")
ENTERPRISE_NUMBER: Final = N_("Enterprise number")
SERVICES: Final = N_("For")


@dataclass(frozen=True, slots=True)
class ChosenCapacity:
    """How a profile is called and, where one acts for another in it, for whom ("" for nobody).

    `values` is what the application learns with it, each with a label.
    """

    title: str
    subtitle: str
    for_whom: str = ""
    values: Values = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class WithProfile:
    """What the scopes that are asked tell of a capacity: anything at all (`profile`), and national
    numbers (`ssin`)."""

    named: bool
    numbered: bool


def capacity_in_words(
    request: Request, profile: Profile, person: Person, told: WithProfile
) -> ChosenCapacity:
    """The capacity in which this person acts, with what would be told of it."""
    name = f"{person.given_name} {person.family_name}".strip()
    called = in_words(profile, request.translate, name)
    if profile.id is None:
        return ChosenCapacity(called.title, called.subtitle)
    connection, secrets = request.connection, request.secrets
    represented = named_represented(connection, secrets, profile, with_ssin=told.numbered)
    for_another = KINDS[profile.kind].for_another
    acting = HasName("", "")  # what is told of the person themselves is asked by scopes
    claims = user_profile(profile, acting, represented)
    values = list(_values(request, claims))
    for_whom = values[0][1] if for_another and values else ""
    return ChosenCapacity(called.title, called.subtitle, for_whom, values if told.named else [])


def _values(request: Request, claims: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What the claim says, the name first."""
    translate = request.translate
    names = [claims.get("firstName", ""), claims.get("lastName", "")]
    if name := " ".join(each for each in names if each):
        yield translate(NAME), name
    if "ssin" in claims:
        yield translate(NATIONAL_NUMBER), display(claims["ssin"])
    for organisation in claims.get("organizations", ()):
        for kind, said in organisation.items():
            yield translate(ORGANISATION_WORDS[kind]), said.get("name", "")
            if "nihii" in said:
                yield translate(NIHDI_NUMBER), said["nihii"]
            if "cbe" in said:
                yield translate(ENTERPRISE_NUMBER), enterprise_number(said["cbe"])
    for said in claims.values():
        if isinstance(said, dict) and "nihii11" in said:
            yield translate(NIHDI_NUMBER), said["nihii11"]
    if services := claims.get("serviceNames"):
        words = [translate(SERVICE_WORDS.get(each, each)) for each in services]
        yield translate(SERVICES), ", ".join(words)


def enterprise_number(cbe: str) -> str:
    """The printed form `0123.456.789` of ten digits."""
    return f"{cbe[:4]}.{cbe[4:7]}.{cbe[7:]}"
