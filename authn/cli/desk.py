"""The desk's acts on the command line: the same functions as at the pages, by nobody of the staff.

Who is at the machine has it all in hand anyway, and is known to the machine alone: on record is
what was done, to whom and why, without an actor. What two of the staff must do is not done here:
one person at a keyboard is no two.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final
from uuid import UUID

import typer
from sqlalchemy import Connection

from authn.audit.log import record
from authn.audit.staff_events import DeskLookedAt, DeskReasonGiven
from authn.cli.ground import Ground
from authn.console.acts import Outcome
from authn.console.deeds import Particulars, Setting, weigh_device_act
from authn.console.desk_sessions import Desk, Why
from authn.console.reason import EXPLANATION, REASON, TICKET, read_why
from authn.db.occasion import Job
from authn.errors import CommandError
from authn.people.persons import lock_person
from authn.people.tables import Person
from authn.settings import Settings
from authn.staff.reasons import reasons_of
from authn.staff.roles import RULES, Act
from authn.staff.staff import Staff

# Of no desk, so that nobody is their colleague; never on record.
_NOBODY: Final = Staff(UUID(int=0), frozenset({"agent", "supervisor"}), frozenset())

Reason = Annotated[
    str | None, typer.Option(help="Why: one of the codes of AUTHN_DESK_REASONS. Without: asked.")
]
Ticket = Annotated[
    str | None, typer.Option(help='The number of the ticket, "" for none. Without: asked.')
]
Explanation = Annotated[str, typer.Option(help="Why, in your own words.")]


@dataclass(frozen=True, slots=True)
class AtTheMachine(Desk):
    """Who acts on the command line: not a member of staff."""

    @property
    def person_id(self) -> Any:
        """Nobody: what is on record has no actor."""
        return None


@dataclass(frozen=True, slots=True)
class SaidWhy:
    """Why somebody at the machine looks or acts, as far as the options say it."""

    reason: str | None
    explanation: str
    ticket: str | None

    def desk(self, present: Ground, connection: Connection) -> Desk:
        """Who acts, and why: what is missing was asked. Raises `WrongReason`."""
        said = {REASON: self.reason or "", EXPLANATION: self.explanation, TICKET: self.ticket or ""}
        return AtTheMachine(_NOBODY, read_why(job(present, connection), said))

    def asked(self, settings: Settings) -> "SaidWhy":
        """The same, complete: before a transaction is open, which would wait for somebody."""
        reason, ticket = self.reason, self.ticket
        if reason is None:
            codes = ", ".join(reasons_of(settings))
            reason = typer.prompt(f"Reason ({codes})", err=True)
        if ticket is None:
            ticket = typer.prompt("Ticket", default="", show_default=False, err=True)
        return SaidWhy(reason, self.explanation, ticket)


def said_why(
    reason: Reason = None, explanation: Explanation = "", ticket: Ticket = None
) -> SaidWhy:
    """The options of every command of the desk."""
    return SaidWhy(reason, explanation, ticket)


def job(present: Ground, connection: Connection) -> Job:
    """The occasion of a command, in this transaction."""
    return Job(connection, present.settings, present.secrets, present.now)


def look(present: Ground, person: Person, said: SaidWhy) -> None:
    """It is on record, and the citizen can read, why somebody at the machine looked at them."""
    with present.writing() as connection:
        why = said.desk(present, connection).why
        for event in (DeskReasonGiven, DeskLookedAt):
            looked = event(person_id=person.id, **_on_record(why))
            record(connection, present.secrets, looked, present.now, "-")


def do_alone(
    present: Ground,
    said: SaidWhy,
    act: Act,
    person: Person,
    do: Callable[..., Outcome],
    device_id: UUID | None = None,
) -> Outcome:
    """What came of the act, done now. Raises `CommandError` for what two must do, and a `Refusal`
    as the act does."""
    with present.writing() as connection:
        occasion = job(present, connection)
        desk = said.desk(present, connection)
        lock_person(connection, person.id)
        setting = Setting(occasion, desk, person, Particulars(device_id=device_id))
        weight = weigh_device_act(act, setting) if device_id else act
        if RULES[weight].second:
            raise CommandError(
                "This needs two members of staff: do it at the support desk, where a second one "
                "approves. To block a device meanwhile: `authn devices suspend`."
            )
        given = DeskReasonGiven(person_id=person.id, **_on_record(desk.why))
        record(connection, present.secrets, given, present.now, "-")
        return do(occasion, desk, person, *([device_id] if device_id else []))


def _on_record(why: Why) -> dict[str, Any]:
    return {"reason": why.reason, "explanation": why.explanation, "ticket": why.ticket}
