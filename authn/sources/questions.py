"""The registry of questions about a person, and the source that answers each.

Settings, cache and health are per question, or per source, of this table. Who works at the help
desk is answered by our own tables: no source outside is asked, and only about persons who got a
role there. Which sources are real services, and which are twins in our database, the settings say.
"""

from dataclasses import dataclass
from typing import Final, Literal

from authn.errors import CommandError
from authn.settings import Settings
from authn.sources.facts import Child, DeskRoles, Fact, Mandate, Membership, Quality
from authn.web.outgoing import is_this_machine

QuestionName = Literal["citizen", "children", "qualities", "memberships", "mandates", "staff"]
SourceName = Literal["national_register", "professions", "organisations", "mandates", "staff"]


@dataclass(frozen=True, slots=True)
class SourceQuestion:
    """A question about one person, answered by facts of the type `fact`.

    `citizen` has no facts: the answer is the person's own row in `people`.
    """

    name: QuestionName
    source: SourceName
    fact: type[Fact] | None


QUESTIONS: Final[dict[QuestionName, SourceQuestion]] = {
    "citizen": SourceQuestion("citizen", "national_register", None),
    "children": SourceQuestion("children", "national_register", Child),
    "qualities": SourceQuestion("qualities", "professions", Quality),
    "memberships": SourceQuestion("memberships", "organisations", Membership),
    "mandates": SourceQuestion("mandates", "mandates", Mandate),
    "staff": SourceQuestion("staff", "staff", DeskRoles),
}
# The authentic sources: each may be outside.
SOURCES: Final[tuple[SourceName, ...]] = (
    "national_register",
    "professions",
    "organisations",
    "mandates",
)
# Answered by our own tables (`sources.embedded.facts`), and by nothing else.
OUR_OWN: Final = frozenset(name for name, each in QUESTIONS.items() if each.source not in SOURCES)
# What a source outside can be asked.
OF_SOURCES: Final = tuple(name for name in QUESTIONS if name not in OUR_OWN)


_VARIABLES: Final = {source: f"AUTHN_{source.upper()}_URL" for source in SOURCES}


def source_url(settings: Settings, source: SourceName) -> str:
    """The address of a source; "" for an embedded twin, and for our own register of staff."""
    if source not in SOURCES:
        return ""
    url: str = getattr(settings, f"{source}_url")
    return url


def is_embedded(settings: Settings, source: SourceName) -> bool:
    """Whether a source is a twin in our database, since the settings give no address."""
    return not source_url(settings, source)


def check_twins(settings: Settings) -> None:
    """No embedded twin is used by mistake; raises `CommandError`.

    A service on localhost may use twins. Any other needs the setting `embedded_sources`: whoever
    fills a twin decides who may act for whom.
    """
    if settings.embedded_sources or is_this_machine(settings.issuer):
        return
    twins = [_VARIABLES[source] for source in SOURCES if is_embedded(settings, source)]
    if twins:
        raise CommandError(
            f"No authentic source is configured for {' and '.join(twins)}. Set what is missing "
            "(docs/sources/README.md), or AUTHN_EMBEDDED_SOURCES=true if imported files are the "
            "source here."
        )
