"""Two persons who turn out to be one: all of the one goes over to the other, in one transaction.

A BIS number and a national number may both have been enrolled before the register tells that one
replaced the other (domain 4.5). What a room has of a person, that room hands over, by a function in
its module `merging`; the whole list is in `cli.people_merge`.

Why what was open ends, and does not move: an application that knew somebody by one `sub` would hear
of the same session under another.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, or_, select, update

from authn.audit.log import record
from authn.audit.person_events import PersonsMerged
from authn.db.occasion import Occasion
from authn.errors import CommandError
from authn.people.citizen import Citizen
from authn.people.persons import lock_person, refresh
from authn.people.tables import Person, person_ssins, persons, subjects


@dataclass(frozen=True, slots=True)
class PersonMerge:
    """What a room needs to hand over what it has: the act, whose it was, whose it will be."""

    occasion: Occasion
    merged: Person
    kept: Person

    @property
    def connection(self) -> Connection:
        """The transaction of the act."""
        return self.occasion.connection


Part = Callable[[PersonMerge], list[str]]
"""Hands over what one room has; what that was, in sentences for operators, without a number."""


def merge_persons(
    occasion: Occasion,
    merged_id: UUID,
    kept_id: UUID,
    parts: Iterable[Part],
    citizen: Citizen | None = None,
) -> list[str]:
    """What was done, in sentences: the one person is nobody any more, and the kept one has it all.

    The kept person is as `citizen`, the register's answer, says. Raises `CommandError` when the two
    are one already, when one of them is unknown or was merged before, and when one alone is
    deceased; nothing was written then.
    """
    if merged_id == kept_id:
        raise CommandError("The two are one person already.")
    merger = _locked(occasion, merged_id, kept_id)
    done = [sentence for part in (move_numbers, *parts, move_subjects) for sentence in part(merger)]
    occasion.connection.execute(
        update(persons)
        .where(or_(persons.c.id == merged_id, persons.c.merged_into == merged_id))
        .values(merged_into=kept_id)
    )
    if citizen:
        refresh(occasion.connection, occasion.secrets, merger.kept, citizen, occasion.now)
    for event in (
        PersonsMerged(person_id=kept_id, role="kept", other=merged_id),
        PersonsMerged(person_id=merged_id, role="merged", other=kept_id),
    ):
        record(occasion.connection, occasion.secrets, event, occasion.now, occasion.reference)
    return done


def same_person(connection: Connection, person_id: UUID) -> list[UUID]:
    """The person's id, and those of everybody who turned out to be them: for what stays on record.

    However many times it was merged, one step: `merge_persons` keeps it flat.
    """
    merged = select(persons.c.id).where(persons.c.merged_into == person_id)
    return [person_id, *connection.execute(merged).scalars()]


def move_numbers(merger: PersonMerge) -> list[str]:
    """Every number of the merged person leads to the kept one, whose own is the present one."""
    connection, now = merger.connection, merger.occasion.now
    present = select(person_ssins.c.id).where(
        person_ssins.c.person_id == merger.kept.id, person_ssins.c.valid_to.is_(None)
    )
    replaced_by = connection.execute(present).scalar_one()
    of_merged = person_ssins.c.person_id == merger.merged.id
    connection.execute(
        update(person_ssins)
        .where(of_merged, person_ssins.c.valid_to.is_(None))
        .values(valid_to=now, replaced_by=replaced_by)
    )
    moved = connection.execute(
        update(person_ssins).where(of_merged).values(person_id=merger.kept.id)
    ).rowcount
    return [f"National numbers that lead to the person who stays: {moved} more."]


def move_subjects(merger: PersonMerge) -> list[str]:
    """Whoever knew the merged person alone goes on by the same `sub` (decisions 1.3).

    Where both were known, the row of the merged one stays: so that it is never anybody else's.
    """
    connection = merger.connection
    known = select(subjects.c.sector).where(subjects.c.person_id == merger.kept.id)
    both = select(subjects.c.sector).where(
        subjects.c.person_id == merger.merged.id, subjects.c.sector.in_(known)
    )
    twice = sorted(connection.execute(both).scalars())
    moved = connection.execute(
        update(subjects)
        .where(subjects.c.person_id == merger.merged.id, subjects.c.sector.not_in(known))
        .values(person_id=merger.kept.id)
        .returning(subjects.c.sector)
    )
    once = sorted(moved.scalars())
    said = []
    if once:
        said.append(f"Known by the same sub as before, in the sectors: {', '.join(once)}.")
    if twice:
        said.append(
            "Known from now on by the sub of the person who stays, in the sectors: "
            f"{', '.join(twice)}."
        )
    return said


def _locked(occasion: Occasion, merged_id: UUID, kept_id: UUID) -> PersonMerge:
    """Both rows are locked, in one order for everybody (decisions 2.12)."""
    both = {each: lock_person(occasion.connection, each) for each in sorted((merged_id, kept_id))}
    merged, kept = both[merged_id], both[kept_id]
    if merged is None or kept is None:
        raise CommandError("One of them is unknown, or was merged into another person before.")
    if merged.deceased != kept.deceased:
        raise CommandError(
            "One of them is deceased, and the other is not: the register must say first which is "
            "right."
        )
    return PersonMerge(occasion, merged, kept)
