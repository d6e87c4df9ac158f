"""What is asked about one person, and which source knows it.

The one registry: settings, cache and health are per question, or per source, of this table. Who
works at the help desk is our own to say: no source outside is ever asked for it, and it is asked of
nobody but those who got a role there.
"""

from dataclasses import dataclass
from typing import Final, Literal

from authn.sources.facts import Child, DeskRoles, Fact, Mandate, Membership, Quality

QuestionName = Literal["citizen", "children", "qualities", "memberships", "mandates", "staff"]
SourceName = Literal["national_register", "professions", "organisations", "mandates", "staff"]


@dataclass(frozen=True, slots=True)
class SourceQuestion:
    """A question about one person; the facts that answer it are all of one type.

    `citizen` has no facts: its answer is the person's own row in `people`.
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
# Answered by our own tables (`sources.staff`), and by nothing else.
OUR_OWN: Final = frozenset(name for name, each in QUESTIONS.items() if each.source not in SOURCES)
# What a source outside can be asked.
OF_SOURCES: Final = tuple(name for name in QUESTIONS if name not in OUR_OWN)
