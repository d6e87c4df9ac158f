"""`authn people merge`: two persons who turn out to be one."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

import typer
from sqlalchemy import Connection

from authn.cli.desk import DeskReasonOption, do_here, job, look, said_why
from authn.cli.ground import Ground, console, ground
from authn.cli.shared_options import takes
from authn.console.acts import do_merge
from authn.console.merge_parts import PARTS, Verdict, register_verdict
from authn.errors import CommandError
from authn.people.citizen import Citizen
from authn.people.merge import merge_persons
from authn.people.numbers import current_ssin
from authn.people.persons import find_person
from authn.people.ssin import mask
from authn.people.tables import Person
from authn.secrets import Secrets
from authn.sources.embedded import EmbeddedRegister

VERDICTS: Final[Mapping[Verdict, str]] = {
    "unknown": "The embedded national register does not know both of them.",
    "one": "The embedded national register says that they are one.",
    "cancelled": "The embedded national register says that a number of theirs was cancelled.",
}


class _OnlyShown(Exception):
    """Everything was done in order to be told, and is taken back."""


@dataclass(frozen=True, slots=True)
class _One:
    """A person, a number of theirs that may be shown, and what the register says of it."""

    person: Person
    number: str
    citizen: Citizen | None


@takes(said_why)
def merge(
    merged: Annotated[UUID, typer.Argument(help="The person who turned out to be the other.")],
    kept: Annotated[UUID, typer.Argument(help="The person who stays, and has it all.")],
    yes: Annotated[
        bool, typer.Option("--yes", help="Ask for it. Without this, what would be done is shown.")
    ] = False,
    *,
    said: DeskReasonOption,
) -> None:
    """Make one person of two who turned out to be one: all of the first goes to the second.

    A second person approves it, at the support desk, and it is done at that moment. Devices move
    and go on working; sessions and what applications hold of the first one end. There is no way
    back. `authn people show` tells the ids.
    """
    with ground() as present:
        # An id that is nobody's, or twice the same, is refused where both are locked.
        with present.reading() as connection:
            both = [_look_up(connection, present.secrets, each) for each in (merged, kept)]
        why = said.asked(present.settings)
        look(present, why, *{each.person.id: each.person for each in both}.values())
        _print_both(both)
        would = _what_would_be_done(present, both)
        if yes and not do_here(present, why, both[1].person, do_merge, merged):
            return
    console.print("What was done:" if yes else "What would be done:")
    for sentence in would:
        console.print(f"- {sentence}", markup=False)
    if not yes:
        console.print("Nothing was done. To ask for it, say --yes. There is no way back.")


def _what_would_be_done(present: Ground, both: list[_One]) -> list[str]:
    """It, in sentences: done in a transaction that is rolled back. Raises `CommandError`."""
    citizen = _what_the_register_says(both)
    merged, kept = (each.person.id for each in both)
    done: list[str] = []
    with suppress(_OnlyShown), present.writing() as connection:
        done = merge_persons(job(present, connection), merged, kept, PARTS.values(), citizen)
        raise _OnlyShown
    return done


def _look_up(connection: Connection, secrets: Secrets, person_id: UUID) -> _One:
    person = find_person(connection, person_id)
    if person is None:
        raise CommandError(
            f"The person {person_id} is unknown, or was merged into another one before."
        )
    ssin = current_ssin(connection, secrets, person_id)
    return _One(person, mask(ssin), EmbeddedRegister(connection, secrets).entry(ssin))


def _what_the_register_says(both: list[_One]) -> Citizen | None:
    """Whom the two are there; raises `CommandError` where they are two citizens."""
    first, second = (each.citizen for each in both)
    verdict, citizen = register_verdict(first, second)
    if verdict == "two":
        raise CommandError(
            "The embedded national register says that they are two citizens: correct it there."
        )
    console.print(VERDICTS[verdict])
    return citizen


def _print_both(both: list[_One]) -> None:
    for label, one in zip(("Is merged", "Stays"), both, strict=True):
        words = f"{one.person.full_name}, {one.number} ({one.person.id})"
        console.print(f"{label:<15} {words}", markup=False)
