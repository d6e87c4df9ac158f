"""A member of an organisation, in a role."""

from authn.errors import N_
from authn.profiles.kinds.kind import (
    ORGANISATION_WORDS,
    PERSON_CLAIMS,
    Json,
    NameInClaims,
    ProfileClaim,
    ProfileKind,
    ProfileNames,
    period_ends_at,
    period_holds,
)
from authn.sources.facts import Membership, Organisation


def organisation_key(organisation: Organisation) -> tuple[str, ...]:
    """The NIHII number, else the CBE number: one enterprise may have several hospitals."""
    if organisation.nihii:
        return "nihii", organisation.nihii
    return "cbe", organisation.cbe


def organizations_claim(organisation: Organisation) -> Json:
    """The member `organizations` (decisions 9.2) with an organisation and the numbers it has."""
    numbers = {"nihii": organisation.nihii, "cbe": organisation.cbe}
    known = {name: number for name, number in numbers.items() if number}
    return {"organizations": [{organisation.kind: {**known, "name": organisation.name}}]}


def _key(fact: Membership) -> tuple[str, ...]:
    return *organisation_key(fact.organisation), fact.role


def _names(fact: Membership) -> ProfileNames:
    organisation = fact.organisation
    details = (ORGANISATION_WORDS[organisation.kind], fact.role)
    return ProfileNames(N_("Member of %(name)s"), organisation.name, details)


def _organizations(fact: Membership, named: NameInClaims | None) -> Json:
    return organizations_claim(fact.organisation)


KIND: ProfileKind[Membership] = ProfileKind(
    name="organisation",
    question="memberships",
    group=N_("In an organisation"),
    key=_key,
    holds=period_holds,
    ends_at=period_ends_at,
    names=_names,
    claims=(
        *PERSON_CLAIMS,
        ProfileClaim(
            "organizations",
            "A list of one object, whose one member is the kind of organisation: an object with "
            "`nihii` (eight digits), `cbe` (ten digits), as far as it has them, and `name`.",
            _organizations,
        ),
    ),
)
