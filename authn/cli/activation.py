"""`authn activation issue`: a code at the machine, by the rules of the desk."""

from typing import Annotated
from uuid import UUID

import typer
from sqlalchemy import Connection

from authn.cli.desk import (
    DeskReasonOption,
    job,
    said_why,
    say_alone,
    say_waits,
    say_why,
    searched_in_vain,
)
from authn.cli.ground import Ground, console, ground
from authn.cli.national_register import citizen_with
from authn.cli.people import ask_ssin
from authn.cli.shared_options import takes
from authn.console.machine import IssuedByCommand, do_issue_code
from authn.errors import CommandError
from authn.people.citizen import Citizen
from authn.people.persons import person_of
from authn.people.ssin import BRUSSELS
from authn.people.tables import Person

app = typer.Typer(help="Activation codes.", no_args_is_help=True)


@app.callback()
def _activation() -> None:
    """Activation codes."""


@app.command()
@takes(said_why)
def issue(
    person_id: Annotated[
        UUID | None,
        typer.Option("--person", help="The person; without it, the national number is asked."),
    ] = None,
    *,
    said: DeskReasonOption,
) -> None:
    """Issue an activation code for a citizen of the national register; earlier ones end.

    For somebody who has or had a device it is asked first, and a supervisor approves it at the
    support desk. The same command prints the code then, once.
    """
    with ground() as present:
        ssin = None if person_id else ask_ssin(present.now)
        why = said.asked(present.settings)
        found = citizen_with(present, person_id, ssin)
        with present.reading() as connection:
            citizen = found.citizen(connection)
        if citizen is None:
            searched_in_vain(present, why, citizen=False)
            raise CommandError("There is nobody with this number in the national register.")
        with present.writing() as connection:
            person, issued = _issue(present, connection, citizen, why)
    if issued.alone:
        say_alone()
    if issued.asked:
        say_waits(present, issued.asked)
        console.print("Once that is done, the same command prints the code.")
        return
    expires = present.now + present.settings.activation_lifetime
    console.print(f"Activation code for {person.full_name}: {issued.code}", markup=False)
    console.print(f"Valid until {expires.astimezone(BRUSSELS):%Y-%m-%d %H:%M} (Brussels), once.")
    console.print(f"Link: {present.settings.issuer}/activate#{issued.code}", markup=False)


def _issue(
    present: Ground, connection: Connection, citizen: Citizen, said: DeskReasonOption
) -> tuple[Person, IssuedByCommand]:
    """For whom it is, and the code or what waits; raises as `console.machine.do_issue_code`."""
    desk = said.desk(present, connection)
    person = person_of(connection, present.secrets, citizen, present.now)
    say_why(present, connection, person, desk.why)
    return person, do_issue_code(job(present, connection), desk, person)
