"""How each profile is called: by names in the page's language, never by numbers."""

import re
from dataclasses import replace
from functools import partial
from typing import get_args

import pytest

from authn.profiles.available import ProfileSentence, describe_profile
from authn.profiles.kinds import KINDS
from authn.profiles.kinds.kind import ORGANISATION_WORDS
from authn.profiles.kinds.quality import DISCIPLINE_WORDS
from authn.profiles.profile import CITIZEN, Kind, Profile
from authn.sources.facts import DISCIPLINES, ORGANISATION_KINDS
from authn.web.languages import LANGUAGES
from authn.web.pages import Pages, load_pages
from tests.profiles.sample_facts import (
    AT_HOSPITAL,
    FIRM,
    FOR_FIRM,
    FOR_JURGEN,
    PARENT_OF_LUCAS,
    PHYSICIAN,
)

PROFILES = [
    CITIZEN,
    Profile("quality", fact=PHYSICIAN),
    Profile("organisation", fact=AT_HOSPITAL),
    Profile("mandate", fact=FOR_JURGEN),
    Profile("mandate", fact=FOR_FIRM),
    Profile("child", fact=PARENT_OF_LUCAS),
]


@pytest.fixture(scope="module")
def pages() -> Pages:
    return load_pages("authn")


def called(pages: Pages, profile: Profile, language: str) -> ProfileSentence:
    return describe_profile(profile, partial(pages.translate, language=language), "Hanne Maes")


def test_in_english(pages: Pages) -> None:
    assert [called(pages, each, "en") for each in PROFILES] == [
        ProfileSentence("As a citizen", "Hanne Maes", "For yourself"),
        ProfileSentence("Physician", "", "In your profession"),
        ProfileSentence(
            "Member of Sint-Elders Hospital", "Hospital, Head of department", "In an organisation"
        ),
        ProfileSentence(
            "For Jürgen Kettenis (mandate)",
            "Medical data, Prescriptions",
            "For another by mandate",
        ),
        ProfileSentence("For Fictief BV (mandate)", "Prescriptions", "For another by mandate"),
        ProfileSentence("For your child Lucas", "", "For your children"),
    ]


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each != "en"])
def test_in_every_other_language_it_is_called_otherwise(pages: Pages, language: str) -> None:
    for each in PROFILES:
        english, translated = called(pages, each, "en"), called(pages, each, language)
        assert translated.title != english.title
        assert translated.group != english.group


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_number_is_in_it(pages: Pages, language: str) -> None:
    for each in PROFILES:
        assert not re.search(r"\d", repr(called(pages, each, language)))


def test_a_name_with_percent_signs_is_shown_as_it_is(pages: Pages) -> None:
    firm = replace(FIRM, name="100%(name)s %d")
    mandate = Profile("mandate", fact=replace(FOR_FIRM, mandator=firm))
    assert called(pages, mandate, "en").title == "For 100%(name)s %d (mandate)"


def test_every_kind_discipline_and_organisation_has_words() -> None:
    assert set(KINDS) == set(get_args(Kind))
    assert set(DISCIPLINE_WORDS) == set(DISCIPLINES)
    assert set(ORGANISATION_WORDS) == set(ORGANISATION_KINDS)
    assert len({kind.group for kind in KINDS.values()}) == len(KINDS)
