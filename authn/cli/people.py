"""`authn people import`, `show`, `block`, `begin-return`, `merge`.

A national number is asked for, never an argument: an argument ends up in the shell's history and
in the list of processes.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from authn.cli.desk import DeskReasonOption, do_here, look, said_why, searched_in_vain
from authn.cli.ground import Ground, console, ground
from authn.cli.national_register import citizen_with
from authn.cli.people_merge import merge
from authn.cli.shared_options import takes
from authn.console.acts import ActOutcome, do_begin_return, do_block_all
from authn.devices.devices import every_device_of
from authn.devices.tables import Device
from authn.devices.transitions import state_of
from authn.errors import CommandError
from authn.people.numbers import current_ssin
from authn.people.persons import find_person, find_person_by_ssin
from authn.people.ssin import BRUSSELS, InvalidSsin, mask, parse_ssin, today_in_brussels
from authn.people.tables import Person
from authn.sources.csv_file import import_file
from authn.sources.csv_rows import COLUMNS, OPTIONAL_COLUMNS

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
def import_(file: Annotated[Path, typer.Argument(metavar="FILE.csv")]) -> None:
    """Take a CSV file into the embedded national register."""
    with ground() as present, _progress() as progress:
        task = progress.add_task("Reading", total=file.stat().st_size)
        report = import_file(
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
@takes(said_why)
def show(person_id: PersonId = None, *, said: DeskReasonOption) -> None:
    """Show what is known of one person, without their national number; it is on record why."""
    with ground() as present:
        ssin = None if person_id else ask_ssin(present.now)
        why = said.asked(present.settings)
        person = known_person(present, why, person_id, ssin)
        look(present, why, person)
        with present.reading() as connection:
            number = mask(current_ssin(connection, present.secrets, person.id))
            devices = every_device_of(connection, person.id)
    _print_person(person, number)
    print_devices(devices, present.now)


@app.command()
@takes(said_why)
def block(person_id: PersonId = None, *, said: DeskReasonOption) -> None:
    """Block every device of a person who lost them: the emergency door, proven at the desk.

    Nothing is deleted. They come back by an upstream identity or by `authn activation issue`.
    """
    _act(person_id, said, do_block_all, "Every device is blocked")


@app.command("begin-return")
@takes(said_why)
def begin_return(person_id: PersonId = None, *, said: DeskReasonOption) -> None:
    """Begin the return of a person who has no device any more: it waits, and can be cancelled.

    Every address on file is told. Once it has waited, the code of a registrar at the desk lets them
    in; one that is issued at the machine needs a second person all the same.
    """
    _act(person_id, said, do_begin_return, "A return has begun")


def _act(
    person_id: UUID | None, said: DeskReasonOption, do: Callable[..., ActOutcome], done: str
) -> None:
    with ground() as present:
        ssin = None if person_id else ask_ssin(present.now)
        why = said.asked(present.settings)
        person = known_person(present, why, person_id, ssin)
        if do_here(present, why, person, do):
            console.print(f"{done}: {person.full_name}.", markup=False)


app.command()(merge)


def ask_ssin(now: datetime) -> str:
    """The national number that is typed, or piped in, in canonical form."""
    text: str = typer.prompt("National number", err=True)
    try:
        return parse_ssin(text.strip(), today_in_brussels(now))
    except InvalidSsin as invalid:
        reason = invalid.reason.replace("_", " ")
    raise CommandError(f"This is not a valid national number ({reason}).")


def known_person(
    present: Ground, said: DeskReasonOption, person_id: UUID | None, ssin: str | None
) -> Person:
    """The person with this id or number; raises `CommandError`.

    A number by which nobody is found is on record as a search.
    """
    with present.reading() as connection:
        person = find_person(connection, person_id) if person_id else None
        if ssin:
            person = find_person_by_ssin(connection, present.secrets, ssin)
    if person is None and ssin:
        found = citizen_with(present, None, ssin)
        with present.reading() as connection:
            citizen = found.citizen(connection) is not None
        searched_in_vain(present, said, citizen=citizen)
        if citizen:
            raise CommandError(
                "This citizen is in the national register, but had no activation code yet."
            )
    if person is None:
        raise CommandError("There is no such person.")
    return person


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), console=console
    )


def _print_person(person: Person, number: str) -> None:
    rows = {
        "Person": str(person.id),
        "Name": person.full_name,
        "Born": person.birthdate or "unknown",
        "Language": person.language,
        "Status": "deceased, or the number was cancelled" if person.deceased else "living",
        "Number": number,
        "Known since": _minute(person.created_at),
        "Register heard": _minute(person.checked_at),
    }
    for label, value in rows.items():
        console.print(f"{label:<15} {value}", markup=False)


# What a suspension means to whoever is called about it.
WHY = {
    "holder": "blocked by its holder",
    "counter": "may have been copied",
    "emergency": "blocked by the emergency door",
    "return": "blocked when its holder came back with another device",
    "notice": "blocked from a notice",
    "desk": "blocked by support",
}


def print_devices(devices: Sequence[Device], now: datetime) -> None:
    """Newest use first, with what is wrong with each; its name is its holder's own words."""
    for device in devices:
        state = state_of(device, now)
        words = [state, f"last used {_minute(device.last_used_at)}"]
        if state == "suspended":
            words.insert(1, WHY[device.suspended_why or "desk"])
        if state == "suspended" and device.suspended_until:
            words.append(f"until {_minute(device.suspended_until)}")
        console.print(
            f"{'Device':<15} {device.name} ({device.id}): {', '.join(words)}", markup=False
        )


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(BRUSSELS):%Y-%m-%d %H:%M} (Brussels)"
