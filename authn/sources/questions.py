"""What is asked of the authentic sources about one person, and which source knows it.

The one registry: settings, cache and health are per question, or per source, of this table.
"""

from dataclasses import dataclass
from typing import Final, Literal

from authn.sources.facts import Child, Fact, Mandate, Membership, Quality

QuestionName = Literal["citizen", "children", "qualities", "memberships", "mandates"]
SourceName = Literal["national_register", "professions", "organisations", "mandates"]


@dataclass(frozen=True, slots=True)
class Question:
    """A question about one person; the facts that answer it are all of one type.

    `citizen` has no facts: its answer is the person's own row in `people`.
    """

    name: QuestionName
    source: SourceName
    fact: type[Fact] | None


QUESTIONS: Final[dict[QuestionName, Question]] = {
    "citizen": Question("citizen", "national_register", None),
    "children": Question("children", "national_register", Child),
    "qualities": Question("qualities", "professions", Quality),
    "memberships": Question("memberships", "organisations", Membership),
    "mandates": Question("mandates", "mandates", Mandate),
}
SOURCES: Final[tuple[SourceName, ...]] = (
    "national_register",
    "professions",
    "organisations",
    "mandates",
)
