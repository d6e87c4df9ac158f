"""`authn activation issue`: an activation code by a local operator, by the rules of the desk."""

from typing import Annotated
from uuid import UUID

import typer
from sqlalchemy import Connection

from authn.cli.approvals.desk_acts import (
    DeskReasonOption,
    desk_reason_option,
    job,
    print_alone_warning,
    print_waiting_approval,
    record_reason,
    record_vain_search,
)
from authn.cli.ground import Ground, console, ground
from authn.cli.people.lookup import ask_ssin, look_up_citizen
from authn.cli.shared import brussels_minute, with_options
from authn.console.local_operator import LocalCodeIssue, do_issue_code
from authn.errors import CommandError
from authn.people.persons import Citizen, find_or_create_person
from authn.people.tables import Person

app = typer.Typer(help="Activation codes.", no_args_is_help=True)


@app.callback()
def _activation() -> None:
    """Activation codes."""


@app.command("issue")
@with_options(desk_reason_option)
def issue_code(
    person_id: Annotated[
        UUID | None,
        typer.Option("--person", help="The person; without it, the national number is asked."),
    ] = None,
    *,
    options: DeskReasonOption,
) -> None:
    """Issue an activation code for a citizen of the national register; earlier ones end.

    For somebody who has or had a device it is asked first, and a supervisor approves it at the
    support desk. The same command prints the code then, once.
    """
    with ground() as present:
        ssin = None if person_id else ask_ssin(present.now)
        reason = options.ask_missing(present.settings)
        found = look_up_citizen(present, person_id, ssin)
        with present.reading() as connection:
            citizen = found.citizen(connection)
        if citizen is None:
            record_vain_search(present, reason, citizen=False)
            raise CommandError("There is nobody with this number in the national register.")
        with present.writing() as connection:
            person, issued = _issue(present, connection, citizen, reason)
    if issued.alone:
        print_alone_warning()
    if issued.asked:
        print_waiting_approval(present, issued.asked)
        console.print("Once that is done, the same command prints the code.")
        return
    expires = brussels_minute(present.now + present.settings.activation_lifetime)
    console.print(f"Activation code for {person.full_name}: {issued.code}", markup=False)
    console.print(f"Valid until {expires}, once.")
    console.print(f"Link: {present.settings.issuer}/activate#{issued.code}", markup=False)


def _issue(
    present: Ground, connection: Connection, citizen: Citizen, options: DeskReasonOption
) -> tuple[Person, LocalCodeIssue]:
    """The person, and the code or the approval that waits; raises as `do_issue_code`."""
    operator = options.local_operator(present, connection)
    person = find_or_create_person(connection, present.secrets, citizen, present.now)
    record_reason(present, connection, person, operator.why)
    return person, do_issue_code(job(present, connection), operator, person)
