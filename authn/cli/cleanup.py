"""`authn cleanup`: rows that have no meaning any more are deleted; to be run daily."""

from collections.abc import Callable
from datetime import datetime, timedelta

import typer
from sqlalchemy import Connection

from authn.cli.ground import console, ground
from authn.enrolment.invitations import forget_old_invitations
from authn.grants.access_tokens import forget_expired_access_tokens
from authn.grants.codes import forget_old_codes
from authn.webauthn.challenges import forget_burnt_challenges

# Another machine's clock may be slow: what it still takes for valid must still be known as used.
CLOCKS_DIFFER_BY_LESS_THAN = timedelta(hours=1)

CLEANED: dict[str, Callable[[Connection, datetime], int]] = {
    "burnt challenges": forget_burnt_challenges,
    "invitations": forget_old_invitations,
    "authorization codes": forget_old_codes,
    "access tokens": forget_expired_access_tokens,
}

app = typer.Typer(help="Delete what has expired and has no meaning any more; run it daily.")


@app.command()
def cleanup() -> None:
    """Delete what has expired and has no meaning any more; run it daily.

    Persons, devices, sessions, grants, consents and the audit log are never deleted by this.
    """
    with ground() as present:
        for what, forget in CLEANED.items():
            with present.writing() as connection:
                count = forget(connection, present.now - CLOCKS_DIFFER_BY_LESS_THAN)
            console.print(f"{what}: {count:,} deleted")
