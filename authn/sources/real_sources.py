"""Asks the real authentic sources, those that have an address in the settings.

Never inside a transaction (decisions 4.18): an endpoint raises `NeededFromOutside`, and its fetch
asks here. A source without an address has a twin in our database (`sources.embedded`), which is
never asked in place of a source that has one.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final, Literal, TypeVar, cast

from authn.clock import Clock
from authn.people.persons import Citizen
from authn.people.ssin import InvalidSsin, parse_ssin, today_in_brussels
from authn.settings import Settings
from authn.sources.fact_json import citizen_from_json, fact_from_json, organisation_from_json
from authn.sources.facts import Child, Fact, Mandate, Membership, Organisation, Quality
from authn.sources.json_reader import InvalidFact, JsonReader
from authn.sources.protocols import AccessManager
from authn.sources.questions import (
    QUESTIONS,
    SOURCES,
    QuestionName,
    SourceName,
    is_embedded,
    source_url,
)
from authn.sources.wire.access_token import SourceAccessTokens, read_sources_key
from authn.sources.wire.circuit_breaker import CircuitBreaker
from authn.sources.wire.client import Read, SourceClient
from authn.sources.wire.failures import SourceDown, SourcePaused, SourceUnreadable
from authn.sources.wire.problem import SourceProblem
from authn.web.logs import logger
from authn.web.site import Site

__all__ = ["SourceDown", "Sources", "ask_citizen", "ask_facts", "is_embedded", "open_sources"]

MOST_FACTS: Final = 2000
Cancelled = Literal["cancelled"]
CANCELLED: Final[Cancelled] = "cancelled"
"""A national number that was given out in error, or twice to one person: nobody's any more."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sources:
    """The clients of all sources that have an address; connections and tokens are the process's.

    A `NationalRegister`, `Professions`, `Organisations` and `Mandates`, each only where configured.
    """

    clients: dict[SourceName, SourceClient]
    clock: Clock

    def close(self) -> None:
        """All connections to sources that are kept open are closed."""
        for client in self.clients.values():
            client.connections.close()
            client.tokens.connections.close()

    def facts(self, question: QuestionName, ssin: str) -> tuple[Fact, ...]:
        """The facts that answer a question about a person; none for a number that is nobody's.

        Raises `SourceDown`.
        """

        def read(document: dict[str, Any]) -> tuple[Fact, ...]:
            facts = document.get(question)
            if document.keys() != {question} or not isinstance(facts, list):
                raise SourceUnreadable(f"not an answer to {question}")
            if len(facts) > MOST_FACTS:
                raise SourceUnreadable(f"more than {MOST_FACTS} {question}")
            today = today_in_brussels(self.clock())
            return tuple(fact_from_json(question, each, today) for each in facts)

        answer = self._ask_about_person(question, ssin, lambda _: read)
        return () if answer is None or answer == CANCELLED else answer

    def citizen(self, ssin: str) -> Citizen | None:
        """The citizen with a number, present or replaced; None for a number that is nobody's.

        The answer carries the present number, and those it replaced. Raises `SourceDown`.
        """
        answer = self.citizen_or_cancelled(ssin)
        return None if answer == CANCELLED else answer

    def citizen_or_cancelled(self, ssin: str) -> Citizen | Cancelled | None:
        """As `citizen`; `CANCELLED` for a number that was cancelled."""

        def reader(asked: str) -> Read[Citizen]:
            def read(document: dict[str, Any]) -> Citizen:
                citizen = citizen_from_json(document, today_in_brussels(self.clock()))
                if asked not in (citizen.ssin, *citizen.previous_ssins):
                    raise SourceUnreadable("another citizen than the one asked for")
                return citizen

            return read

        citizen = self._ask_about_person("citizen", ssin, reader)
        if citizen is None or citizen == CANCELLED:
            return citizen
        if citizen.cancelled:
            return CANCELLED
        if ssin in (citizen.ssin, *citizen.previous_ssins):
            return citizen
        return replace(citizen, previous_ssins=(ssin, *citizen.previous_ssins))

    def children(self, ssin: str) -> tuple[Child, ...]:
        """See `NationalRegister`; raises `SourceDown`."""
        return cast(tuple[Child, ...], self.facts("children", ssin))

    def qualities(self, ssin: str) -> tuple[Quality, ...]:
        """See `Professions`; raises `SourceDown`."""
        return cast(tuple[Quality, ...], self.facts("qualities", ssin))

    def memberships(self, ssin: str) -> tuple[Membership, ...]:
        """See `Organisations`; raises `SourceDown`."""
        return cast(tuple[Membership, ...], self.facts("memberships", ssin))

    def mandates(self, ssin: str) -> tuple[Mandate, ...]:
        """See `Mandates`; raises `SourceDown`."""
        return cast(tuple[Mandate, ...], self.facts("mandates", ssin))

    def organisation(self, number: str) -> Organisation | None:
        """The organisation with a CBE or NIHDI number; None when there is none.

        Raises `SourceDown`.
        """

        def read(document: dict[str, Any]) -> Organisation:
            organisation = organisation_from_json(document)
            if number not in (organisation.cbe, organisation.nihii):
                raise SourceUnreadable("another organisation than the one asked for")
            return organisation

        return self._ask_about_organisation(f"/organizations/{number}", read)

    def access_managers(self, number: str) -> tuple[AccessManager, ...]:
        """The responsible access managers of the organisation with a CBE or NIHDI number.

        Raises `SourceDown`.
        """

        def read(document: dict[str, Any]) -> tuple[AccessManager, ...]:
            listed = document.get("accessManagers")
            if document.keys() != {"accessManagers"} or not isinstance(listed, list):
                raise SourceUnreadable("not an answer to access managers")
            if len(listed) > MOST_FACTS:
                raise SourceUnreadable(f"more than {MOST_FACTS} access managers")
            today = today_in_brussels(self.clock())
            managers = tuple(_access_manager(each, today) for each in listed)
            for each in managers:
                organisation = each.membership.organisation
                if number not in (organisation.cbe, organisation.nihii):
                    raise SourceUnreadable("an access manager of another organisation")
            return managers

        path = f"/organizations/{number}/accessManagers"
        return self._ask_about_organisation(path, read) or ()

    def _ask_about_organisation(self, path: str, read: Read[T]) -> T | None:
        client = self.clients["organisations"]
        with _log_failures("organisations", "organisation"):
            answer = client.get(path, client.deadline(), _strict(read))
            if isinstance(answer, SourceProblem) and answer.what != "nobody":
                raise SourceDown("a problem that does not fit the question")
        return None if isinstance(answer, SourceProblem) else answer

    def _ask_about_person(
        self, question: QuestionName, ssin: str, reader: Callable[[str], Read[T]]
    ) -> T | Cancelled | None:
        """The answer about a person; a number that was replaced is followed once."""
        source = QUESTIONS[question].source
        client = self.clients[source]
        with _log_failures(source, question):
            asked, deadline = ssin, client.deadline()
            for _ in range(2):
                read = _strict(reader(asked))
                answer = client.post(f"/{question}", {"ssin": asked}, deadline, read)
                if not isinstance(answer, SourceProblem):
                    return answer
                if answer.what == "nobody":
                    return None
                if answer.what == "cancelled":
                    return CANCELLED
                asked = self._successor(answer)
            raise SourceDown("a number that replaces another was replaced itself")

    def _successor(self, problem: SourceProblem) -> str:
        reason = ""
        try:
            return parse_ssin(problem.unverified_successor, today_in_brussels(self.clock()))
        except InvalidSsin as invalid:
            reason = invalid.reason
        # Outside `except`: no chain that leads back to the text.
        raise SourceDown(f"replaced by what is no number ({reason})")


def open_sources(settings: Settings, clock: Clock) -> Sources:
    """The clients of all sources that the settings configure; nothing is asked yet.

    Raises `CommandError` when the key cannot be read.
    """
    configured = [source for source in SOURCES if not is_embedded(settings, source)]
    if not configured:
        return Sources({}, clock)
    tokens = SourceAccessTokens(settings, read_sources_key(settings), clock)
    return Sources(
        {
            source: SourceClient(
                source_url(settings, source),
                settings.sources_seconds,
                tokens,
                CircuitBreaker(clock),
            )
            for source in configured
        },
        clock,
    )


def shared_sources(site: Site) -> Sources:
    """The clients of the sources that all requests of the process share."""
    return site.memory.once(Sources, lambda: open_sources(site.settings, site.clock))


def ask_facts(site: Site, question: QuestionName, ssin: str) -> tuple[Fact, ...]:
    """The facts with which a real source answers a question about a person, except `citizen`.

    Raises `SourceDown`. Not to be called in a transaction.
    """
    return shared_sources(site).facts(question, ssin)


def ask_citizen(site: Site, ssin: str) -> Citizen | None:
    """The citizen whom the real national register knows by a number; None for nobody's number.

    Raises `SourceDown`. Not to be called in a transaction.
    """
    return shared_sources(site).citizen(ssin)


def ask_citizen_or_cancelled(site: Site, ssin: str) -> Citizen | Cancelled | None:
    """As `ask_citizen`; `CANCELLED` for a number that was cancelled."""
    return shared_sources(site).citizen_or_cancelled(ssin)


def _access_manager(document: object, today: date) -> AccessManager:
    reader = JsonReader(document, today)
    ssin = reader.ssin("ssin")
    membership = fact_from_json("memberships", reader.value("membership"), today)
    reader.finish()
    if not isinstance(membership, Membership) or not membership.responsible_access_manager:
        raise InvalidFact("membership", "is not a responsible access manager's")
    return AccessManager(ssin, membership)


def _strict(read: Read[T]) -> Read[T]:
    """A reader that raises `SourceUnreadable` where `read` finds an `InvalidFact`."""

    def strictly(document: dict[str, Any]) -> T:
        try:
            return read(document)
        except InvalidFact as error:
            reason = str(error)
        raise SourceUnreadable(reason)  # outside `except`: no chain that leads back to what came

    return strictly


@contextmanager
def _log_failures(source: SourceName, question: str) -> Iterator[None]:
    """A failure of the block is logged without what was asked; not while the source is paused."""
    try:
        yield
    except SourcePaused:
        raise
    except SourceDown as error:
        logger.warning("source_failed", source=source, question=question, why=str(error))
        raise
