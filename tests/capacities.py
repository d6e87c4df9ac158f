"""In which capacities people of the tests may act: what the embedded twins say of them."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from httpx2 import Response
from sqlalchemy import Connection, delete, select

from authn.clients.client_registration.registration import change_client
from authn.clients.clients import find_client
from authn.consents.consents import find_answers
from authn.db.transaction import reading, writing
from authn.people.persons import Citizen
from authn.profiles.profile import NO_PROFILE, Profile
from authn.profiles.tables import profiles
from authn.secrets import Secrets, national_number_hash
from authn.settings import Settings
from authn.sources.answers import mark_answers_due
from authn.sources.embedded.facts import fact_rows
from authn.sources.facts import (
    Child,
    Discipline,
    Fact,
    FactPeriod,
    Mandate,
    Membership,
    NaturalPerson,
    Organisation,
    Quality,
)
from authn.sources.questions import QUESTIONS, QuestionName
from authn.sources.tables import source_facts
from authn.web.site import Site
from tests.citizen import Screen

# Of all that is no citizen.
EVERY_KIND: Final = ("quality", "organisation", "mandate", "child")
SINCE: Final = date(2020, 1, 1)
HOSPITAL: Final = Organisation("hospital", "Sint-Jan Hospital", nihii="71000012")
PHARMACY: Final = Organisation("otdpharmacy", "Apotheek Central", nihii="28000123")
ENTERPRISE: Final = Organisation("enterprise", "Bakkerij Peeters", cbe="0406798006")
# Fictitious (decisions 9.6).
LEA: Final = NaturalPerson("12410100251", "Léa", "Van der Meulen")
NOUR: Final = NaturalPerson("14410100293", "Nour", "Van der Meulen")
MARIE: Final = NaturalPerson("05520900401", "Marie", "Dubois")


@dataclass(frozen=True, slots=True)
class Asking:
    """A request inside its transaction, as far as profiles need one."""

    connection: Connection
    site: Site

    @property
    def settings(self) -> Settings:
        return self.site.settings

    @property
    def secrets(self) -> Secrets:
        return self.site.secrets

    @property
    def now(self) -> datetime:
        return self.site.clock()


def knows(site: Site, ssin: str, *facts: Fact) -> None:
    """The embedded twins say exactly these facts of whoever has this number, for the questions that
    these facts answer; whatever was heard before is to be asked anew."""
    answers: dict[QuestionName, list[Fact]] = {}
    for fact in facts:
        answers.setdefault(_question(fact), []).append(fact)
    _say(site, ssin, answers)


def knows_no(site: Site, ssin: str, *questions: QuestionName) -> None:
    """The embedded twins say that there is nothing, as the answer to these questions."""
    _say(site, ssin, {question: [] for question in questions})


def physician(since: date = SINCE, until: date | None = None) -> Quality:
    """Recognised as a physician."""
    return quality("physician", since, until)


def quality(discipline: Discipline, since: date = SINCE, until: date | None = None) -> Quality:
    """Recognised in this discipline."""
    return Quality(discipline, "10000000000", FactPeriod(since, until))


def member(
    organisation: Organisation = HOSPITAL,
    role: str = "employee",
    since: date = SINCE,
    until: date | None = None,
    *,
    manager: bool = False,
) -> Membership:
    """A member of this organisation."""
    return Membership(organisation, role, FactPeriod(since, until), manager)


def mandate(
    of: NaturalPerson | Organisation = MARIE,
    services: tuple[str, ...] = ("medicaldatamanagement",),
    since: date = SINCE,
    until: date | None = None,
    *,
    number: str = "M-1",
) -> Mandate:
    """A mandate that both have accepted."""
    return Mandate(number, of, services, FactPeriod(since, until), True, True)


def many_mandates(count: int) -> list[Mandate]:
    """Mandates of so many persons, each with a name and a number of their own."""
    names = ("Peeters", "Dubois", "Janssens", "El Idrissi", "Müller", "Vandenbroucke")
    return [
        mandate(
            NaturalPerson(_ssin(index), f"Person {index}", names[index % len(names)]),
            ("medicaldatamanagement", "recipe")[: 1 + index % 2],
            number=f"M-{index}",
        )
        for index in range(count)
    ]


def child(who: NaturalPerson = LEA, birthdate: str | None = "2018-05-04") -> Child:
    """A child who is young enough for its parents to act."""
    return Child(who, birthdate)


def as_person(citizen: Citizen) -> NaturalPerson:
    """The citizen, as somebody whom a mandate is of."""
    return NaturalPerson(citizen.ssin, citizen.given_name, citizen.family_name)


def choose(screen: Screen, token: str, profile: Profile | str) -> Response:
    """The answer to the page of the pending request under this token, on which this profile (or
    what its button is called) is chosen."""
    value = profile if isinstance(profile, str) else _value(profile)
    html = screen.client.get(f"/profile?request={token}").text
    person = html.partition('name="person" value="')[2].partition('"')[0]
    return screen.post_form("/profile", request=token, person=person, profile=value)


def buttons(html: str) -> dict[str, str]:
    """What the page of choices offers: the value of each button by its title."""
    found = {}
    for part in html.split('name="profile" value="')[1:]:
        value, _, rest = part.partition('"')
        found[rest.partition('class="title">')[2].partition("<")[0]] = value
    return found


def _value(profile: Profile) -> str:
    return str(profile.id) if profile.id else "citizen"


def _question(fact: Fact) -> QuestionName:
    return next(each.name for each in QUESTIONS.values() if each.fact is type(fact))


def _say(site: Site, ssin: str, answers: dict[QuestionName, list[Fact]]) -> None:
    now = site.clock()
    with writing(site.database) as connection:
        for question, facts in answers.items():
            connection.execute(
                delete(source_facts).where(
                    source_facts.c.question == question,
                    source_facts.c.subject_hash == national_number_hash(site.secrets, ssin),
                )
            )
            rows = [
                {**row, "imported_at": now}
                for fact in facts
                for row in fact_rows(site.secrets, question, ssin, fact)
            ]
            if rows:
                connection.execute(source_facts.insert(), rows)
            mark_answers_due(connection, question, now)


def _ssin(index: int) -> str:
    """The number of the index-th person who was born in the first months of 1903."""
    day, counter = divmod(index, 400)
    body = f"0342{day + 1:02d}{2 * counter + 1:03d}"
    return f"{body}{97 - int(body) % 97:02d}"


def open_to(
    site: Site, client_id: str, *kinds: str, required: tuple[str, ...] = (), default: str = ""
) -> None:
    """People may use this client in these kinds of capacities, beside that of citizen."""
    with writing(site.database) as connection:
        client = find_client(connection, client_id)
        assert client is not None
        change_client(
            connection,
            site.secrets,
            client,
            site.clock(),
            profile_kinds=kinds,
            required_profile_kinds=required,
            default_profile_kind=default,
        )


def allowed_to(
    site: Site, person_id: UUID, client_id: str, profile_id: UUID = NO_PROFILE
) -> frozenset[str]:
    """What the person allows this client now, in this capacity, by the names of consents."""
    with reading(site.database) as connection:
        answers = find_answers(connection, person_id, client_id, profile_id, site.clock())
    return frozenset(name for name, answer in answers.items() if answer.allowed)


def profile_ids(site: Site, person_id: UUID) -> dict[str, UUID]:
    """The live profiles of a person, by their kind (the last one of each)."""
    statement = select(profiles.c.kind, profiles.c.id).where(
        profiles.c.person_id == person_id, profiles.c.ended_at.is_(None)
    )
    with reading(site.database) as connection:
        return {row.kind: row.id for row in connection.execute(statement)}
