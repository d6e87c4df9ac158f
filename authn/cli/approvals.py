"""`authn approvals`: what was asked at the machine, and waits for a second person or did."""

from typing import Annotated
from uuid import UUID

import typer

from authn.cli.desk import job
from authn.cli.ground import console, ground
from authn.console.approval_rows import Approval, asked_at_the_machine
from authn.console.approvals import withdraw
from authn.console.desk_sessions import NO_REASON
from authn.console.machine import at_the_machine
from authn.people.ssin import BRUSSELS

HELP = "What was asked at the machine and needs a second person, who approves it at the desk."

app = typer.Typer(help=HELP, no_args_is_help=True)


@app.command("list")
def list_() -> None:
    """Show what was asked at the machine in the last day, and how it stands: never about whom."""
    with ground() as present, present.reading() as connection:
        found = asked_at_the_machine(job(present, connection))
    if not found:
        console.print("Nothing was asked at the machine in the last day.")
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
        desk = at_the_machine(connection, NO_REASON)
        withdraw(job(present, connection), desk, approval)
    console.print("Taken back: nothing is done by it.")


def _more(each: Approval, state: str) -> list[str]:
    """Until when it waits, or what the second person said."""
    if state == "waiting":
        return [f"until {each.expires_at.astimezone(BRUSSELS):%H:%M} (Brussels)"]
    return [each.remark] if each.remark and state == "refused" else []
