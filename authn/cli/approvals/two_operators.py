"""What gives an application or a person much, done by a local operator: alone, or asked for.

Until there is a first operator the act is done at once, so that a service can be begun. Where two
operators work, a request is stored and a second one decides at the desk. Otherwise one alone does
the act for a reason, and every operator and supervisor is told by mail (`console.operator_second`
decides which).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

import typer
from sqlalchemy import Connection

from authn.cli.approvals.desk_acts import job
from authn.cli.ground import Ground, console
from authn.cli.shared import refusal_as_command_error
from authn.console.operator_request_rows import OperatorRequest, OperatorRequestInput
from authn.console.operator_requests import create_request, read_request_reason, request_path
from authn.console.operator_second import Way, local_operator_way, record_acting_alone
from authn.errors import CommandError
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
    """Why an act that gives much is needed; None for what must be asked for."""

    reason: str | None = None
    ticket: str | None = None

    def ask_missing(self) -> "ReasonOption":
        """The complete reason, what is missing being asked for.

        To be called before a transaction is open, which would wait for whoever types.
        """
        reason, ticket = self.reason, self.ticket
        if reason is None:
            console.print("This gives much, or somebody a role by which they decide.")
            reason = typer.prompt("Why is it needed", err=True)
        if ticket is None:
            ticket = typer.prompt("Ticket", default="", show_default=False, err=True)
        return ReasonOption(reason, ticket)


@dataclass(frozen=True, slots=True)
class TwoOperatorPlan(Generic[Done]):
    """An act, and the request for its approval; None where nobody need agree to the act."""

    request: OperatorRequestInput | None
    do: Callable[[], Done]


@dataclass(frozen=True, slots=True)
class TwoOperatorResult(Generic[Done]):
    """What the act gave, or the request that waits; the act was not done then."""

    value: Done | None = None
    request: OperatorRequest | None = None


def carry_out(
    present: Ground, reason: ReasonOption, plan: Callable[[Connection], TwoOperatorPlan[Done]]
) -> TwoOperatorResult[Done]:
    """Do the act of a plan, or store the request for its approval; prints which was done.

    `plan` is called twice, before and after the reason is asked for. Raises as the act does.
    """
    with present.reading() as connection:
        way = local_operator_way(connection, plan(connection).request)
    if way != "free":
        reason = reason.ask_missing()
    with present.writing() as connection:
        planned = plan(connection)
        # Who is an operator may have changed while somebody typed.
        now = local_operator_way(connection, planned.request)
        if now != "free" and way == "free":
            raise CommandError("Somebody became an operator meanwhile. Try again.")
        result = _do_or_request(present, connection, reason, planned, now)
    if result.request is not None:
        _print_waiting_request(present, result.request)
    elif now == "alone":
        _print_alone_warning()
    return result


def _do_or_request(
    present: Ground,
    connection: Connection,
    reason: ReasonOption,
    planned: TwoOperatorPlan[Done],
    way: Way,
) -> TwoOperatorResult[Done]:
    if planned.request is None or way == "free":
        return TwoOperatorResult(value=planned.do())
    occasion = job(present, connection)
    with refusal_as_command_error():
        why = read_request_reason(occasion, reason.reason or "", reason.ticket or "")
    if way == "two":
        return TwoOperatorResult(request=create_request(occasion, None, planned.request, *why))
    value = planned.do()
    record_acting_alone(occasion, planned.request, *why)
    return TwoOperatorResult(value=value)


def _print_waiting_request(present: Ground, request: OperatorRequest) -> None:
    until = request.expires_at.astimezone(BRUSSELS)
    who = "A supervisor" if request.wanted.decider == "supervisor" else "An operator"
    console.print("Nothing was done yet: this needs a second person, and waits for them.")
    console.print(f"{who} agrees to it at the desk, until {until:%d/%m/%Y %H:%M} (Brussels):")
    console.print(f"    {present.settings.issuer}{request_path(request)}", markup=False)
    console.print("How it stands: `authn approvals list`. To take it back:")
    console.print(f"    authn approvals withdraw {request.id}", markup=False)


def _print_alone_warning() -> None:
    console.print(
        "WARNING: this needs two people. There is no second one, so it was done without; it is on "
        "record, and every operator and supervisor is told by mail."
    )
