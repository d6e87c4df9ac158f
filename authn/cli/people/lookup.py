"""The person of a command: found by id or national number, asked of the register, and shown.

The national register is asked before any transaction is open.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import typer

from authn.cli.approvals.desk_acts import DeskReasonOption, record_vain_search
from authn.cli.ground import Ground, console
from authn.cli.shared import brussels_minute
from authn.clock import system_clock
from authn.devices.tables import Device
from authn.devices.transitions import current_status
from authn.errors import CommandError
from authn.people.numbers import current_ssin
from authn.people.persons import find_person, find_person_by_ssin
from authn.people.ssin import InvalidSsin, parse_ssin, today_in_brussels
from authn.people.tables import Person
from authn.sources.embedded.register import RegisterLookup, look_up_in_register
from authn.sources.real_sources import SourceDown, open_sources


def look_up_citizen(present: Ground, person_id: UUID | None, ssin: str | None) -> RegisterLookup:
    """The answer of the national register about a person, or a number; raises `CommandError`."""
    if person_id:
        with present.reading() as connection:
            if find_person(connection, person_id) is None:
                raise CommandError("There is no such person.")
            ssin = current_ssin(connection, present.secrets, person_id)
    assert ssin is not None, "a person, or a number"
    sources = open_sources(present.settings, system_clock)
    try:
        return look_up_in_register(sources, present.settings, present.secrets, ssin)
    except SourceDown as error:
        why = str(error)
    raise CommandError(f"The national register cannot be asked now ({why}). Try again later.")


def ask_ssin(now: datetime) -> str:
    """Ask for a national number, typed or piped in; in canonical form. Raises `CommandError`."""
    text: str = typer.prompt("National number", err=True)
    try:
        return parse_ssin(text.strip(), today_in_brussels(now))
    except InvalidSsin as invalid:
        reason = invalid.reason.replace("_", " ")
    raise CommandError(f"This is not a valid national number ({reason}).")


def require_person(
    present: Ground, options: DeskReasonOption, person_id: UUID | None, ssin: str | None
) -> Person:
    """The person with this id or national number; raises `CommandError`.

    A search by a number that finds nobody is recorded.
    """
    with present.reading() as connection:
        person = find_person(connection, person_id) if person_id else None
        if ssin:
            person = find_person_by_ssin(connection, present.secrets, ssin)
    if person is None and ssin:
        lookup = look_up_citizen(present, None, ssin)
        with present.reading() as connection:
            citizen = lookup.citizen(connection) is not None
        record_vain_search(present, options, citizen=citizen)
        if citizen:
            raise CommandError(
                "This citizen is in the national register, but had no activation code yet."
            )
    if person is None:
        raise CommandError("There is no such person.")
    return person


# Why a device is suspended, in words for a local operator.
SUSPENSION_REASONS = {
    "holder": "blocked by its holder",
    "counter": "may have been copied",
    "emergency": "blocked by the emergency door",
    "return": "blocked when its holder came back with another device",
    "notice": "blocked from a notice",
    "desk": "blocked by support",
}


def print_devices(devices: Sequence[Device], now: datetime) -> None:
    """Print devices, newest use first, with what is wrong with each; names are their holder's."""
    for device in devices:
        state = current_status(device, now)
        words = [state, f"last used {brussels_minute(device.last_used_at)}"]
        if state == "suspended":
            words.insert(1, SUSPENSION_REASONS[device.suspended_why or "desk"])
        if state == "suspended" and device.suspended_until:
            words.append(f"until {brussels_minute(device.suspended_until)}")
        console.print(
            f"{'Device':<15} {device.name} ({device.id}): {', '.join(words)}", markup=False
        )
