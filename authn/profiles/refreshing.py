"""The sources are asked about a person, each question when its answer is not fresh any more.

Why here, and not at a sign-in: an answer lives minutes, a session hours. Whoever needs to know in
which capacities somebody may act has what is due brought up to date first; nothing is asked of a
source that nobody needs.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Protocol
from uuid import UUID

from sqlalchemy import Connection

from authn.db.transaction import must_write, reading, writing
from authn.people.citizen import Citizen
from authn.people.numbers import current_ssin
from authn.people.persons import find_person, lock_person, note_end, refresh
from authn.profiles.answer import take_answer
from authn.secrets import Secrets
from authn.settings import Settings
from authn.sources.answers import due, note_answer, note_failure
from authn.sources.asking import CANCELLED, Cancelled, SourceDown, ask, ask_standing, is_embedded
from authn.sources.embedded import EmbeddedRegister
from authn.sources.facts import Fact
from authn.sources.import_lock import stand_by_import
from authn.sources.questions import OUR_OWN, QUESTIONS, QuestionName
from authn.sources.twins import facts_of_person
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


def bring_up_to_date(request: Here, person_id: UUID, questions: Iterable[QuestionName]) -> None:
    """What is known of the person answers these questions as freshly as their sources allow.

    One SELECT where nothing is due. An embedded twin is read, and the answer written, here and
    now: raises `NeedsToWrite` in a transaction that only reads. A source outside is asked once the
    transaction has ended: raises `NeededFromOutside`. One that is down is not asked again for half
    a minute, and what it said last stays.
    """
    asked = due(request.connection, person_id, questions, request.now)
    if not asked:
        return
    outside = [each for each in asked if not is_embedded(request.settings, QUESTIONS[each].source)]
    if outside:
        raise NeededFromOutside(partial(_fetch, request.site, person_id, outside))
    must_write(request.connection)
    stand_by_import(request.connection)
    for question in asked:
        _take_embedded(request, person_id, question)


def hear_of_citizen(request: Here, person_id: UUID, heard_at: datetime) -> None:
    """A real national register has told within its time that the person lives, under which number.

    `heard_at` is when it last did, as `persons` has it: so it costs nothing until it is due. An
    embedded one tells of all whom an import changes, by itself. Raises `NeededFromOutside`.
    """
    fresh = request.now - heard_at < request.settings.citizen_fresh
    if not fresh and not is_embedded(request.settings, "national_register"):
        bring_up_to_date(request, person_id, ["citizen"])


def _take_embedded(request: Here, person_id: UUID, question: QuestionName) -> None:
    connection, secrets = request.connection, request.secrets
    if question == "citizen":
        lock_person(connection, person_id)  # before the look: an import refreshes persons too
        ssin = current_ssin(connection, secrets, person_id)
        citizen = EmbeddedRegister(connection, secrets).entry(ssin)
        _take_citizen(connection, secrets, request.settings, person_id, citizen, request.now)
        return
    if question in OUR_OWN:
        lock_person(connection, person_id)  # before the look: a role may end at this moment
    facts = facts_of_person(connection, secrets, question, person_id)
    take_answer(connection, secrets, request.settings, person_id, question, facts, request.now)


def _take_citizen(
    connection: Connection,
    secrets: Secrets,
    settings: Settings,
    person_id: UUID,
    citizen: Citizen | Cancelled | None,
    now: datetime,
) -> None:
    """Who is not in the register any more stays as they were known; but nobody goes by a number
    that was cancelled: as after an import, what was opened in its name ends."""
    person = find_person(connection, person_id)
    if person is None:
        return
    if isinstance(citizen, Citizen):
        refresh(connection, secrets, person, citizen, now)
    elif citizen is CANCELLED:
        note_end(connection, person_id, now)
    note_answer(connection, person_id, "citizen", settings, now)


def _fetch(site: Site, person_id: UUID, questions: Sequence[QuestionName]) -> None:
    """The sources were asked, all at once, and what they said is kept; also that one was down."""
    with reading(site.database) as connection:
        if find_person(connection, person_id) is None:
            return
        ssin = current_ssin(connection, site.secrets, person_id)
    with ThreadPoolExecutor(len(questions)) as pool:
        for done in [pool.submit(_ask, site, person_id, ssin, each) for each in questions]:
            done.result()


def _ask(site: Site, person_id: UUID, ssin: str, question: QuestionName) -> None:
    asked_at = site.clock()
    said: tuple[Fact, ...] = ()
    citizen: Citizen | Cancelled | None = None
    try:
        if question == "citizen":
            citizen = ask_standing(site, ssin)
        else:
            said = ask(site, question, ssin)
    except SourceDown:
        with writing(site.database) as connection:
            note_failure(connection, person_id, question, site.clock())
        return
    of = (site.secrets, site.settings, person_id)
    with writing(site.database) as connection:
        if question == "citizen":
            _take_citizen(connection, *of, citizen, asked_at)
        else:
            take_answer(connection, *of, question, said, asked_at)
