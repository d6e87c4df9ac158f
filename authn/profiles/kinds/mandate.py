"""A mandatary of another person, or of an organisation, for some services.

Only once both have accepted, and in the mandate's own period (decisions 9.3).
"""

from datetime import datetime
from typing import Final

from authn.errors import N_
from authn.profiles.kinds.kind import (
    PERSON_CLAIMS,
    Json,
    NameInClaims,
    ProfileClaim,
    ProfileKind,
    ProfileNames,
    period_ends_at,
    ssin_member,
)
from authn.profiles.kinds.organisation import organisation_key, organizations_claim
from authn.settings import Settings
from authn.sources.facts import Mandate, NaturalPerson, Organisation

# What services are called, as far as they are known here.
SERVICE_WORDS: Final[dict[str, str]] = {
    "medicaldatamanagement": N_("Medical data"),
    "recipe": N_("Prescriptions"),
}


def _key(fact: Mandate) -> tuple[str, ...]:
    if isinstance(fact.mandator, Organisation):
        return fact.mandate_id, *organisation_key(fact.mandator)
    return fact.mandate_id, "ssin", fact.mandator.ssin


def _holds(fact: Mandate, settings: Settings, now: datetime) -> bool:
    accepted = fact.accepted_by_mandator and fact.accepted_by_mandatary
    return accepted and fact.period.holds(now)


def _represents(fact: Mandate) -> NaturalPerson | None:
    return fact.mandator if isinstance(fact.mandator, NaturalPerson) else None


def _names(fact: Mandate) -> ProfileNames:
    services = tuple(SERVICE_WORDS.get(each, each) for each in fact.service_names)
    return ProfileNames(N_("For %(name)s (mandate)"), fact.mandator.name, services)


def _organizations(fact: Mandate, named: NameInClaims | None) -> Json:
    return organizations_claim(fact.mandator) if isinstance(fact.mandator, Organisation) else {}


def _service_names(fact: Mandate, named: NameInClaims | None) -> Json:
    return {"serviceNames": list(fact.service_names)}


def _may_act_members(fact: Mandate, named: NameInClaims | None, settings: Settings) -> Json:
    # The federation has persons here; an organisation is told as in `userProfile`.
    number = ssin_member(fact, named)
    return {"mandators": [number | _organizations(fact, named) | _service_names(fact, named)]}


KIND: ProfileKind[Mandate] = ProfileKind(
    name="mandate",
    question="mandates",
    group=N_("For another by mandate"),
    key=_key,
    holds=_holds,
    ends_at=period_ends_at,
    names=_names,
    represents=_represents,
    for_another=True,
    claims=(
        *PERSON_CLAIMS,
        ProfileClaim("organizations", "Of an organisation that gave the mandate.", _organizations),
        ProfileClaim(
            "serviceNames", "A list of the services that the mandate is for.", _service_names
        ),
    ),
    may_act_members=_may_act_members,
)
