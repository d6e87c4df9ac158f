"""`authn staff`: who works at the support desk. The first operator is made here, once.

A national number is asked for, never an argument.
"""

from typing import Annotated
from uuid import UUID

import typer
from rich.markup import escape
from rich.table import Table

from authn.cli.ground import Ground, console, ground
from authn.cli.people import ask_ssin
from authn.devices.devices import devices_of
from authn.enrolment.activation import withdraw_codes_of
from authn.errors import CommandError
from authn.people.persons import find_person, find_person_by_ssin
from authn.people.ssin import BRUSSELS
from authn.people.tables import Person
from authn.profiles.appointing import NoStaff, appoint, dismiss, make_first_operator
from authn.staff.roles import ROLES
from authn.staff.staff import appointments

HELP = "Who works at the support desk, in which role."
LENGTH_OF_ID = 36
ROLE = "One of " + ", ".join(ROLES) + "."

app = typer.Typer(help=HELP, no_args_is_help=True)

PersonId = Annotated[
    UUID | None, typer.Option("--person", help="The person; without it, the number is asked.")
]
Desk = Annotated[str, typer.Option("--desk", help="Where they work.")]


@app.command("first-operator")
def first_operator(person: PersonId = None, desk: Desk = "operators") -> None:
    """Make the first operator; it works once, and never again."""
    with ground() as present:
        chosen = _person(present, person)
        with present.writing() as connection:
            made = make_first_operator(connection, present.secrets, chosen.id, desk, present.now)
    if not made:
        raise CommandError("There has been a first operator already: use `authn staff appoint`.")
    console.print(f"{chosen.full_name} is the first operator.", markup=False)


@app.command("appoint")
def appoint_(
    role: Annotated[str, typer.Argument(help=ROLE)],
    desk: Annotated[str, typer.Option("--desk", help="Where they work.")],
    person: PersonId = None,
) -> None:
    """Give a person a role at the desk; they need a device of their own, bound to one machine."""
    with ground() as present:
        chosen = _person(present, person)
        with present.writing() as connection:
            try:
                new = appoint(connection, present.secrets, chosen.id, role, desk, present.now)
            except NoStaff as refusal:
                raise CommandError(refusal.description) from None
            if new and not devices_of(connection, chosen.id):
                # One alone may have issued it: for somebody of the staff two must agree.
                withdraw_codes_of(connection, chosen.id, present.now)
    words = "has the role now" if new else "had the role already"
    console.print(f"{chosen.full_name}: {role}, {words}.", markup=False)


@app.command("dismiss")
def dismiss_(role: Annotated[str, typer.Argument(help=ROLE)], person: PersonId = None) -> None:
    """End a person's role at the desk, at once."""
    with ground() as present:
        chosen = _person(present, person)
        with present.writing() as connection:
            if not dismiss(connection, present.secrets, chosen.id, role, present.now):
                raise CommandError(f"{chosen.full_name} has not this role.")
    console.print(f"{chosen.full_name} has the role {role} no more.", markup=False)


@app.command("list")
def list_() -> None:
    """Show who has which role, and who had."""
    table = Table("name", "role", "desk", "since", "until")
    table.add_column("person", no_wrap=True, min_width=LENGTH_OF_ID)  # whole: `--person` takes it
    with ground() as present, present.reading() as connection:
        for each in appointments(connection):
            person = find_person(connection, each.person_id)
            table.add_row(
                escape(person.full_name if person else "-"),
                each.role,
                escape(each.desk),
                f"{each.appointed_at.astimezone(BRUSSELS):%d/%m/%Y}",
                f"{each.ended_at.astimezone(BRUSSELS):%d/%m/%Y}" if each.ended_at else "",
                str(each.person_id),
            )
    console.print(table)


def _person(present: Ground, person_id: UUID | None) -> Person:
    ssin = "" if person_id else ask_ssin(present.now)
    with present.reading() as connection:
        if person_id:
            person = find_person(connection, person_id)
        else:
            person = find_person_by_ssin(connection, present.secrets, ssin)
    if person is None or person.deceased:
        raise CommandError("There is no such person: they enrol a device of their own first.")
    return person
