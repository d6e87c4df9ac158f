"""`authn staff first-operator`, `appoint`, `dismiss`, `list`: who works at the support desk."""

from typing import Annotated
from uuid import UUID

import typer
from rich.markup import escape
from rich.table import Table
from sqlalchemy import Connection

from authn.cli.approvals.desk_acts import job
from authn.cli.approvals.two_operators import (
    Reason,
    ReasonOption,
    Ticket,
    TwoOperatorPlan,
    carry_out,
)
from authn.cli.ground import Ground, console, ground
from authn.cli.people.lookup import ask_ssin
from authn.cli.shared import refusal_as_command_error
from authn.console.operator_request_acts import (
    RoleGiven,
    end_single_approvals,
    give_role,
    role_request,
)
from authn.console.operator_request_rows import OperatorRequestInput
from authn.console.operator_second import notify_of_role_change
from authn.errors import CommandError
from authn.people.persons import find_person, find_person_by_ssin
from authn.people.ssin import BRUSSELS
from authn.people.tables import Person
from authn.profiles.appointments import dismiss, make_first_operator
from authn.staff.members import list_appointments, staff_by_desk
from authn.staff.roles import ROLES

HELP = "Who works at the support desk, in which role."
LENGTH_OF_ID = 36
ROLE = "One of " + ", ".join(ROLES) + "."

app = typer.Typer(help=HELP, no_args_is_help=True)

PersonId = Annotated[
    UUID | None, typer.Option("--person", help="The person; without it, the number is asked.")
]
Desk = Annotated[str, typer.Option("--desk", help="Where they work.")]


@app.command("first-operator")
def appoint_first_operator(person: PersonId = None, desk: Desk = "operators") -> None:
    """Make the first operator; it works once, and never again."""
    with ground() as present:
        chosen = _require_person(present, person)
        with present.writing() as connection:
            if not make_first_operator(connection, present.secrets, chosen.id, desk, present.now):
                raise CommandError(
                    "There has been a first operator already: use `authn staff appoint`."
                )
            occasion = job(present, connection)
            given = end_single_approvals(occasion, chosen.id)
            notify_of_role_change(occasion, chosen.id, "operator", desk, begun=True)
    console.print(f"{chosen.full_name} is the first operator.", markup=False)
    _print_blocked_devices(given)


@app.command("appoint")
def appoint_staff(
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
        chosen = _require_person(present, person)

        def plan(connection: Connection) -> TwoOperatorPlan[RoleGiven | None]:
            had = any(role in each.roles for each in staff_by_desk(connection, chosen.id).values())
            request = None if had else _build_request(chosen, role, desk)
            return TwoOperatorPlan(
                request, lambda: _appoint(present, connection, chosen, role, desk)
            )

        result = carry_out(present, ReasonOption(reason, ticket), plan)
    if result.request is None:
        words = "has the role now" if result.value else "had the role already"
        console.print(f"{chosen.full_name}: {role}, {words}.", markup=False)
    if result.value:
        _print_blocked_devices(result.value)


def _print_blocked_devices(given: RoleGiven) -> None:
    if given.blocked:
        devices = "1 device" if given.blocked == 1 else f"{given.blocked} devices"
        console.print(
            f"{devices} of theirs came by a foreign identity that one registrar alone had matched, "
            "and cannot be used any more. A code, or a new match, to which two agree lets them in."
        )


def _build_request(chosen: Person, role: str, desk: str) -> OperatorRequestInput | None:
    with refusal_as_command_error():
        return role_request(chosen, role, desk)


def _appoint(
    present: Ground, connection: Connection, chosen: Person, role: str, desk: str
) -> RoleGiven | None:
    occasion = job(present, connection)
    with refusal_as_command_error():
        given = give_role(occasion, chosen.id, role, desk)
    if given:
        notify_of_role_change(occasion, chosen.id, role, desk, begun=True)
    return given


@app.command("dismiss")
def dismiss_staff(role: Annotated[str, typer.Argument(help=ROLE)], person: PersonId = None) -> None:
    """End a person's role at the desk, at once."""
    with ground() as present:
        chosen = _require_person(present, person)
        with present.writing() as connection:
            if not dismiss(connection, present.secrets, chosen.id, role, present.now):
                raise CommandError(f"{chosen.full_name} has not this role.")
            notify_of_role_change(job(present, connection), chosen.id, role, "", begun=False)
    console.print(f"{chosen.full_name} has the role {role} no more.", markup=False)


@app.command("list")
def print_staff() -> None:
    """Show who has which role, and who had."""
    table = Table("name", "role", "desk", "since", "until")
    table.add_column("person", no_wrap=True, min_width=LENGTH_OF_ID)  # whole: `--person` takes it
    with ground() as present, present.reading() as connection:
        for each in list_appointments(connection):
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


def _require_person(present: Ground, person_id: UUID | None) -> Person:
    ssin = "" if person_id else ask_ssin(present.now)
    with present.reading() as connection:
        if person_id:
            person = find_person(connection, person_id)
        else:
            person = find_person_by_ssin(connection, present.secrets, ssin)
    if person is None or person.deceased:
        raise CommandError("There is no such person: they enrol a device of their own first.")
    return person
