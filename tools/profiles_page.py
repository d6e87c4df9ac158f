"""Writes docs/profiles.md from the table of claims in authn/profiles (`make docs`)."""

import json
import re
import sys
from datetime import date
from pathlib import Path
from typing import Final

from authn.profiles.claims import CLAIMS, NameInClaims, act_claim, may_act_entry, user_profile
from authn.profiles.kinds import KINDS
from authn.profiles.profile import NO_PROFILE, Kind, Profile
from authn.settings import PREFIX, Settings
from authn.sources.facts import (
    Child,
    DeskRoles,
    Fact,
    FactPeriod,
    Mandate,
    Membership,
    NaturalPerson,
    Organisation,
    Quality,
)
from authn.sources.questions import OUR_OWN, QUESTIONS

PAGE = Path(__file__).parent.parent / "docs" / "profiles.md"
INTRODUCTION = """\
# Profiles and their claims

In which capacity somebody acts is told in the claim `userProfile`, in the vocabulary of the
federation: at userinfo, and at introspection. What else is told of a capacity, and where, is in
[capacities.md](capacities.md); the ID token holds none of it, and never a national number.

- `sub` is always the person who signed in. Only an access token got by exchange has the `sub` of
  whom they act for.
- A member `ssin` is there only for who has the permission and the scope `ssin`. Who acts for
  another is shown as that other; they themselves are in `act`.
- `may_act` lists whom the person could act for. Only a resource that is marked as one that reads
  it, and may read national numbers, gets it. The `sub` of an entry is what an exchange names to
  switch; it is another one in each sector.
- A profile holds only while its source says so. One that ended never comes back: the same mandate,
  given anew, is another profile, and what was allowed in the old one is not allowed in it.

The people and numbers below are invented. This page is made from `authn/profiles/kinds` (`make
docs`).
"""
SECTOR: Final = "hospital.example"
SINCE: Final = FactPeriod(date(2025, 1, 1))
AN: Final = NameInClaims("An", "Demo", "03410100227")
JAN: Final = NaturalPerson("05520900401", "Jan", "Peeters")
LUCAS: Final = NaturalPerson("12410100251", "Lucas", "Demo")
HOSPITAL: Final = Organisation("hospital", "Sint-Fictief", "0406798006", "71000000")
SAMPLES: Final[dict[Kind, Fact | None]] = {
    "citizen": None,
    "quality": Quality("physician", "10000000000", SINCE),
    "organisation": Membership(HOSPITAL, "nurse", SINCE),
    "child": Child(LUCAS, "2018-05-17"),
    "mandate": Mandate("m-1", JAN, ("medicaldatamanagement",), SINCE, True, True),
    "staff": DeskRoles("Ghent", ("agent", "supervisor")),
}


def page() -> str:
    """The page as it should be on file."""
    return INTRODUCTION + "".join(_section(name) for name in KINDS)


def _section(name: Kind) -> str:
    kind, profile = KINDS[name], Profile(name, NO_PROFILE, SAMPLES[name])
    person = kind.represents(profile.fact)
    represented = (
        NameInClaims(person.given_name, person.family_name, person.ssin) if person else None
    )
    parts = [f"\n## `{name}`\n\n{_said(name)}\n"]
    if name != "citizen":
        parts.append(_source(name))
    rows = "".join(f"| {_code(claim.name)} | {claim.meaning} |\n" for claim in CLAIMS[name])
    parts.append(f"\n| member of `userProfile` | what it says |\n|---|---|\n{rows}")
    told: dict[str, object] = {"userProfile": user_profile(profile, AN, represented)}
    act = act_claim(profile, AN, "<sub of the person>")
    if act:
        told["act"] = act
    parts.append(_example(told))
    if kind.for_another:
        entry = may_act_entry(profile, represented, SECTOR, Settings()) | {
            "sub": "<id of this profile>"
        }
        parts.append("\nAs an entry of `may_act`:\n" + _example(entry))
    return "".join(parts)


def _said(name: Kind) -> str:
    """What the kind's own module says of it, without what it cites."""
    said = sys.modules[KINDS[name].names.__module__].__doc__ or ""
    return re.sub(r" \((?:domain|decisions) [0-9.]+\)", "", said).strip()


def _source(name: Kind) -> str:
    question = KINDS[name].question
    if question in OUR_OWN:
        return "\nThe source is the service's own register of staff (`authn staff`).\n"
    setting = f"{PREFIX}{question.upper()}"
    return (
        f"\nThe source is `{QUESTIONS[question].source}`. Its answer is asked anew after "
        f"`{setting}_FRESH`; while it is down, the last one is used for `{setting}_STALE`.\n"
    )


def _code(name: str) -> str:
    return name if " " in name else f"`{name}`"


def _example(told: dict[str, object]) -> str:
    return f"\n```json\n{json.dumps(told, indent=2, ensure_ascii=False)}\n```\n"


def main() -> None:
    """The page on file says what the claims are now."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
