"""Profiles as a page offers them: in groups, searchable, the last choice first.

Why some are left out until searched for: nobody finds a mandate in a list of 500, and the page
would be too large for a phone.
"""

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from authn.errors import N_
from authn.profiles.available import ProfileSentence, describe_profile
from authn.profiles.kinds import KINDS
from authn.profiles.profile import Profile
from authn.sources.questions import QuestionName

CITIZEN_VALUE: Final = "citizen"
SEARCH_FROM: Final = 8  # profiles: fewer are found by looking
MOST_OF_A_GROUP: Final = 20
LONGEST_SEARCH: Final = 100

# Which capacities can't be checked, by the question that nobody answers.
UNCHECKED_WORDS: Final[dict[QuestionName, str]] = {
    "qualities": N_("Your professions"),
    "memberships": N_("Your organisations"),
    "children": N_("Your children"),
    "mandates": N_("Your mandates"),
    "staff": N_("Your roles at the help desk"),
}

Translate = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class OfferedProfile:
    """A profile on a page: the `value` of its button, its title, and its initials."""

    value: str
    title: str
    subtitle: str
    initials: str


@dataclass(frozen=True, slots=True)
class OfferedGroup:
    """Profiles under one heading; `more` is the number that is not shown."""

    heading: str
    shown: tuple[OfferedProfile, ...]
    more: int = 0


@dataclass(frozen=True, slots=True)
class ProfileOffer:
    """The profiles on a page; `first` is the last choice, `found` of `count` fit the search."""

    first: OfferedProfile | None
    groups: tuple[OfferedGroup, ...]
    found: int
    count: int
    search: str = ""

    @property
    def searchable(self) -> bool:
        """Whether there are so many that one searches."""
        return self.count >= SEARCH_FROM


def build_profile_offer(
    profiles: Sequence[Profile],
    translate: Translate,
    name: str,
    *,
    last: Profile | None = None,
    default_kind: str = "",
    search: str = "",
) -> ProfileOffer:
    """The offer of a person's profiles, narrowed by a search.

    `name` is that of the person, `last` the profile chosen last.

    The group of `default_kind` comes first.
    """
    asked = fold_text(search[:LONGEST_SEARCH]).split()
    called = [(each, describe_profile(each, translate, name)) for each in profiles]
    fitting = [(each, words) for each, words in called if _fits(words, asked)]
    first = last if last and not asked else None
    grouped: dict[str, list[Profile]] = {}
    for profile, words in sorted(fitting, key=lambda pair: pair[0].kind != default_kind):
        if profile is not first:
            grouped.setdefault(words.group, []).append(profile)
    return ProfileOffer(
        first=build_offered_profile(first, translate, name) if first else None,
        groups=tuple(
            _group(heading, members, translate, name) for heading, members in grouped.items()
        ),
        found=len(fitting),
        count=len(profiles),
        search=search[:LONGEST_SEARCH],
    )


def build_offered_profile(profile: Profile, translate: Translate, name: str) -> OfferedProfile:
    """A profile as a page offers it; `name` is that of its person."""
    words = describe_profile(profile, translate, name)
    called = KINDS[profile.kind].names(profile.fact).name if profile.fact else name
    return OfferedProfile(
        profile_form_value(profile), words.title, words.subtitle, initials(called or words.title)
    )


def profile_form_value(profile: Profile) -> str:
    """The value of a profile in a form: its id, or "citizen" without one."""
    return str(profile.id) if profile.id else CITIZEN_VALUE


def find_chosen_profile(profiles: Iterable[Profile], value: str) -> Profile | None:
    """The profile that a form named; None for any other value."""
    return next((each for each in profiles if profile_form_value(each) == value), None)


def initials(name: str) -> str:
    """The first letters of the first and last word of a name."""
    words = [word for word in name.split() if word[0].isalnum()]
    return "".join(word[0] for word in words[:1] + words[-1:][: len(words) - 1]).upper()


def fold_text(text: str) -> str:
    """The text without capitals and accents, for a search."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(each for each in decomposed if not unicodedata.combining(each))


def _fits(words: ProfileSentence, asked: Sequence[str]) -> bool:
    """Whether every word of the search is in the title or subtitle."""
    if not asked:
        return True
    text = fold_text(f"{words.title} {words.subtitle}")
    return all(each in text for each in asked)


def _group(heading: str, members: list[Profile], translate: Translate, name: str) -> OfferedGroup:
    shown = members[:MOST_OF_A_GROUP]
    return OfferedGroup(
        heading,
        tuple(build_offered_profile(each, translate, name) for each in shown),
        len(members) - len(shown),
    )
