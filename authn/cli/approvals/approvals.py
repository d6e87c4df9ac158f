"""`authn approvals list`, `withdraw`: requests of local operators that a second person decides."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import typer

from authn.cli.approvals.desk_acts import job
from authn.cli.ground import console, ground
from authn.console.approval_rows import Approval, list_local_operator_approvals
from authn.console.approvals import record_withdrawal
from authn.console.desk_sessions import NO_REASON
from authn.console.local_operator import build_local_operator
from authn.console.operator_request_rows import (
    OperatorRequest,
    find_request,
    list_local_requests,
)
from authn.console.operator_requests import withdraw_request
from authn.people.ssin import BRUSSELS

HELP = "What was asked at the machine and needs a second person, who approves it at the desk."

app = typer.Typer(help=HELP, no_args_is_help=True)


@app.command("list")
def print_approvals() -> None:
    """Show what was asked at the machine lately, and how it stands: never about whom."""
    with ground() as present, present.reading() as connection:
        approvals = list_local_operator_approvals(job(present, connection))
        requests = list_local_requests(job(present, connection))
    for request in requests:
        _print_request(request, present.now)
    if not approvals and not requests:
        console.print("Nothing was asked at the machine lately.")
    for each in approvals:
        state = each.state_at(present.now)
        words = [str(each.id), f"{each.act:<14}", f"{state:<9}", *_decision_words(each, state)]
        console.print("  ".join(words), markup=False)


@app.command("withdraw")
def withdraw_approval(
    approval: Annotated[UUID, typer.Argument(help="What was asked, as `list` shows it.")],
) -> None:
    """Take back what was asked at the machine, before somebody decides."""
    with ground() as present, present.writing() as connection:
        occasion = job(present, connection)
        if find_request(occasion, approval) is not None:
            withdraw_request(occasion, None, approval)
        else:
            record_withdrawal(occasion, build_local_operator(connection, NO_REASON), approval)
    console.print("Taken back: nothing is done by it.")


def _print_request(request: OperatorRequest, now: datetime) -> None:
    """Print what is asked of whoever decides; of a role which one, never whose."""
    state, wanted = request.state_at(now), request.wanted
    words = [str(request.id), f"{wanted.kind:<14}", f"{state:<9}", *_decision_words(request, state)]
    console.print("  ".join([*words, wanted.target]), markup=False)


def _decision_words(each: Approval | OperatorRequest, state: str) -> list[str]:
    """Until when a request waits, or the remark with which it was refused."""
    if state == "waiting":
        return [f"until {each.expires_at.astimezone(BRUSSELS):%d/%m %H:%M} (Brussels)"]
    return [each.remark] if each.remark and state == "refused" else []
