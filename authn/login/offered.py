"""Profiles as a page offers them: by names, grouped, what was chosen last before all others.

Why some are left out until they are searched for: who has 500 mandates finds none of them in a list
of 500, and the page would be too large for a phone.
"""

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from authn.errors import N_
from authn.profiles.kinds import KINDS
from authn.profiles.profile import Profile
from authn.profiles.words import ProfileSentence, in_words
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
class OfferedProfiles:
    """One profile: the `value` of its button, how it is called, and the letters beside it."""

    value: str
    title: str
    subtitle: str
    initials: str


@dataclass(frozen=True, slots=True)
class OfferedGroup:
    """Profiles under one heading; `more` are there that are not shown."""

    heading: str
    shown: tuple[OfferedProfiles, ...]
    more: int = 0


@dataclass(frozen=True, slots=True)
class OfferedProfile:
    """What a page offers: `first` is what was chosen last. `found` of `count` fit the search."""

    first: OfferedProfiles | None
    groups: tuple[OfferedGroup, ...]
    found: int
    count: int
    search: str = ""

    @property
    def searchable(self) -> bool:
        """Whether there are so many that one searches."""
        return self.count >= SEARCH_FROM


def offer(
    profiles: Sequence[Profile],
    translate: Translate,
    name: str,
    *,
    last: Profile | None = None,
    default_kind: str = "",
    search: str = "",
) -> OfferedProfile:
    """These profiles, of the person who has this name; of a search, those that fit. `last` is one
    of them.

    The kind that the application prefers is the first group.
    """
    asked = folded(search[:LONGEST_SEARCH]).split()
    called = [(each, in_words(each, translate, name)) for each in profiles]
    fitting = [(each, words) for each, words in called if _fits(words, asked)]
    first = last if last and not asked else None
    grouped: dict[str, list[Profile]] = {}
    for profile, words in sorted(fitting, key=lambda pair: pair[0].kind != default_kind):
        if profile is not first:
            grouped.setdefault(words.group, []).append(profile)
    return OfferedProfile(
        first=offered(first, translate, name) if first else None,
        groups=tuple(
            _group(heading, members, translate, name) for heading, members in grouped.items()
        ),
        found=len(fitting),
        count=len(profiles),
        search=search[:LONGEST_SEARCH],
    )


def offered(profile: Profile, translate: Translate, name: str) -> OfferedProfiles:
    """One profile of the person who has this name."""
    words = in_words(profile, translate, name)
    called = KINDS[profile.kind].called(profile.fact).name if profile.fact else name
    return OfferedProfiles(
        value_of(profile), words.title, words.subtitle, initials(called or words.title)
    )


def value_of(profile: Profile) -> str:
    """What a form says when this profile is chosen: its id, or that it is none."""
    return str(profile.id) if profile.id else CITIZEN_VALUE


def chosen_of(profiles: Iterable[Profile], value: str) -> Profile | None:
    """The one of these profiles that a form named; None for anything else."""
    return next((each for each in profiles if value_of(each) == value), None)


def initials(name: str) -> str:
    """At most two letters that a name begins with."""
    words = [word for word in name.split() if word[0].isalnum()]
    return "".join(word[0] for word in words[:1] + words[-1:][: len(words) - 1]).upper()


def folded(text: str) -> str:
    """The text without what people leave out when they search: capitals, accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(each for each in decomposed if not unicodedata.combining(each))


def _fits(words: ProfileSentence, asked: Sequence[str]) -> bool:
    """Whether all that is searched for is in how the profile is called."""
    if not asked:
        return True
    text = folded(f"{words.title} {words.subtitle}")
    return all(each in text for each in asked)


def _group(heading: str, members: list[Profile], translate: Translate, name: str) -> OfferedGroup:
    shown = members[:MOST_OF_A_GROUP]
    return OfferedGroup(
        heading, tuple(offered(each, translate, name) for each in shown), len(members) - len(shown)
    )
