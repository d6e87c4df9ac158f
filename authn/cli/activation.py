"""`authn activation issue`."""

from typing import Annotated
from uuid import UUID

import typer

from authn.cli.ground import console, ground
from authn.cli.national_register import citizen_with
from authn.cli.people import ask_ssin
from authn.enrolment.activation import issue_activation_code
from authn.errors import CommandError
from authn.people.persons import person_of
from authn.people.ssin import BRUSSELS

app = typer.Typer(help="Activation codes.", no_args_is_help=True)


@app.callback()
def _activation() -> None:
    """Activation codes."""


@app.command()
def issue(
    person_id: Annotated[
        UUID | None,
        typer.Option("--person", help="The person; without it, the national number is asked."),
    ] = None,
) -> None:
    """Issue an activation code for a citizen of the national register; earlier ones end."""
    with ground() as present:
        found = citizen_with(present, person_id, None if person_id else ask_ssin(present.now))
        with present.writing() as connection:
            citizen = found.citizen(connection)
            if citizen is None:
                raise CommandError("There is nobody with this number in the national register.")
            person = person_of(connection, present.secrets, citizen, present.now)
            code = issue_activation_code(
                connection, present.secrets, present.settings, person, present.now
            )
    expires = present.now + present.settings.activation_lifetime
    console.print(f"Activation code for {person.full_name}: {code}", markup=False)
    console.print(f"Valid until {expires.astimezone(BRUSSELS):%Y-%m-%d %H:%M} (Brussels), once.")
    console.print(f"Link: {present.settings.issuer}/activate#{code}", markup=False)
