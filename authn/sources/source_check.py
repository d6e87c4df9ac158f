"""Checks that the authentic sources answer: each is asked about a number that is nobody's."""

import time
from dataclasses import dataclass
from typing import Final

from authn.settings import Settings
from authn.sources.questions import QUESTIONS, SOURCES, SourceName, is_embedded, source_url
from authn.sources.real_sources import SourceDown, Sources
from authn.sources.wire.circuit_breaker import State

NOBODY: Final = "00410100162"
"""A fictitious number (decisions 9.6): every source answers, whether the number is known or not."""


@dataclass(frozen=True, slots=True)
class SourceCheck:
    """The result of asking one source. An embedded twin has no address, and always answers.

    `failure` is "" after an answer; `breaker` is the state of this process's circuit breaker.
    """

    source: SourceName
    address: str
    failure: str = ""
    milliseconds: int = 0
    breaker: State = "closed"

    @property
    def embedded(self) -> bool:
        """Whether the source is a twin in our own database."""
        return not self.address


def check_sources(settings: Settings, sources: Sources) -> list[SourceCheck]:
    """The result of asking each source; not to be called in a transaction."""
    return [check_source(settings, sources, source) for source in SOURCES]


def check_source(settings: Settings, sources: Sources, source: SourceName) -> SourceCheck:
    """The result of asking one source; an embedded twin is not asked."""
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
