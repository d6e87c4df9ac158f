"""`authn people merge`: one person is made of two who turned out to be one human being."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

import typer
from sqlalchemy import Connection

from authn.cli.approvals.desk_acts import (
    DeskReasonOption,
    desk_reason_option,
    do_desk_act,
    job,
    record_look,
)
from authn.cli.ground import Ground, console, ground
from authn.cli.shared import with_options
from authn.console.acts import do_merge
from authn.console.merging import MERGE_STEPS, Verdict, register_verdict
from authn.errors import CommandError
from authn.people.merge import merge_persons
from authn.people.numbers import current_ssin
from authn.people.persons import Citizen, find_person
from authn.people.ssin import mask_ssin
from authn.people.tables import Person
from authn.secrets import Secrets
from authn.sources.embedded.register import EmbeddedRegister

VERDICTS: Final[Mapping[Verdict, str]] = {
    "unknown": "The embedded national register does not know both of them.",
    "one": "The embedded national register says that they are one.",
    "cancelled": "The embedded national register says that a number of theirs was cancelled.",
}


class _DryRunDone(Exception):
    """A merge was done to describe its effects, and is rolled back."""


@dataclass(frozen=True, slots=True)
class _MergedPerson:
    """A person of a merge, with a masked national number and the citizen that it belongs to."""

    person: Person
    number: str
    citizen: Citizen | None


@with_options(desk_reason_option)
def merge(
    merged: Annotated[UUID, typer.Argument(help="The person who turned out to be the other.")],
    kept: Annotated[UUID, typer.Argument(help="The person who stays, and has it all.")],
    yes: Annotated[
        bool, typer.Option("--yes", help="Ask for it. Without this, what would be done is shown.")
    ] = False,
    *,
    options: DeskReasonOption,
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
        reason = options.ask_missing(present.settings)
        record_look(present, reason, *{each.person.id: each.person for each in both}.values())
        _print_both(both)
        would = _preview_merge(present, both)
        if yes and not do_desk_act(present, reason, both[1].person, do_merge, merged):
            return
    console.print("What was done:" if yes else "What would be done:")
    for sentence in would:
        console.print(f"- {sentence}", markup=False)
    if not yes:
        console.print("Nothing was done. To ask for it, say --yes. There is no way back.")


def _preview_merge(present: Ground, both: list[_MergedPerson]) -> list[str]:
    """What the merge would do, in sentences: done in a transaction that is rolled back.

    Raises `CommandError`.
    """
    citizen = _print_register_verdict(both)
    merged, kept = (each.person.id for each in both)
    done: list[str] = []
    with suppress(_DryRunDone), present.writing() as connection:
        done = merge_persons(job(present, connection), merged, kept, MERGE_STEPS.values(), citizen)
        raise _DryRunDone
    return done


def _look_up(connection: Connection, secrets: Secrets, person_id: UUID) -> _MergedPerson:
    person = find_person(connection, person_id)
    if person is None:
        raise CommandError(
            f"The person {person_id} is unknown, or was merged into another one before."
        )
    ssin = current_ssin(connection, secrets, person_id)
    return _MergedPerson(person, mask_ssin(ssin), EmbeddedRegister(connection, secrets).entry(ssin))


def _print_register_verdict(both: list[_MergedPerson]) -> Citizen | None:
    """Print what the embedded register says of two persons; the citizen whom both are.

    Raises `CommandError` where they are two citizens.
    """
    first, second = (each.citizen for each in both)
    verdict, citizen = register_verdict(first, second)
    if verdict == "two":
        raise CommandError(
            "The embedded national register says that they are two citizens: correct it there."
        )
    console.print(VERDICTS[verdict])
    return citizen


def _print_both(both: list[_MergedPerson]) -> None:
    for label, one in zip(("Is merged", "Stays"), both, strict=True):
        words = f"{one.person.full_name}, {one.number} ({one.person.id})"
        console.print(f"{label:<15} {words}", markup=False)
