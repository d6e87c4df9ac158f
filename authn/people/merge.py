"""The merge of two persons who turn out to be one human being, in one transaction.

A BIS number and a national number may both have been enrolled before the register tells that one
replaced the other (decisions 9.5). Each room hands over its own rows of a person, by a
function in its module `merging`; the whole list is in `console.merging`.

Why open sessions end, and do not move: an application that knew somebody by one `sub` would be told
of the same session under another.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, or_, select, update

from authn.audit.events.people import PersonsMerged
from authn.audit.log import record
from authn.db.occasion import Occasion
from authn.errors import CommandError
from authn.people.persons import Citizen, lock_person, refresh_person
from authn.people.tables import Person, person_ssins, persons, subjects


@dataclass(frozen=True, slots=True)
class PersonMerge:
    """A merge in progress: the two persons, and the transaction with which a room hands over."""

    occasion: Occasion
    merged: Person
    kept: Person

    @property
    def connection(self) -> Connection:
        """The connection of the merge's transaction."""
        return self.occasion.connection


MergeStep = Callable[[PersonMerge], list[str]]
"""Hands over the rows of a room; returns sentences for operators, without national numbers."""


def merge_persons(
    occasion: Occasion,
    merged_id: UUID,
    kept_id: UUID,
    parts: Iterable[MergeStep],
    citizen: Citizen | None = None,
) -> list[str]:
    """Everything of the merged person is the kept person's; returns what was done, in sentences.

    The kept person is refreshed by `citizen`, the register's answer. Raises `CommandError` when the
    two are one already, when one of them is unknown or was merged before, and when one alone is
    deceased; nothing was written then.
    """
    if merged_id == kept_id:
        raise CommandError("The two are one person already.")
    merger = _lock_both(occasion, merged_id, kept_id)
    done = [sentence for part in (move_numbers, *parts, move_subjects) for sentence in part(merger)]
    occasion.connection.execute(
        update(persons)
        .where(or_(persons.c.id == merged_id, persons.c.merged_into == merged_id))
        .values(merged_into=kept_id)
    )
    if citizen:
        refresh_person(occasion.connection, occasion.secrets, merger.kept, citizen, occasion.now)
    for event in (
        PersonsMerged(person_id=kept_id, role="kept", other=merged_id),
        PersonsMerged(person_id=merged_id, role="merged", other=kept_id),
    ):
        record(occasion.connection, occasion.secrets, event, occasion.now, occasion.reference)
    return done


def list_merged_ids(connection: Connection, person_id: UUID) -> list[UUID]:
    """The person's id and the ids of everybody merged into them, for the audit log.

    One step after any number of merges: `merge_persons` keeps `merged_into` flat.
    """
    merged = select(persons.c.id).where(persons.c.merged_into == person_id)
    return [person_id, *connection.execute(merged).scalars()]


def move_numbers(merger: PersonMerge) -> list[str]:
    """All numbers of the merged person lead to the kept person, whose present number stays so."""
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
    """Applications that knew the merged person alone keep their `sub` (decisions 1.3).

    Where both were known, the row of the merged person stays, so that its `sub` is never given to
    anybody else.
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
    sentences = []
    if once:
        sentences.append(f"Known by the same sub as before, in the sectors: {', '.join(once)}.")
    if twice:
        sentences.append(
            "Known from now on by the sub of the person who stays, in the sectors: "
            f"{', '.join(twice)}."
        )
    return sentences


def _lock_both(occasion: Occasion, merged_id: UUID, kept_id: UUID) -> PersonMerge:
    """Both persons, locked in one order everywhere (decisions 2.12)."""
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
