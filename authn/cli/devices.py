"""`authn devices list`, `suspend`, `resume`, `unlink`: what the support desk does, by hand.

A national number is asked for, never an argument. Each says why, and is on record.
"""

from typing import Annotated
from uuid import UUID

import typer

from authn.cli.desk import DeskReasonOption, do_here, look, said_why
from authn.cli.ground import console, ground
from authn.cli.people import ask_ssin, known_person, print_devices
from authn.cli.shared_options import takes
from authn.console.acts import do_resume, do_suspend, do_unlink
from authn.devices.devices import every_device_of

PersonId = Annotated[
    UUID | None, typer.Option("--person", help="The person; without it, the number is asked.")
]
DeviceId = Annotated[UUID, typer.Argument(help="The device, as `authn devices list` shows it.")]

DO = {"suspend": do_suspend, "resume": do_resume, "unlink": do_unlink}
DONE = {"suspend": "blocked", "resume": "working again", "unlink": "removed"}

app = typer.Typer(help="The devices of one person.", no_args_is_help=True)


@app.callback()
def _devices() -> None:
    """The devices of one person."""


@app.command("list")
@takes(said_why)
def list_(person: PersonId = None, *, said: DeskReasonOption) -> None:
    """Show a person's devices, those that were removed too."""
    with ground() as present:
        ssin = None if person else ask_ssin(present.now)
        why = said.asked(present.settings)
        found = known_person(present, why, person, ssin)
        look(present, why, found)
        with present.reading() as connection:
            devices = every_device_of(connection, found.id)
    console.print(found.full_name, markup=False)
    print_devices(devices, present.now)


@app.command()
@takes(said_why)
def suspend(device: DeviceId, person: PersonId = None, *, said: DeskReasonOption) -> None:
    """Block a device, until somebody unblocks it; what was opened with it ends."""
    _act("suspend", device, person, said)


@app.command()
@takes(said_why)
def resume(device: DeviceId, person: PersonId = None, *, said: DeskReasonOption) -> None:
    """Unblock a device; one that was blocked on suspicion waits for a second person."""
    _act("resume", device, person, said)


@app.command()
@takes(said_why)
def unlink(device: DeviceId, person: PersonId = None, *, said: DeskReasonOption) -> None:
    """Remove a device for good; the last one that works waits for a second person."""
    _act("unlink", device, person, said)


def _act(act: str, device: UUID, person: UUID | None, said: DeskReasonOption) -> None:
    with ground() as present:
        ssin = None if person else ask_ssin(present.now)
        why = said.asked(present.settings)
        found = known_person(present, why, person, ssin)
        if not do_here(present, why, found, DO[act], device):
            return
        with present.reading() as connection:
            devices = every_device_of(connection, found.id)
    name = next(each.name for each in devices if each.id == device)
    console.print(f"{found.full_name}: {name} is {DONE[act]}.", markup=False)
