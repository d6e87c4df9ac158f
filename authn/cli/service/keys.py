"""`authn keys list`, `rotate`, `withdraw`: the signing keys of the service."""

from typing import Annotated

import typer

from authn.cli.ground import Ground, console, ground
from authn.errors import CommandError
from authn.jose import ALGORITHMS, AnyAlgorithm
from authn.keys.rotation import rotate, withdraw
from authn.keys.signing_keys import (
    EVERY_ALGORITHM,
    REMEMBERED,
    StoredKey,
    ensure_signing_keys,
    list_keys,
)
from authn.keys.tables import ACTIVE, KEPT, NEXT, RETIRED
from authn.keys.upkeep import KEPT_FOR_HINTS, PUBLISHED_AFTERWARDS

app = typer.Typer(help="The service's signing keys.", no_args_is_help=True)


@app.callback()
def _keys() -> None:
    """The service's signing keys."""


@app.command("list")
def print_keys() -> None:
    """Show every key and what it is used for; makes the first ones when there are none."""
    with ground() as present:
        ensure_signing_keys(present.database, present.secrets, present.now)
        with present.reading() as connection:
            keys = list_keys(connection)
    # No table: a kid is copied, and has half of a terminal's width.
    for key in keys:
        since = key.retired_at or key.activated_at or key.created_at
        console.print(f"{key.kid}  {key.alg}, {key.state} since {since:%Y-%m-%d}")
        console.print(f"    {_use(present, key)}")


def _use(present: Ground, key: StoredKey) -> str:
    """The words for what a key is used for now, and until when."""
    settings = present.settings
    signs = key.alg in ALGORITHMS
    if key.state == ACTIVE:
        since = key.activated_at or key.created_at
        until = f", until about {since + settings.signing_key_rotation:%Y-%m-%d}"
        use = "signs" if signs else "others encrypt to us with it"
        return use + (until if settings.signing_key_rotation else "")
    if key.state == NEXT:
        return "published; will sign" if signs else "published; decrypts"
    if key.state == RETIRED and key.retired_at is not None:
        published_until = key.retired_at + PUBLISHED_AFTERWARDS
        if present.now < published_until:
            return ("verifies" if signs else "decrypts") + f" until {published_until:%Y-%m-%d}"
        kept_until = key.retired_at + KEPT_FOR_HINTS
        use = "verifies old ID tokens at sign-out" if signs else "nothing"
        return f"{use}, until {kept_until:%Y-%m-%d}"
    if key.state == KEPT:
        return "verifies old heads of the audit log"
    return "nothing: what it signed is refused"


@app.command("rotate")
def rotate_signing_keys(
    alg: Annotated[
        str, typer.Option(help=f"Only the key of this algorithm: {', '.join(EVERY_ALGORITHM)}.")
    ] = "",
    now: Annotated[
        bool,
        typer.Option(
            "--now",
            help="Even when the next key was published a short while ago: an application that has "
            "not read it since refuses our tokens, for five minutes at most.",
        ),
    ] = False,
) -> None:
    """Put the next key of each algorithm in use; the former ones verify what they signed.

    The service does this by itself when a key is as old as AUTHN_SIGNING_KEY_ROTATION says. It can
    go on running, in as many processes as there are: nobody is signed out and no token is lost.
    """
    with ground() as present:
        for each in _algorithms(alg):
            kid = rotate(
                present.database, present.settings, present.secrets, present.now, each, at_once=now
            )
            console.print(f"{each}: {kid} is in use.", soft_wrap=True)
    console.print(_WITHIN_A_MINUTE)


# A kid may begin with a dash.
@app.command("withdraw", context_settings={"ignore_unknown_options": True})
def withdraw_signing_key(
    kid: Annotated[str, typer.Argument(help="The key, as `authn keys list` names it.")],
) -> None:
    """Believe nothing that this key signed: for a key that was stolen, or may have been.

    Tokens that it signed are refused, it is no longer in the key set, and the next key is in use
    instead. Applications get new tokens by their refresh tokens or by sending the person here.
    Where the database and the master key were both taken, withdraw the next keys first.
    """
    with ground() as present:
        withdraw(present.database, present.secrets, present.now, kid)
    console.print(f"{kid} is withdrawn.", soft_wrap=True)
    console.print(_WITHIN_A_MINUTE)


_WITHIN_A_MINUTE = (
    f"Every process of the service knows it within {int(REMEMBERED.total_seconds())} seconds."
)


def _algorithms(alg: str) -> tuple[AnyAlgorithm, ...]:
    if not alg:
        return EVERY_ALGORITHM
    chosen = tuple(each for each in EVERY_ALGORITHM if each == alg)
    if not chosen:
        raise CommandError(f"There is no algorithm {alg}; there are {', '.join(EVERY_ALGORITHM)}.")
    return chosen
