"""A quality: a discipline of health care in which the person is recognised."""

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
    period_holds,
)
from authn.sources.facts import Quality

# What the disciplines are called; the keys are `DISCIPLINES`.
DISCIPLINE_WORDS: Final[dict[str, str]] = {
    "physician": N_("Physician"),
    "pharmacist": N_("Pharmacist"),
    "dentist": N_("Dentist"),
    "nurse": N_("Nurse"),
    "midwife": N_("Midwife"),
    "physiotherapist": N_("Physiotherapist"),
}


def _key(fact: Quality) -> tuple[str, ...]:
    return fact.discipline, fact.nihii11


def _names(fact: Quality) -> ProfileNames:
    return ProfileNames(DISCIPLINE_WORDS[fact.discipline])


def _discipline(fact: Quality, named: NameInClaims | None) -> Json:
    # A profile is there only while the source recognises it, so that it never says `false`.
    return {fact.discipline: {"recognised": True, "nihii11": fact.nihii11}}


KIND: ProfileKind[Quality] = ProfileKind(
    name="quality",
    question="qualities",
    group=N_("In your profession"),
    key=_key,
    holds=period_holds,
    ends_at=period_ends_at,
    names=_names,
    claims=(
        *PERSON_CLAIMS,
        ProfileClaim(
            "the discipline: " + ", ".join(f"`{each}`" for each in DISCIPLINE_WORDS),
            "An object: `recognised` is true, `nihii11` the NIHDI number of eleven digits.",
            _discipline,
        ),
    ),
)
