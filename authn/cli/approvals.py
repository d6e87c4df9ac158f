"""`authn approvals`: what was asked at the machine, and waits for a second person or did."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import typer

from authn.cli.desk import job
from authn.cli.ground import console, ground
from authn.console.approval_rows import Approval, asked_at_the_machine
from authn.console.approvals import withdraw
from authn.console.desk_sessions import NO_REASON
from authn.console.machine import at_the_machine
from authn.console.operator_request_rows import OperatorRequest, find_request
from authn.console.operator_request_rows import asked_at_the_machine as requests_at_the_machine
from authn.console.operator_requests import withdraw as withdraw_request
from authn.people.ssin import BRUSSELS

HELP = "What was asked at the machine and needs a second person, who approves it at the desk."

app = typer.Typer(help=HELP, no_args_is_help=True)


@app.command("list")
def list_() -> None:
    """Show what was asked at the machine lately, and how it stands: never about whom."""
    with ground() as present, present.reading() as connection:
        found = asked_at_the_machine(job(present, connection))
        requests = requests_at_the_machine(job(present, connection))
    for request in requests:
        _print_request(request, present.now)
    if not found and not requests:
        console.print("Nothing was asked at the machine lately.")
    for each in found:
        state = each.state_at(present.now)
        words = [str(each.id), f"{each.act:<14}", f"{state:<9}", *_more(each, state)]
        console.print("  ".join(words), markup=False)


@app.command("withdraw")
def withdraw_(
    approval: Annotated[UUID, typer.Argument(help="What was asked, as `list` shows it.")],
) -> None:
    """Take back what was asked at the machine, before somebody decides."""
    with ground() as present, present.writing() as connection:
        occasion = job(present, connection)
        if find_request(occasion, approval) is not None:
            withdraw_request(occasion, None, approval)
        else:
            withdraw(occasion, at_the_machine(connection, NO_REASON), approval)
    console.print("Taken back: nothing is done by it.")


def _print_request(request: OperatorRequest, now: datetime) -> None:
    """What a second operator, or a supervisor, agrees to; of a role which one, never whose."""
    state, wanted = request.state_at(now), request.wanted
    words = [str(request.id), f"{wanted.kind:<14}", f"{state:<9}", *_more(request, state)]
    console.print("  ".join([*words, wanted.target]), markup=False)


def _more(each: Approval | OperatorRequest, state: str) -> list[str]:
    """Until when it waits, or what the second person said."""
    if state == "waiting":
        return [f"until {each.expires_at.astimezone(BRUSSELS):%d/%m %H:%M} (Brussels)"]
    return [each.remark] if each.remark and state == "refused" else []
