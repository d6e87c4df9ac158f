"""`authn secrets create`, `new-master-key`, `reencrypt`: the keys of the service itself."""

from functools import partial

import typer

from authn.cli.ground import Ground, console, ground
from authn.cli.shared import progress_bar
from authn.console import approval_rows
from authn.db.reencryption import EncryptedColumn, count_old_values, reencrypt
from authn.errors import CommandError
from authn.federation import foreign_identities
from authn.keys import signing_keys
from authn.notices import contact_addresses
from authn.outbox import outbox
from authn.people import numbers
from authn.profiles import profiles
from authn.secrets import (
    OTHER_MASTER_KEY,
    create_secrets,
    load_secrets,
    replace_master_key,
    secret_path,
)
from authn.settings import load_settings
from authn.sources.embedded import facts, register

# All columns that the master key encrypts.
ENCRYPTED: tuple[EncryptedColumn, ...] = (
    *signing_keys.ENCRYPTED,
    *numbers.ENCRYPTED,
    *contact_addresses.ENCRYPTED,
    *outbox.ENCRYPTED,
    *register.ENCRYPTED,
    *facts.ENCRYPTED,
    *profiles.ENCRYPTED,
    *foreign_identities.ENCRYPTED,
    *approval_rows.ENCRYPTED,
)
MOST_PASSES = 5

app = typer.Typer(help="The service's own secrets.", no_args_is_help=True)


@app.callback()
def _secrets() -> None:
    """The service's own secrets."""


@app.command()
def create() -> None:
    """Make each key that is neither set nor on file yet, readable by its owner alone."""
    settings = load_settings()
    create_secrets(settings)
    console.print(f"The secrets are in {settings.data_directory / 'secrets'}.")


@app.command("new-master-key")
def new_master_key() -> None:
    """Make a new master key; what is stored can still be read with the former one.

    The first step of replacing it. Then restart the service, each of its processes, and run `authn
    secrets reencrypt`. Where one process after another is restarted, so that some know the former
    key alone while others write with the new one: let all of them read the new one first, as
    AUTHN_OTHER_MASTER_KEY, and exchange the two at a second round.
    """
    settings = load_settings()
    load_secrets(settings)  # refuses what is wrong with them now, before anything is changed
    replace_master_key(settings)
    console.print(
        f"There is a new master key; the former one is in "
        f"{secret_path(settings, OTHER_MASTER_KEY)}. Restart the service now, then run "
        "`authn secrets reencrypt`."
    )


@app.command("reencrypt")
def reencrypt_columns() -> None:
    """Write anew under the present master key whatever is stored under the former one.

    The second step of replacing it, while the service runs. It can be stopped and run again: it
    does what is left. At the end the former key can be deleted; older backups need it still.
    """
    with ground() as present:
        count = _reencrypt(present)
        path = secret_path(present.settings, OTHER_MASTER_KEY)
        console.print(f"Written anew: {count:,}. All of it is under the present master key.")
        if present.secrets.other_master_key:
            former = path if path.exists() else "AUTHN_OTHER_MASTER_KEY"
            console.print(
                f"The service needs {former} no more: keep it in a safe place for as long as there "
                "are backups from before, and take it away from here."
            )


def _reencrypt(present: Ground) -> int:
    """Encrypt values under the present master key until none is left; how many there were."""
    count = 0
    for _ in range(MOST_PASSES):
        with present.reading() as connection:
            left = {
                each: old
                for each in ENCRYPTED
                if (old := count_old_values(connection, present.secrets, each))
            }
        if not left:
            return count
        with progress_bar() as bar:
            task = bar.add_task("Writing anew", total=sum(left.values()))
            for each in left:
                reencrypt(present.database, present.secrets, each, partial(bar.advance, task))
        count += sum(left.values())
    raise CommandError(
        "Something still writes with the former master key: restart every process of the service, "
        "then run this again."
    )
