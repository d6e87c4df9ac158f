"""How a profile is called where people read it: by names, never by numbers."""

from collections.abc import Callable
from dataclasses import dataclass

from authn.profiles.kinds import KINDS
from authn.profiles.profile import Profile


@dataclass(frozen=True, slots=True)
class ProfileSentence:
    """A profile in the language of the page; `group` is the heading above it."""

    title: str
    subtitle: str
    group: str


def in_words(profile: Profile, translate: Callable[[str], str], name: str = "") -> ProfileSentence:
    """How the profile is called. `name` is the person's own, which stands beside "as a citizen"."""
    kind = KINDS[profile.kind]
    called = kind.called(profile.fact)
    details = [translate(each) for each in called.details] or [name] * (profile.kind == "citizen")
    return ProfileSentence(
        title=translate(called.title) % {"name": called.name},
        subtitle=", ".join(each for each in details if each),
        group=translate(kind.group),
    )
