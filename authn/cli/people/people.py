"""`authn people import`, `show`, `block`, `begin-return`, `merge`.

Each command about a person is by the rules of the support desk, for a reason.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from authn.cli.approvals.desk_acts import (
    DeskReasonOption,
    desk_reason_option,
    do_desk_act,
    record_look,
)
from authn.cli.ground import console, ground
from authn.cli.people.lookup import ask_ssin, print_devices, require_person
from authn.cli.people.merge import merge
from authn.cli.shared import brussels_minute, progress_bar, with_options
from authn.console.acts import ActOutcome, do_begin_return, do_block_all
from authn.devices.devices import list_devices_and_removed
from authn.people.numbers import current_ssin
from authn.people.ssin import mask_ssin
from authn.people.tables import Person
from authn.sources.embedded.register_csv import COLUMNS, OPTIONAL_COLUMNS
from authn.sources.embedded.register_import import import_register_file

IMPORT_HELP = """Take a CSV file into the embedded national register: all of it, or nothing.

It adds people and replaces what was known of them; leaving somebody out removes nobody.
UTF-8, separated by commas, one header line with the columns (the last one may be left out):

""" + "\n\n".join(
    f"{column}: {meaning}." for column, meaning in (COLUMNS | OPTIONAL_COLUMNS).items()
)

PersonId = Annotated[
    UUID | None, typer.Argument(help="The person; without it, the national number is asked.")
]

app = typer.Typer(help="Citizens and persons.", no_args_is_help=True)


@app.callback()
def _people() -> None:
    """Citizens and persons."""


@app.command("import", help=IMPORT_HELP)
def import_citizens(file: Annotated[Path, typer.Argument(metavar="FILE.csv")]) -> None:
    """Take a CSV file into the embedded national register."""
    with ground() as present, progress_bar() as progress:
        task = progress.add_task("Reading", total=file.stat().st_size)
        report = import_register_file(
            present.database,
            present.secrets,
            file,
            present.now,
            lambda bytes_read: progress.update(task, completed=bytes_read),
        )
    console.print(f"People imported: {report.rows:,}.")
    if report.refreshed:
        console.print(f"Persons known before and brought up to date: {report.refreshed:,}.")


@app.command()
@with_options(desk_reason_option)
def show(person_id: PersonId = None, *, options: DeskReasonOption) -> None:
    """Show what is known of one person, without their national number; it is on record why."""
    with ground() as present:
        ssin = None if person_id else ask_ssin(present.now)
        reason = options.ask_missing(present.settings)
        person = require_person(present, reason, person_id, ssin)
        record_look(present, reason, person)
        with present.reading() as connection:
            number = mask_ssin(current_ssin(connection, present.secrets, person.id))
            devices = list_devices_and_removed(connection, person.id)
    _print_person(person, number)
    print_devices(devices, present.now)


@app.command()
@with_options(desk_reason_option)
def block(person_id: PersonId = None, *, options: DeskReasonOption) -> None:
    """Block every device of a person who lost them: the emergency door, proven at the desk.

    Nothing is deleted. They come back by an upstream identity or by `authn activation issue`.
    """
    _act(person_id, options, do_block_all, "Every device is blocked")


@app.command("begin-return")
@with_options(desk_reason_option)
def begin_recovery(person_id: PersonId = None, *, options: DeskReasonOption) -> None:
    """Begin the return of a person who has no device any more: it waits, and can be cancelled.

    Every address on file is told. Once it has waited, the code of a registrar at the desk lets them
    in; one that is issued at the machine needs a second person all the same.
    """
    _act(person_id, options, do_begin_return, "A return has begun")


def _act(
    person_id: UUID | None, options: DeskReasonOption, do: Callable[..., ActOutcome], done: str
) -> None:
    with ground() as present:
        ssin = None if person_id else ask_ssin(present.now)
        reason = options.ask_missing(present.settings)
        person = require_person(present, reason, person_id, ssin)
        if do_desk_act(present, reason, person, do):
            console.print(f"{done}: {person.full_name}.", markup=False)


app.command()(merge)


def _print_person(person: Person, number: str) -> None:
    rows = {
        "Person": str(person.id),
        "Name": person.full_name,
        "Born": person.birthdate or "unknown",
        "Language": person.language,
        "Status": "deceased, or the number was cancelled" if person.deceased else "living",
        "Number": number,
        "Known since": brussels_minute(person.created_at),
        "Register heard": brussels_minute(person.checked_at),
    }
    for label, value in rows.items():
        console.print(f"{label:<15} {value}", markup=False)
