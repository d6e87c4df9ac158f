"""Whether the authentic sources can be asked: each is, about a number that is nobody's."""

import time
from dataclasses import dataclass
from typing import Final

from authn.settings import Settings
from authn.sources.asking import SourceDown, Sources
from authn.sources.configured import is_embedded, source_url
from authn.sources.questions import QUESTIONS, SOURCES, SourceName
from authn.sources.wire.breaker import State

NOBODY: Final = "00410100162"
"""A fictitious number (domain 4.6): whether a source knows it or not, it answers."""


@dataclass(frozen=True, slots=True)
class SourceCheck:
    """How one source did. An embedded twin has no address, and always answers.

    `failure` is "" where it answered; `breaker` tells whether this process asks it at all.
    """

    source: SourceName
    address: str
    failure: str = ""
    milliseconds: int = 0
    breaker: State = "closed"

    @property
    def embedded(self) -> bool:
        """Whether the twin that is filled from files stands in for it."""
        return not self.address


def check_sources(settings: Settings, sources: Sources) -> list[SourceCheck]:
    """Asks each source that is configured; in no transaction."""
    return [check_source(settings, sources, source) for source in SOURCES]


def check_source(settings: Settings, sources: Sources, source: SourceName) -> SourceCheck:
    """Asks this one, if it is configured."""
    if is_embedded(settings, source):
        return SourceCheck(source, "")
    began = time.monotonic()
    failure = ""
    try:
        _ask(sources, source)
    except SourceDown as error:
        failure = str(error)
    took = round((time.monotonic() - began) * 1000)
    state = sources.clients[source].breaker.state
    return SourceCheck(source, source_url(settings, source), failure, took, state)


def _ask(sources: Sources, source: SourceName) -> None:
    if source == "national_register":
        sources.citizen(NOBODY)
        return
    for question in QUESTIONS.values():
        if question.source == source:
            sources.facts(question.name, NOBODY)
