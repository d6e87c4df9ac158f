"""Refreshing from the sources: each question about a person is asked when its answer is due.

Why here, and not at a sign-in: an answer lives minutes, a session hours. Code that needs the
capacities of a person has what is due refreshed first; nothing is asked of a source that nobody
needs.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Protocol
from uuid import UUID

from sqlalchemy import Connection

from authn.db.transaction import must_write, reading, writing
from authn.people.numbers import current_ssin
from authn.people.persons import (
    Citizen,
    find_person,
    lock_person,
    record_cancelled_number,
    refresh_person,
)
from authn.profiles.answer import apply_answer
from authn.secrets import Secrets
from authn.settings import Settings
from authn.sources.answers import find_due_questions, note_answer, note_failure, share_import_lock
from authn.sources.embedded.facts import find_facts_of_person
from authn.sources.embedded.register import EmbeddedRegister
from authn.sources.facts import Fact
from authn.sources.questions import OUR_OWN, QUESTIONS, QuestionName
from authn.sources.real_sources import (
    CANCELLED,
    Cancelled,
    SourceDown,
    ask_citizen_or_cancelled,
    ask_facts,
    is_embedded,
)
from authn.web.routing import NeededFromOutside
from authn.web.site import Site


class Here(Protocol):
    """A request inside its transaction, as far as it is needed here."""

    @property
    def connection(self) -> Connection: ...

    @property
    def site(self) -> Site: ...

    @property
    def settings(self) -> Settings: ...

    @property
    def secrets(self) -> Secrets: ...

    @property
    def now(self) -> datetime: ...


def refresh_from_sources(request: Here, person_id: UUID, questions: Iterable[QuestionName]) -> None:
    """The stored answers to these questions about a person are as fresh as their sources allow.

    One SELECT where nothing is due. An embedded twin is read, and the answer written, here and
    now: raises `NeedsToWrite` in a transaction that only reads. A source outside is asked once the
    transaction has ended: raises `NeededFromOutside`. One that is down is not asked again for half
    a minute, and what it said last stays.
    """
    asked = find_due_questions(request.connection, person_id, questions, request.now)
    if not asked:
        return
    outside = [each for each in asked if not is_embedded(request.settings, QUESTIONS[each].source)]
    if outside:
        raise NeededFromOutside(partial(_refresh_from_outside, request.site, person_id, outside))
    must_write(request.connection)
    share_import_lock(request.connection)
    for question in asked:
        _refresh_from_embedded(request, person_id, question)


def refresh_citizen(request: Here, person_id: UUID, checked_at: datetime) -> None:
    """The real national register has answered about the person within the setting `citizen_fresh`.

    `checked_at` is when the register last answered, from `persons`: no query until an answer is
    due. An embedded register needs none: its imports refresh persons. Raises `NeededFromOutside`.
    """
    fresh = request.now - checked_at < request.settings.citizen_fresh
    if not fresh and not is_embedded(request.settings, "national_register"):
        refresh_from_sources(request, person_id, ["citizen"])


def _refresh_from_embedded(request: Here, person_id: UUID, question: QuestionName) -> None:
    connection, secrets = request.connection, request.secrets
    if question == "citizen":
        lock_person(connection, person_id)  # before the look: an import refreshes persons too
        ssin = current_ssin(connection, secrets, person_id)
        citizen = EmbeddedRegister(connection, secrets).entry(ssin)
        _apply_citizen(connection, secrets, request.settings, person_id, citizen, request.now)
        return
    if question in OUR_OWN:
        lock_person(connection, person_id)  # before the look: a role may end at this moment
    facts = find_facts_of_person(connection, secrets, question, person_id)
    apply_answer(connection, secrets, request.settings, person_id, question, facts, request.now)


def _apply_citizen(
    connection: Connection,
    secrets: Secrets,
    settings: Settings,
    person_id: UUID,
    citizen: Citizen | Cancelled | None,
    now: datetime,
) -> None:
    """The person is stored as the register answers; None, no longer listed, changes nothing.

    A cancelled number ends everything opened in its name, as an import does.
    """
    person = find_person(connection, person_id)
    if person is None:
        return
    if isinstance(citizen, Citizen):
        refresh_person(connection, secrets, person, citizen, now)
    elif citizen is CANCELLED:
        record_cancelled_number(connection, person_id, now)
    note_answer(connection, person_id, "citizen", settings, now)


def _refresh_from_outside(site: Site, person_id: UUID, questions: Sequence[QuestionName]) -> None:
    """Asks the sources all at once, and stores their answers, or that a source was down."""
    with reading(site.database) as connection:
        if find_person(connection, person_id) is None:
            return
        ssin = current_ssin(connection, site.secrets, person_id)
    with ThreadPoolExecutor(len(questions)) as pool:
        for done in [pool.submit(_ask_source, site, person_id, ssin, each) for each in questions]:
            done.result()


def _ask_source(site: Site, person_id: UUID, ssin: str, question: QuestionName) -> None:
    asked_at = site.clock()
    facts: tuple[Fact, ...] = ()
    citizen: Citizen | Cancelled | None = None
    try:
        if question == "citizen":
            citizen = ask_citizen_or_cancelled(site, ssin)
        else:
            facts = ask_facts(site, question, ssin)
    except SourceDown:
        with writing(site.database) as connection:
            note_failure(connection, person_id, question, site.clock())
        return
    of = (site.secrets, site.settings, person_id)
    with writing(site.database) as connection:
        if question == "citizen":
            _apply_citizen(connection, *of, citizen, asked_at)
        else:
            apply_answer(connection, *of, question, facts, asked_at)
