"""Acts of the support desk on the command line, by a local operator and by no member of staff.

The functions are those of the desk's pages (`console.acts`). Who a local operator is, is known to
the host alone: on record is what was done, to whom and why, without an actor. An act that needs two
is only asked for: a supervisor approves it at the desk.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from authn.audit.events.staff import DeskLookedAt, DeskReasonGiven, DeskSearched
from authn.audit.log import record
from authn.cli.ground import Ground, console
from authn.console.acts import ActOutcome
from authn.console.approval_rows import Approval, find_approval
from authn.console.desk_sessions import LookReason
from authn.console.local_operator import LocalOperator, build_local_operator, record_acted_alone
from authn.console.reason import EXPLANATION, REASON, TICKET, read_reason
from authn.db.occasion import NO_REFERENCE, Job
from authn.people.ssin import BRUSSELS
from authn.people.tables import Person
from authn.settings import Settings
from authn.staff.reasons import reason_codes

Reason = Annotated[
    str | None, typer.Option(help="Why: one of the codes of AUTHN_DESK_REASONS. Without: asked.")
]
Ticket = Annotated[
    str | None, typer.Option(help='The number of the ticket, "" for none. Without: asked.')
]
Explanation = Annotated[str, typer.Option(help="Why, in your own words.")]


@dataclass(frozen=True, slots=True)
class DeskReasonOption:
    """Why a local operator looks at a person or acts on one; None for what must be asked for."""

    reason: str | None
    explanation: str
    ticket: str | None

    def local_operator(self, present: Ground, connection: Connection) -> LocalOperator:
        """The local operator with this complete reason; raises `WrongReason`."""
        fields = {
            REASON: self.reason or "",
            EXPLANATION: self.explanation,
            TICKET: self.ticket or "",
        }
        return build_local_operator(connection, read_reason(job(present, connection), fields))

    def ask_missing(self, settings: Settings) -> "DeskReasonOption":
        """The complete reason, what is missing being asked for.

        To be called before a transaction is open, which would wait for whoever types.
        """
        reason, ticket = self.reason, self.ticket
        if reason is None:
            codes = ", ".join(reason_codes(settings))
            reason = typer.prompt(f"Reason ({codes})", err=True)
        if ticket is None:
            ticket = typer.prompt("Ticket", default="", show_default=False, err=True)
        return DeskReasonOption(reason, self.explanation, ticket)


def desk_reason_option(
    reason: Reason = None, explanation: Explanation = "", ticket: Ticket = None
) -> DeskReasonOption:
    """The options of every command that does what the desk does."""
    return DeskReasonOption(reason, explanation, ticket)


def job(present: Ground, connection: Connection) -> Job:
    """The command as the occasion of an act, in this transaction."""
    return Job(connection, present.settings, present.secrets, present.now)


def record_look(present: Ground, options: DeskReasonOption, *people: Person) -> None:
    """Record that a local operator looked at these people, and why; each of them can read it."""
    with present.writing() as connection:
        why = options.local_operator(present, connection).why
        for person in people:
            for event in (DeskReasonGiven, DeskLookedAt):
                looked = event(person_id=person.id, **why.event_fields())
                record(connection, present.secrets, looked, present.now, NO_REFERENCE)


def record_vain_search(present: Ground, options: DeskReasonOption, *, citizen: bool) -> None:
    """Record that a local operator searched a national number that belongs to no known person.

    `citizen` is whether the national register knows it.
    """
    with present.writing() as connection:
        why = options.local_operator(present, connection).why.event_fields()
        event = DeskSearched(kind="number", found=0, citizen=citizen, **why)
        record(connection, present.secrets, event, present.now, NO_REFERENCE)


def record_reason(present: Ground, connection: Connection, person: Person, why: LookReason) -> None:
    """Record why a local operator acts on the person, who can read it."""
    given = DeskReasonGiven(person_id=person.id, **why.event_fields())
    record(connection, present.secrets, given, present.now, NO_REFERENCE)


def do_desk_act(
    present: Ground,
    options: DeskReasonOption,
    person: Person,
    do: Callable[..., ActOutcome],
    *on: Any,
) -> bool:
    """Do an act of `console.acts` on a person; False where it waits for a second person.

    Prints where it waits, or that it was done by one alone. Raises a `Refusal` as the act does.
    """
    with present.writing() as connection:
        occasion = job(present, connection)
        operator = options.local_operator(present, connection)
        record_reason(present, connection, person, operator.why)
        outcome = do(occasion, operator, person, *on)
        if outcome.approval_id is None:
            if record_acted_alone(occasion, operator, outcome.act, person.id):
                print_alone_warning()
            return True
        approval = find_approval(occasion, outcome.approval_id)
    assert approval is not None, "it was stored just now"
    print_waiting_approval(present, approval)
    return False


def print_alone_warning() -> None:
    """Print that what two must do was done by one alone, and until when that is possible."""
    console.print(
        "WARNING: this needs two people. There has never been a supervisor, so it was done without "
        "a second one, and that is on record. Appoint one: `authn staff appoint supervisor`. From "
        "then on it waits for their approval, for good."
    )


def print_waiting_approval(present: Ground, approval: Approval) -> None:
    """Print that nothing was done yet, who decides, where and until when."""
    until = approval.expires_at.astimezone(BRUSSELS)
    address = f"{present.settings.issuer}/desk/approvals/{approval.id}"
    console.print("Nothing was done yet: this needs a second person, and waits for them.")
    console.print(f"A supervisor approves it at the desk, until {until:%H:%M} (Brussels):")
    console.print(f"    {address}", markup=False)
    console.print("How it stands: `authn approvals list`. To take it back:")
    console.print(f"    authn approvals withdraw {approval.id}", markup=False)
