"""`authn staff`: who works at the support desk. The first operator is made here, once.

A national number is asked for, never an argument.
"""

from typing import Annotated
from uuid import UUID

import typer
from rich.markup import escape
from rich.table import Table
from sqlalchemy import Connection

from authn.cli.desk import job
from authn.cli.ground import Ground, console, ground
from authn.cli.people import ask_ssin
from authn.cli.second import Reason, ReasonOption, Ticket, TwoOperatorPlan, carry_out
from authn.console.operator_request_deeds import (
    RoleGiven,
    end_what_one_began,
    give_role,
    wanted_role,
)
from authn.console.operator_request_rows import OperatorRequestInput
from authn.console.operator_second import tell_of_role
from authn.errors import CommandError
from authn.people.persons import find_person, find_person_by_ssin
from authn.people.ssin import BRUSSELS
from authn.people.tables import Person
from authn.profiles.appointing import NoStaff, dismiss, make_first_operator
from authn.staff.roles import ROLES
from authn.staff.staff import appointments, staff_by_desk

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
            if not make_first_operator(connection, present.secrets, chosen.id, desk, present.now):
                raise CommandError(
                    "There has been a first operator already: use `authn staff appoint`."
                )
            occasion = job(present, connection)
            given = end_what_one_began(occasion, chosen.id)
            tell_of_role(occasion, chosen.id, "operator", desk, begun=True)
    console.print(f"{chosen.full_name} is the first operator.", markup=False)
    _say_blocked(given)


@app.command("appoint")
def appoint_(
    role: Annotated[str, typer.Argument(help=ROLE)],
    desk: Annotated[str, typer.Option("--desk", help="Where they work.")],
    person: PersonId = None,
    reason: Reason = None,
    ticket: Ticket = None,
) -> None:
    """Give a person a role at the desk; they need a device of their own, bound to one machine.

    A supervisor or an operator decides about others: once there is one, another one of that role
    must agree at the desk, and every operator and supervisor is told by mail. Devices that were
    let in on the word of one registrar alone are blocked.
    """
    with ground() as present:
        chosen = _person(present, person)

        def plan(connection: Connection) -> TwoOperatorPlan[RoleGiven | None]:
            had = any(role in each.roles for each in staff_by_desk(connection, chosen.id).values())
            wanted = None if had else _wanted(chosen, role, desk)
            return TwoOperatorPlan(
                wanted, lambda: _appoint(present, connection, chosen, role, desk)
            )

        result = carry_out(present, ReasonOption(reason, ticket), plan)
    if result.asked is None:
        words = "has the role now" if result.done else "had the role already"
        console.print(f"{chosen.full_name}: {role}, {words}.", markup=False)
    if result.done:
        _say_blocked(result.done)


def _say_blocked(given: RoleGiven) -> None:
    if given.blocked:
        devices = "1 device" if given.blocked == 1 else f"{given.blocked} devices"
        console.print(
            f"{devices} of theirs came by a foreign identity that one registrar alone had matched, "
            "and cannot be used any more. A code, or a new match, to which two agree lets them in."
        )


def _wanted(chosen: Person, role: str, desk: str) -> OperatorRequestInput | None:
    try:
        return wanted_role(chosen, role, desk)
    except NoStaff as refusal:
        raise CommandError(refusal.description) from None


def _appoint(
    present: Ground, connection: Connection, chosen: Person, role: str, desk: str
) -> RoleGiven | None:
    occasion = job(present, connection)
    try:
        given = give_role(occasion, chosen.id, role, desk)
    except NoStaff as refusal:
        raise CommandError(refusal.description) from None
    if given:
        tell_of_role(occasion, chosen.id, role, desk, begun=True)
    return given


@app.command("dismiss")
def dismiss_(role: Annotated[str, typer.Argument(help=ROLE)], person: PersonId = None) -> None:
    """End a person's role at the desk, at once."""
    with ground() as present:
        chosen = _person(present, person)
        with present.writing() as connection:
            if not dismiss(connection, present.secrets, chosen.id, role, present.now):
                raise CommandError(f"{chosen.full_name} has not this role.")
            tell_of_role(job(present, connection), chosen.id, role, "", begun=False)
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
