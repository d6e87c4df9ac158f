"""The desk's acts on the command line: the same functions as at the pages, by nobody of the staff.

Who is at the machine is known to the machine alone (`console.machine`): on record is what was done,
to whom and why, without an actor. What two must do is only asked: a supervisor approves it at the
desk.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from authn.audit.log import record
from authn.audit.staff_events import DeskLookedAt, DeskReasonGiven, DeskSearched
from authn.cli.ground import Ground, console
from authn.console.acts import ActOutcome
from authn.console.approval_rows import Approval, find_approval
from authn.console.desk_sessions import DeskClosedReason
from authn.console.machine import OperatorRequestByCommand, at_the_machine, note_alone
from authn.console.reason import EXPLANATION, REASON, TICKET, read_why
from authn.db.occasion import NO_REFERENCE, Job
from authn.people.ssin import BRUSSELS
from authn.people.tables import Person
from authn.settings import Settings
from authn.staff.reasons import reasons_of

Reason = Annotated[
    str | None, typer.Option(help="Why: one of the codes of AUTHN_DESK_REASONS. Without: asked.")
]
Ticket = Annotated[
    str | None, typer.Option(help='The number of the ticket, "" for none. Without: asked.')
]
Explanation = Annotated[str, typer.Option(help="Why, in your own words.")]


@dataclass(frozen=True, slots=True)
class DeskReasonOption:
    """Why somebody at the machine looks or acts, as far as the options say it."""

    reason: str | None
    explanation: str
    ticket: str | None

    def desk(self, present: Ground, connection: Connection) -> OperatorRequestByCommand:
        """Who acts, and why: what is missing was asked. Raises `WrongReason`."""
        said = {REASON: self.reason or "", EXPLANATION: self.explanation, TICKET: self.ticket or ""}
        return at_the_machine(connection, read_why(job(present, connection), said))

    def asked(self, settings: Settings) -> "DeskReasonOption":
        """The same, complete: before a transaction is open, which would wait for somebody."""
        reason, ticket = self.reason, self.ticket
        if reason is None:
            codes = ", ".join(reasons_of(settings))
            reason = typer.prompt(f"Reason ({codes})", err=True)
        if ticket is None:
            ticket = typer.prompt("Ticket", default="", show_default=False, err=True)
        return DeskReasonOption(reason, self.explanation, ticket)


def said_why(
    reason: Reason = None, explanation: Explanation = "", ticket: Ticket = None
) -> DeskReasonOption:
    """The options of every command of the desk."""
    return DeskReasonOption(reason, explanation, ticket)


def job(present: Ground, connection: Connection) -> Job:
    """The occasion of a command, in this transaction."""
    return Job(connection, present.settings, present.secrets, present.now)


def look(present: Ground, said: DeskReasonOption, *people: Person) -> None:
    """It is on record, and each of them can read, why somebody at the machine looked at them."""
    with present.writing() as connection:
        why = said.desk(present, connection).why
        for person in people:
            for event in (DeskReasonGiven, DeskLookedAt):
                looked = event(person_id=person.id, **why.on_record())
                record(connection, present.secrets, looked, present.now, NO_REFERENCE)


def searched_in_vain(present: Ground, said: DeskReasonOption, *, citizen: bool) -> None:
    """It is on record that somebody at the machine looked for a number that is no person's here.

    `citizen` is whether the national register knows it.
    """
    with present.writing() as connection:
        why = said.desk(present, connection).why.on_record()
        event = DeskSearched(kind="number", found=0, citizen=citizen, **why)
        record(connection, present.secrets, event, present.now, NO_REFERENCE)


def say_why(present: Ground, connection: Connection, person: Person, why: DeskClosedReason) -> None:
    """It is on record, and the person can read, why somebody at the machine acts on them."""
    given = DeskReasonGiven(person_id=person.id, **why.on_record())
    record(connection, present.secrets, given, present.now, NO_REFERENCE)


def do_here(
    present: Ground, said: DeskReasonOption, person: Person, do: Callable[..., ActOutcome], *on: Any
) -> bool:
    """Whether the act was done now; where it waits for a second one, that was said.

    Raises a `Refusal` as the act does.
    """
    with present.writing() as connection:
        occasion = job(present, connection)
        desk = said.desk(present, connection)
        say_why(present, connection, person, desk.why)
        outcome = do(occasion, desk, person, *on)
        if outcome.approval_id is None:
            if note_alone(occasion, desk, outcome.act, person.id):
                say_alone()
            return True
        asked = find_approval(occasion, outcome.approval_id)
    assert asked is not None, "it was asked just now"
    say_waits(present, asked)
    return False


def say_alone() -> None:
    """Whoever is at the machine reads that they did what two must do, and until when they may."""
    console.print(
        "WARNING: this needs two people. There has never been a supervisor, so it was done without "
        "a second one, and that is on record. Appoint one: `authn staff appoint supervisor`. From "
        "then on it waits for their approval, for good."
    )


def say_waits(present: Ground, asked: Approval) -> None:
    """Whoever is at the machine reads that nothing was done, who decides, where and until when."""
    until = asked.expires_at.astimezone(BRUSSELS)
    address = f"{present.settings.issuer}/desk/approvals/{asked.id}"
    console.print("Nothing was done yet: this needs a second person, and waits for them.")
    console.print(f"A supervisor approves it at the desk, until {until:%H:%M} (Brussels):")
    console.print(f"    {address}", markup=False)
    console.print("How it stands: `authn approvals list`. To take it back:")
    console.print(f"    authn approvals withdraw {asked.id}", markup=False)
