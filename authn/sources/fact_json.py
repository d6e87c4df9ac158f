"""The JSON form of facts, citizens and organisations: in HTTP answers, in files, encrypted at rest.

Member names are those of Belgium's health federation (decisions 9.2) where there is a name. Reading
is strict: a member that is missing, unknown, too long or of another type is refused, since a
mandate whose `until` was misspelled would never end. `null` is read as an optional member left out.
"""

import re
from collections.abc import Callable
from datetime import date
from typing import Any, Final, cast

from stdnum.be import vat
from stdnum.exceptions import ValidationError

from authn.people.persons import Citizen
from authn.sources.facts import (
    DISCIPLINES,
    ORGANISATION_KINDS,
    Child,
    DeskRoles,
    Discipline,
    Fact,
    FactPeriod,
    Mandate,
    Membership,
    NaturalPerson,
    Organisation,
    Quality,
)
from authn.sources.json_reader import InvalidFact, JsonReader, KeptReader
from authn.sources.questions import QuestionName
from authn.staff.roles import ROLES, Role
from authn.staff.tables import LONGEST_DESK
from authn.web.languages import LANGUAGES

Json = dict[str, Any]

MOST_SERVICE_NAMES = 50
LONGEST_ROLE = 100
MOST_PREVIOUS_SSINS = 32

CBE = re.compile(r"[01][0-9]{9}")
NIHII = re.compile(r"[0-9]{8}")
_NIHII11 = re.compile(r"[0-9]{11}")


def fact_to_json(fact: Fact) -> Json:
    """A fact as JSON; `fact_from_json` reads it."""
    match fact:
        case Quality():
            return {
                "discipline": fact.discipline,
                "nihii11": fact.nihii11,
                **_period_to_json(fact.period),
            }
        case Membership():
            return {
                "organization": organisation_to_json(fact.organisation),
                "role": fact.role,
                "responsibleAccessManager": fact.responsible_access_manager,
                **_period_to_json(fact.period),
            }
        case Mandate():
            return {
                "mandateId": fact.mandate_id,
                "mandator": _mandator_to_json(fact.mandator),
                "serviceNames": list(fact.service_names),
                "acceptedByMandator": fact.accepted_by_mandator,
                "acceptedByMandatary": fact.accepted_by_mandatary,
                **_period_to_json(fact.period),
            }
        case Child():
            birthdate = {"birthdate": fact.birthdate} if fact.birthdate else {}
            return {**_person_to_json(fact.child), **birthdate, "deceased": fact.deceased}
        case DeskRoles():
            return {"desk": fact.desk, "roles": list(fact.roles)}


def fact_from_json(question: QuestionName, document: object, today: date = date.max) -> Fact:
    """The fact in a JSON document that answers `question`; raises `InvalidFact`.

    The number of a person born after `today` is refused.
    """
    return _fact(question, JsonReader(document, today))


def fact_from_kept_json(question: QuestionName, document: object) -> Fact:
    """The fact in a document of `fact_to_json` that was kept encrypted, read with `KeptReader`."""
    return _fact(question, KeptReader(document, date.max))


def _fact(question: QuestionName, reader: JsonReader) -> Fact:
    read = _READERS.get(question)
    if read is None:
        raise InvalidFact("", "is asked for where no facts answer")
    fact = read(reader)
    reader.finish()
    return fact


def organisation_to_json(organisation: Organisation) -> Json:
    """An organisation as JSON; a number that the organisation does not have is left out."""
    numbers = {"cbe": organisation.cbe, "nihii": organisation.nihii}
    members = {"kind": organisation.kind, "name": organisation.name}
    return members | {name: number for name, number in numbers.items() if number}


def organisation_from_json(document: object) -> Organisation:
    """The organisation in a document of `organisation_to_json`; raises `InvalidFact`."""
    return _organisation(JsonReader(document, date.max))


def citizen_to_json(citizen: Citizen) -> Json:
    """A citizen as JSON, with the national numbers that the present number replaced."""
    members = {
        "ssin": citizen.ssin,
        "firstName": citizen.given_name,
        "lastName": citizen.family_name,
        "language": citizen.language,
        "deceased": citizen.deceased,
        "cancelled": citizen.cancelled,
        "previousSsins": list(citizen.previous_ssins),
    }
    return members | ({"birthdate": citizen.birthdate} if citizen.birthdate else {})


def citizen_from_json(document: object, today: date = date.max) -> Citizen:
    """The citizen in a document of `citizen_to_json`; raises `InvalidFact`."""
    reader = JsonReader(document, today)
    citizen = Citizen(
        ssin=reader.ssin("ssin"),
        given_name=_first_name(reader),
        family_name=reader.name("lastName"),
        birthdate=reader.birthdate("birthdate"),
        language=reader.one_of("language", LANGUAGES),
        deceased=reader.truth("deceased", default=False),
        cancelled=reader.truth("cancelled", default=False),
        previous_ssins=reader.ssins("previousSsins", MOST_PREVIOUS_SSINS),
    )
    reader.finish()
    return citizen


def is_cbe(number: str) -> bool:
    """Whether a text is an enterprise's number: ten digits, the last two of which check the others.

    The check digits are those of a Belgian VAT number.
    """
    try:
        return bool(CBE.fullmatch(number) and vat.validate(number))
    except ValidationError:
        return False


def _period_to_json(period: FactPeriod) -> Json:
    until = {"until": period.until.isoformat()} if period.until else {}
    return {"since": period.since.isoformat(), **until}


def _person_to_json(person: NaturalPerson) -> Json:
    return {
        "ssin": person.ssin,
        "firstName": person.given_name,
        "lastName": person.family_name,
    }


def _mandator_to_json(mandator: NaturalPerson | Organisation) -> Json:
    if isinstance(mandator, Organisation):
        return organisation_to_json(mandator)
    return _person_to_json(mandator)


def _quality(reader: JsonReader) -> Quality:
    return Quality(
        discipline=cast(Discipline, reader.one_of("discipline", DISCIPLINES)),
        nihii11=reader.matching("nihii11", _NIHII11, "is not eleven digits"),
        period=_period(reader),
    )


def _membership(reader: JsonReader) -> Membership:
    return Membership(
        organisation=_organisation(reader.inner("organization")),
        role=reader.name("role", longest=LONGEST_ROLE),
        period=_period(reader),
        responsible_access_manager=reader.truth("responsibleAccessManager", default=False),
    )


def _mandate(reader: JsonReader) -> Mandate:
    mandator = reader.inner("mandator")
    return Mandate(
        mandate_id=reader.identifier("mandateId"),
        mandator=_organisation(mandator) if mandator.has("kind") else _person(mandator),
        service_names=reader.identifiers("serviceNames", MOST_SERVICE_NAMES),
        period=_period(reader),
        accepted_by_mandator=reader.truth("acceptedByMandator"),
        accepted_by_mandatary=reader.truth("acceptedByMandatary"),
    )


def _child(reader: JsonReader) -> Child:
    return Child(
        child=_person_members(reader),
        birthdate=reader.birthdate("birthdate"),
        deceased=reader.truth("deceased", default=False),
    )


def _desk_roles(reader: JsonReader) -> DeskRoles:
    desk = reader.name("desk", longest=LONGEST_DESK)
    roles = reader.identifiers("roles", len(ROLES))
    if not {*roles} <= {*ROLES}:
        raise reader.refusal("roles", f"has what is not one of {', '.join(sorted(ROLES))}")
    return DeskRoles(desk, cast(tuple[Role, ...], roles))


def _person(reader: JsonReader) -> NaturalPerson:
    person = _person_members(reader)
    reader.finish()
    return person


def _person_members(reader: JsonReader) -> NaturalPerson:
    return NaturalPerson(
        ssin=reader.ssin("ssin"),
        given_name=_first_name(reader),
        family_name=reader.name("lastName"),
    )


def _first_name(reader: JsonReader) -> str:
    """Some people have none."""
    return reader.name("firstName", empty=True) if reader.has("firstName") else ""


def _organisation(reader: JsonReader) -> Organisation:
    organisation = Organisation(
        kind=reader.one_of("kind", ORGANISATION_KINDS),
        name=reader.name("name"),
        cbe=reader.text("cbe", longest=10) if reader.has("cbe") else "",
        nihii=(
            reader.matching("nihii", NIHII, "is not eight digits") if reader.has("nihii") else ""
        ),
    )
    if organisation.cbe and not is_cbe(organisation.cbe):
        raise reader.refusal("cbe", "is not a valid CBE number")
    if not organisation.cbe and not organisation.nihii:
        raise reader.refusal("cbe", "is missing, and nihii as well")
    reader.finish()
    return organisation


def _period(reader: JsonReader) -> FactPeriod:
    since = reader.day("since")
    until = reader.day("until") if reader.has("until") else None
    if until and until < since:
        raise reader.refusal("until", "is before since")
    return FactPeriod(since, until)


_READERS: Final[dict[QuestionName, Callable[[JsonReader], Fact]]] = {
    "children": _child,
    "qualities": _quality,
    "memberships": _membership,
    "mandates": _mandate,
    "staff": _desk_roles,
}
