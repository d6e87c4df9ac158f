"""Asks the real sources: which of them are configured, and what they say.

Never inside a transaction (decisions 4.18): an endpoint raises `NeededFromOutside`, and its fetch
asks here. Where a source has no address in the settings its embedded twin stands in, and is read in
the database (`sources.twins`, `sources.embedded`); one that is configured is never replaced by it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final, Literal, TypeVar, cast

from authn.clock import Clock
from authn.people.citizen import Citizen
from authn.people.ssin import InvalidSsin, parse_ssin, today_in_brussels
from authn.settings import Settings
from authn.sources.configured import is_embedded, source_url
from authn.sources.fact_json import citizen_from_json, fact_from_json, organisation_from_json
from authn.sources.facts import Child, Fact, Mandate, Membership, Organisation, Quality
from authn.sources.json_reader import InvalidFact, JsonReader
from authn.sources.organisations import AccessManager
from authn.sources.questions import QUESTIONS, SOURCES, QuestionName, SourceName
from authn.sources.wire.access_token import SourceAccessTokens, sources_key
from authn.sources.wire.breaker import CircuitBreaker
from authn.sources.wire.client import Read, SourceClient
from authn.sources.wire.down import SourceDown, SourcePaused, SourceUnreadable
from authn.sources.wire.problem import SourceProblem
from authn.web.logs import logger
from authn.web.site import Site

__all__ = ["SourceDown", "Sources", "ask", "ask_citizen", "is_embedded", "open_sources"]

MOST_FACTS: Final = 2000
Cancelled = Literal["cancelled"]
CANCELLED: Final[Cancelled] = "cancelled"
"""Of a number that was given out in error, or of somebody twice: nobody's any more."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sources:
    """A client of each source that has an address; what they remember is this process's own.

    A `NationalRegister`, `Professions`, `Organisations` and `Mandates`, each only where configured.
    """

    clients: dict[SourceName, SourceClient]
    clock: Clock

    def close(self) -> None:
        """No connection to a source is kept any more."""
        for client in self.clients.values():
            client.line.close()
            client.tokens.line.close()

    def facts(self, question: QuestionName, ssin: str) -> tuple[Fact, ...]:
        """What answers a question about a person; none for a number that is nobody's.

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

        said = self._about(question, ssin, lambda _: read)
        return () if said is None or said == CANCELLED else said

    def citizen(self, ssin: str) -> Citizen | None:
        """The citizen with this number, present or replaced; None for a number that is nobody's.

        The answer carries the present number, and those it replaced. Raises `SourceDown`.
        """
        standing = self.standing(ssin)
        return None if standing == CANCELLED else standing

    def standing(self, ssin: str) -> Citizen | Cancelled | None:
        """The same; and whether it is a number that was cancelled."""

        def reader(asked: str) -> Read[Citizen]:
            def read(document: dict[str, Any]) -> Citizen:
                citizen = citizen_from_json(document, today_in_brussels(self.clock()))
                if asked not in (citizen.ssin, *citizen.previous_ssins):
                    raise SourceUnreadable("another citizen than the one asked for")
                return citizen

            return read

        citizen = self._about("citizen", ssin, reader)
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
        """The organisation with this CBE or NIHDI number; None when there is none.

        Raises `SourceDown`.
        """

        def read(document: dict[str, Any]) -> Organisation:
            organisation = organisation_from_json(document)
            if number not in (organisation.cbe, organisation.nihii):
                raise SourceUnreadable("another organisation than the one asked for")
            return organisation

        return self._of_organisation(f"/organizations/{number}", read)

    def access_managers(self, number: str) -> tuple[AccessManager, ...]:
        """The responsible access managers of the organisation with this number.

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

        return self._of_organisation(f"/organizations/{number}/accessManagers", read) or ()

    def _of_organisation(self, path: str, read: Read[T]) -> T | None:
        client = self.clients["organisations"]
        with _told("organisations", "organisation"):
            said = client.get(path, client.deadline(), _strict(read))
            if isinstance(said, SourceProblem) and said.what != "nobody":
                raise SourceDown("a problem that does not fit the question")
        return None if isinstance(said, SourceProblem) else said

    def _about(
        self, question: QuestionName, ssin: str, reader: Callable[[str], Read[T]]
    ) -> T | Cancelled | None:
        """What the source says of a person; a number that was replaced is followed once."""
        source = QUESTIONS[question].source
        client = self.clients[source]
        with _told(source, question):
            asked, deadline = ssin, client.deadline()
            for _ in range(2):
                read = _strict(reader(asked))
                said = client.post(f"/{question}", {"ssin": asked}, deadline, read)
                if not isinstance(said, SourceProblem):
                    return said
                if said.what == "nobody":
                    return None
                if said.what == "cancelled":
                    return CANCELLED
                asked = self._successor(said)
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
    """A client of each source that these settings configure; nothing is asked yet.

    Raises `CommandError` when the key cannot be read.
    """
    configured = [source for source in SOURCES if not is_embedded(settings, source)]
    if not configured:
        return Sources({}, clock)
    tokens = SourceAccessTokens(settings, sources_key(settings), clock)
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


def sources_of(site: Site) -> Sources:
    """The clients of this process."""
    return site.memory.once(Sources, lambda: open_sources(site.settings, site.clock))


def ask(site: Site, question: QuestionName, ssin: str) -> tuple[Fact, ...]:
    """What a real source answers about this person, any of `QUESTIONS` but `citizen`.

    Raises `SourceDown`: then nothing is known anew. In no transaction.
    """
    return sources_of(site).facts(question, ssin)


def ask_citizen(site: Site, ssin: str) -> Citizen | None:
    """What the real national register says of this number; None for one that is nobody's.

    Raises `SourceDown`. In no transaction.
    """
    return sources_of(site).citizen(ssin)


def ask_standing(site: Site, ssin: str) -> Citizen | Cancelled | None:
    """The same, of a person who is known here: it may say that the number was cancelled."""
    return sources_of(site).standing(ssin)


def _access_manager(document: object, today: date) -> AccessManager:
    reader = JsonReader(document, today)
    ssin = reader.ssin("ssin")
    membership = fact_from_json("memberships", reader.value("membership"), today)
    reader.finish()
    if not isinstance(membership, Membership) or not membership.responsible_access_manager:
        raise InvalidFact("membership", "is not a responsible access manager's")
    return AccessManager(ssin, membership)


def _strict(read: Read[T]) -> Read[T]:
    """What it reads; and what it can't read is no answer."""

    def strictly(document: dict[str, Any]) -> T:
        try:
            return read(document)
        except InvalidFact as error:
            why = str(error)
        raise SourceUnreadable(why)  # outside `except`: no chain that leads back to what came

    return strictly


@contextmanager
def _told(source: SourceName, question: str) -> Iterator[None]:
    """A failure is in the log, without a word of what was asked; once while it is left in peace."""
    try:
        yield
    except SourcePaused:
        raise
    except SourceDown as error:
        logger.warning("source_failed", source=source, question=question, why=str(error))
        raise
