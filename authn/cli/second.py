"""What gives much, at the machine: asked of an operator, or done by one alone and told to all.

How it is done follows from who there is (`console.operator_second`): as it always was until there
was a first operator, so that a service can be begun; by two where two operators work; else alone,
for a reason, which no operator and supervisor can overlook.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

import typer
from sqlalchemy import Connection

from authn.cli.desk import job
from authn.cli.ground import Ground, console
from authn.console.operator_asking import path_of, reason_of
from authn.console.operator_request_rows import OperatorRequest, OperatorRequestInput
from authn.console.operator_requests import ask
from authn.console.operator_second import Way, note_alone, way_at_the_machine
from authn.errors import CommandError, Refusal
from authn.people.ssin import BRUSSELS

Done = TypeVar("Done")
Reason = Annotated[
    str | None,
    typer.Option(help="Why, in your own words, where a second one must agree. Without: asked."),
]
Ticket = Annotated[
    str | None, typer.Option(help='The number of the ticket, "" for none. Without: asked.')
]


@dataclass(frozen=True, slots=True)
class ReasonOption:
    """Why it is needed, as far as the options say it."""

    reason: str | None = None
    ticket: str | None = None

    def asked(self) -> "ReasonOption":
        """The same, complete: before a transaction is open, which would wait for somebody."""
        reason, ticket = self.reason, self.ticket
        if reason is None:
            console.print("This gives much, or somebody a role by which they decide.")
            reason = typer.prompt("Why is it needed", err=True)
        if ticket is None:
            ticket = typer.prompt("Ticket", default="", show_default=False, err=True)
        return ReasonOption(reason, ticket)


@dataclass(frozen=True, slots=True)
class TwoOperatorPlan(Generic[Done]):
    """What would be done, and how; `wanted` is None for what nobody need agree to."""

    wanted: OperatorRequestInput | None
    do: Callable[[], Done]


@dataclass(frozen=True, slots=True)
class TwoOperatorResult(Generic[Done]):
    """What was done, or what waits as `asked` and was not done."""

    done: Done | None = None
    asked: OperatorRequest | None = None


def carry_out(
    present: Ground, said: ReasonOption, plan: Callable[[Connection], TwoOperatorPlan[Done]]
) -> TwoOperatorResult[Done]:
    """It is done, or asked; which of them, and where it waits, was said. Raises as the act does."""
    with present.reading() as connection:
        way = way_at_the_machine(connection, plan(connection).wanted)
    if way != "free":
        said = said.asked()
    with present.writing() as connection:
        planned = plan(connection)
        # Who works here may have changed while somebody typed.
        now = way_at_the_machine(connection, planned.wanted)
        if now != "free" and way == "free":
            raise CommandError("Somebody became an operator meanwhile. Try again.")
        result = _by(present, connection, said, planned, now)
    if result.asked is not None:
        _say_waits(present, result.asked)
    elif now == "alone":
        _say_alone()
    return result


def _by(
    present: Ground,
    connection: Connection,
    said: ReasonOption,
    planned: TwoOperatorPlan[Done],
    way: Way,
) -> TwoOperatorResult[Done]:
    if planned.wanted is None or way == "free":
        return TwoOperatorResult(done=planned.do())
    occasion = job(present, connection)
    try:
        why = reason_of(occasion, said.reason or "", said.ticket or "")
    except Refusal as refusal:
        raise CommandError(refusal.description) from None
    if way == "two":
        return TwoOperatorResult(asked=ask(occasion, None, planned.wanted, *why))
    done = planned.do()
    note_alone(occasion, planned.wanted, *why)
    return TwoOperatorResult(done=done)


def _say_waits(present: Ground, asked: OperatorRequest) -> None:
    until = asked.expires_at.astimezone(BRUSSELS)
    who = "A supervisor" if asked.wanted.decider == "supervisor" else "An operator"
    console.print("Nothing was done yet: this needs a second person, and waits for them.")
    console.print(f"{who} agrees to it at the desk, until {until:%d/%m/%Y %H:%M} (Brussels):")
    console.print(f"    {present.settings.issuer}{path_of(asked)}", markup=False)
    console.print("How it stands: `authn approvals list`. To take it back:")
    console.print(f"    authn approvals withdraw {asked.id}", markup=False)


def _say_alone() -> None:
    console.print(
        "WARNING: this needs two people. There is no second one, so it was done without; it is on "
        "record, and every operator and supervisor is told by mail."
    )
