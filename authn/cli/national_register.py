"""Asks the national register for a command: the real one before any transaction."""

from uuid import UUID

from authn.cli.ground import Ground
from authn.clock import system_clock
from authn.errors import CommandError
from authn.people.numbers import current_ssin
from authn.people.persons import find_person
from authn.sources.asking import SourceDown, open_sources
from authn.sources.register import RegisterLookup, look_up


def citizen_with(present: Ground, person_id: UUID | None, ssin: str | None) -> RegisterLookup:
    """The look-up of this person, or of this number; raises `CommandError`."""
    if person_id:
        with present.reading() as connection:
            if find_person(connection, person_id) is None:
                raise CommandError("There is no such person.")
            ssin = current_ssin(connection, present.secrets, person_id)
    assert ssin is not None, "a person, or a number"
    sources = open_sources(present.settings, system_clock)
    try:
        return look_up(sources, present.settings, present.secrets, ssin)
    except SourceDown as error:
        why = str(error)
    raise CommandError(f"The national register cannot be asked now ({why}). Try again later.")
