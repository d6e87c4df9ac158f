"""`authn devices list`, `suspend`, `resume`, `unlink`: what the support desk does to devices."""

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
from authn.cli.shared import with_options
from authn.console.acts import do_resume, do_suspend, do_unlink
from authn.devices.devices import list_devices_and_removed

PersonId = Annotated[
    UUID | None, typer.Option("--person", help="The person; without it, the number is asked.")
]
DeviceId = Annotated[UUID, typer.Argument(help="The device, as `authn devices list` shows it.")]

ACTS = {"suspend": do_suspend, "resume": do_resume, "unlink": do_unlink}
RESULTS = {"suspend": "blocked", "resume": "working again", "unlink": "removed"}

app = typer.Typer(help="The devices of one person.", no_args_is_help=True)


@app.callback()
def _devices() -> None:
    """The devices of one person."""


@app.command("list")
@with_options(desk_reason_option)
def print_person_devices(person: PersonId = None, *, options: DeskReasonOption) -> None:
    """Show a person's devices, those that were removed too."""
    with ground() as present:
        ssin = None if person else ask_ssin(present.now)
        reason = options.ask_missing(present.settings)
        holder = require_person(present, reason, person, ssin)
        record_look(present, reason, holder)
        with present.reading() as connection:
            devices = list_devices_and_removed(connection, holder.id)
    console.print(holder.full_name, markup=False)
    print_devices(devices, present.now)


@app.command()
@with_options(desk_reason_option)
def suspend(device: DeviceId, person: PersonId = None, *, options: DeskReasonOption) -> None:
    """Block a device, until somebody unblocks it; what was opened with it ends."""
    _act("suspend", device, person, options)


@app.command()
@with_options(desk_reason_option)
def resume(device: DeviceId, person: PersonId = None, *, options: DeskReasonOption) -> None:
    """Unblock a device; one that was blocked on suspicion waits for a second person."""
    _act("resume", device, person, options)


@app.command()
@with_options(desk_reason_option)
def unlink(device: DeviceId, person: PersonId = None, *, options: DeskReasonOption) -> None:
    """Remove a device for good; the last one that works waits for a second person."""
    _act("unlink", device, person, options)


def _act(act: str, device: UUID, person: UUID | None, options: DeskReasonOption) -> None:
    with ground() as present:
        ssin = None if person else ask_ssin(present.now)
        reason = options.ask_missing(present.settings)
        holder = require_person(present, reason, person, ssin)
        if not do_desk_act(present, reason, holder, ACTS[act], device):
            return
        with present.reading() as connection:
            devices = list_devices_and_removed(connection, holder.id)
    name = next(each.name for each in devices if each.id == device)
    console.print(f"{holder.full_name}: {name} is {RESULTS[act]}.", markup=False)
