"""What authentic sources tell of a person: qualities, memberships, mandates, children; and what we
know ourselves, their roles at the help desk.

Dates are Belgian calendar days, and the last one counts as well. National numbers are left out of
`repr`. A fact says what the source said; whether it holds today is asked each time.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final, Literal, get_args

from authn.people.ssin import BRUSSELS, today_in_brussels
from authn.staff.roles import Role

# The keys of the federation's vocabulary (domain 2.5), lower case.
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
    """From a day to a day; without `until` it has no end yet."""

    since: date
    until: date | None = None

    def holds(self, now: datetime) -> bool:
        """Whether the Belgian day of this instant is in it."""
        today = today_in_brussels(now)
        return self.since <= today and (self.until is None or today <= self.until)

    @property
    def ends_at(self) -> datetime | None:
        """The first instant at which it is over: the midnight after its last day."""
        if self.until is None:
            return None
        return midnight(self.until + timedelta(days=1))


def midnight(day: date) -> datetime:
    """The instant at which this Belgian day begins."""
    return datetime.combine(day, time(), BRUSSELS)


@dataclass(frozen=True, slots=True)
class NaturalPerson:
    """Whom a fact is about beside the person asked: a mandator, a child."""

    ssin: str = field(repr=False)
    given_name: str
    family_name: str

    @property
    def name(self) -> str:
        """Given and family name; some people have only the latter."""
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
    """A person's role in an organisation; `responsible_access_manager` may decide for it."""

    organisation: Organisation
    role: str
    period: FactPeriod
    responsible_access_manager: bool = False


@dataclass(frozen=True, slots=True)
class Mandate:
    """The person asked may act for the mandator, in these services; only once both accepted."""

    mandate_id: str
    mandator: NaturalPerson | Organisation
    service_names: tuple[str, ...]
    period: FactPeriod
    accepted_by_mandator: bool
    accepted_by_mandatary: bool


@dataclass(frozen=True, slots=True)
class Child:
    """A child over whom the person asked has parental authority.

    `birthdate` is as much as is known: `YYYY-MM-DD`, `YYYY-MM`, `YYYY` or None.
    """

    child: NaturalPerson
    birthdate: str | None
    deceased: bool = False


@dataclass(frozen=True, slots=True)
class DeskRoles:
    """The person asked works at this desk, in these roles: one at least, as `ROLES` orders them."""

    desk: str
    roles: tuple[Role, ...]


Fact = Quality | Membership | Mandate | Child | DeskRoles
