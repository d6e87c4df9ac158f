"""The facts about a person: qualities, memberships, mandates, children, and roles at the help desk.

Authentic sources answer with them; roles at the help desk are from our own tables. Dates are
Belgian calendar days, the last day included. National numbers are left out of `repr`. A fact is
kept as the source gave it; whether it holds today is computed each time.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final, Literal, get_args

from authn.people.ssin import BRUSSELS, today_in_brussels
from authn.staff.roles import Role

# The keys of the federation's vocabulary (decisions 9.2), lower case.
Discipline = Literal["physician", "pharmacist", "dentist", "nurse", "midwife", "physiotherapist"]
DISCIPLINES: Final[tuple[Discipline, ...]] = get_args(Discipline)
ORGANISATION_KINDS: Final = (
    "hospital",
    "otdpharmacy",
    "officedoctors",
    "groupofdoctors",
    "guardpost",
    "medicalhouse",
    "reeducation",
    "groupofnurses",
    "homecareservices",
    "enterprise",
)


@dataclass(frozen=True, slots=True)
class FactPeriod:
    """The days on which a fact holds, first and last included; no end without `until`."""

    since: date
    until: date | None = None

    def holds(self, now: datetime) -> bool:
        """Whether the Belgian day of an instant is in the period."""
        today = today_in_brussels(now)
        return self.since <= today and (self.until is None or today <= self.until)

    @property
    def ends_at(self) -> datetime | None:
        """The first instant at which the period is over: the midnight after its last day."""
        if self.until is None:
            return None
        return start_of_day(self.until + timedelta(days=1))


def start_of_day(day: date) -> datetime:
    """The instant at which a Belgian calendar day begins."""
    return datetime.combine(day, time(), BRUSSELS)


@dataclass(frozen=True, slots=True)
class NaturalPerson:
    """The other person in a fact: a mandator, or a child."""

    ssin: str = field(repr=False)
    given_name: str
    family_name: str

    @property
    def name(self) -> str:
        """Given and family name; some people have a family name only."""
        return f"{self.given_name} {self.family_name}".strip()


@dataclass(frozen=True, slots=True)
class Organisation:
    """An enterprise or a care organisation: `cbe` has ten digits, `nihii` eight; "" for none.

    `kind` is one of `ORGANISATION_KINDS`; at least one of the two numbers is there.
    """

    kind: str
    name: str
    cbe: str = ""
    nihii: str = ""


@dataclass(frozen=True, slots=True)
class Quality:
    """A discipline in which a person is recognised, with the NIHDI number of eleven digits."""

    discipline: Discipline
    nihii11: str
    period: FactPeriod


@dataclass(frozen=True, slots=True)
class Membership:
    """A person's role in an organisation.

    A `responsible_access_manager` decides who may do what in the organisation's name.
    """

    organisation: Organisation
    role: str
    period: FactPeriod
    responsible_access_manager: bool = False


@dataclass(frozen=True, slots=True)
class Mandate:
    """A person may act for the mandator in the services of `service_names`, once both accepted."""

    mandate_id: str
    mandator: NaturalPerson | Organisation
    service_names: tuple[str, ...]
    period: FactPeriod
    accepted_by_mandator: bool
    accepted_by_mandatary: bool


@dataclass(frozen=True, slots=True)
class Child:
    """A child over whom a person has parental authority.

    `birthdate` is as much as is known: `YYYY-MM-DD`, `YYYY-MM`, `YYYY` or None.
    """

    child: NaturalPerson
    birthdate: str | None
    deceased: bool = False


@dataclass(frozen=True, slots=True)
class DeskRoles:
    """A person works at a desk of the help desk, in one role or more, in the order of `ROLES`."""

    desk: str
    roles: tuple[Role, ...]


Fact = Quality | Membership | Mandate | Child | DeskRoles
