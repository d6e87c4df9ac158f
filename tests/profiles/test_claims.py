"""Which claims tell in what capacity somebody acts: decisions 4.10 and 9.2."""

from collections.abc import Callable
from typing import Any

import pytest

from authn.profiles.claims import CLAIMS, NameInClaims, act_claim, may_act_entry, user_profile
from authn.profiles.kinds import KINDS
from authn.profiles.profile import CITIZEN, NO_PROFILE, Kind, Profile
from authn.profiles.profiles import public_id
from authn.settings import Settings
from authn.sources.facts import Fact
from tests.profiles.sample_facts import (
    AT_GHENT,
    AT_HOSPITAL,
    FOR_FIRM,
    FOR_JURGEN,
    JURGEN,
    LUCAS,
    PARENT_OF_LUCAS,
    PHYSICIAN,
)

HANNE = NameInClaims("Hanne", "Van der Meulen", "03410100128")
NAMES = {"ssin": "03410100128", "firstName": "Hanne", "lastName": "Van der Meulen"}
SECTOR = "hospital.example"
SETTINGS = Settings(parents_service_names="recipe")


def in_profile(kind: Kind, fact: Fact) -> Profile:
    return Profile(kind, NO_PROFILE, fact)


MANDATE = in_profile("mandate", FOR_JURGEN)
FIRM_MANDATE = in_profile("mandate", FOR_FIRM)
CHILD = in_profile("child", PARENT_OF_LUCAS)
MANDATOR = NameInClaims(JURGEN.given_name, JURGEN.family_name, JURGEN.ssin)
LUCAS_NAMED = NameInClaims(LUCAS.given_name, LUCAS.family_name, LUCAS.ssin)


def test_a_citizen_is_named() -> None:
    assert user_profile(CITIZEN, HANNE) == NAMES


def test_a_health_professional_has_the_discipline_as_an_object() -> None:
    assert user_profile(in_profile("quality", PHYSICIAN), HANNE) == {
        **NAMES,
        "physician": {"recognised": True, "nihii11": "10000000004"},
    }


def test_a_member_has_the_organisation_by_its_kind() -> None:
    assert user_profile(in_profile("organisation", AT_HOSPITAL), HANNE) == {
        **NAMES,
        "organizations": [
            {
                "hospital": {
                    "nihii": "71000012",
                    "cbe": "0406798006",
                    "name": "Sint-Elders Hospital",
                }
            }
        ],
    }


def test_who_acts_for_a_person_is_shown_as_that_person_with_the_services() -> None:
    assert user_profile(MANDATE, HANNE, MANDATOR) == {
        "ssin": "05520900401",
        "firstName": "Jürgen",
        "lastName": "Kettenis",
        "serviceNames": ["medicaldatamanagement", "recipe"],
    }


def test_who_acts_for_an_organisation_is_shown_as_that_organisation() -> None:
    assert user_profile(FIRM_MANDATE, HANNE) == {
        "organizations": [{"enterprise": {"cbe": "0403019261", "name": "Fictief BV"}}],
        "serviceNames": ["recipe"],
    }


def test_who_acts_for_a_child_is_shown_as_the_child() -> None:
    assert user_profile(CHILD, HANNE, LUCAS_NAMED) == {
        "ssin": "12410100251",
        "firstName": "Lucas",
        "lastName": "Benali",
    }


def test_the_real_person_stays_visible_who_acts_for_another_and_only_then() -> None:
    for profile in (MANDATE, FIRM_MANDATE, CHILD):
        assert act_claim(profile, HANNE, "s-1") == {"sub": "s-1", "userProfile": NAMES}
    for profile in (CITIZEN, in_profile("quality", PHYSICIAN)):
        assert act_claim(profile, HANNE, "s-1") is None


def test_the_federation_s_list_has_one_mandator_or_child_an_entry_and_no_names() -> None:
    others = ((MANDATE, MANDATOR), (FIRM_MANDATE, None), (CHILD, LUCAS_NAMED))
    told = [may_act_entry(profile, named, SECTOR, SETTINGS) for profile, named in others]
    sub = public_id(NO_PROFILE, SECTOR)
    services = ["medicaldatamanagement", "recipe"]
    firm = {"enterprise": {"cbe": "0403019261", "name": "Fictief BV"}}
    assert told == [
        {
            "sub": sub,
            "userProfile": {"mandators": [{"ssin": JURGEN.ssin, "serviceNames": services}]},
        },
        {
            "sub": sub,
            "userProfile": {"mandators": [{"organizations": [firm], "serviceNames": ["recipe"]}]},
        },
        {
            "sub": sub,
            "userProfile": {"children": [{"ssin": LUCAS.ssin, "serviceNames": ["recipe"]}]},
        },
    ]


@pytest.mark.parametrize(
    ("names", "told"),
    [("", {}), ("recipe x.y", {"serviceNames": ["recipe", "x.y"]})],
)
def test_what_parents_do_for_a_child_is_a_setting(names: str, told: dict[str, object]) -> None:
    settings = Settings(parents_service_names=names)
    entry = may_act_entry(CHILD, LUCAS_NAMED, SECTOR, settings)
    assert entry["userProfile"] == {"children": [{"ssin": LUCAS.ssin, **told}]}
    assert Settings().parents_service_names == "medicaldatamanagement recipe"


@pytest.mark.parametrize("names", [" ", "recipe ", "a,b", "é", "x" * 101, "a  b", "a\n"])
def test_what_is_no_service_name_is_refused(names: str) -> None:
    with pytest.raises(ValueError, match="parents_service_names"):
        Settings(parents_service_names=names)


EVERY: dict[str, Callable[[Any], object]] = {
    "citizen": lambda named: user_profile(CITIZEN, named),
    "quality": lambda named: user_profile(in_profile("quality", PHYSICIAN), named),
    "organisation": lambda named: user_profile(in_profile("organisation", AT_HOSPITAL), named),
    "mandate": lambda named: user_profile(MANDATE, named, named),
    "child": lambda named: user_profile(CHILD, named, named),
    "staff": lambda named: user_profile(in_profile("staff", AT_GHENT), named),
    "act": lambda named: act_claim(MANDATE, named, "s-1"),
    "may_act": lambda named: [
        may_act_entry(each, named, SECTOR, SETTINGS) for each in (MANDATE, CHILD)
    ],
}


@pytest.mark.parametrize("told", EVERY)
def test_no_national_number_without_permission(told: str) -> None:
    without = repr(EVERY[told](NameInClaims("Hanne", "Van der Meulen")))
    assert "ssin" not in without
    for number in (HANNE.ssin, JURGEN.ssin, LUCAS.ssin):
        assert number not in without


def test_every_kind_is_in_the_table() -> None:
    assert set(CLAIMS) == set(KINDS) == set(EVERY) - {"act", "may_act"}


def test_a_number_is_in_no_repr() -> None:
    assert HANNE.ssin not in repr(HANNE)
    assert JURGEN.ssin not in repr(MANDATE)
