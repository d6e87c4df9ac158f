"""`authn cleanup`: what time alone brings about; to be run daily.

Rows that have no meaning any more are deleted, devices that nobody uses become dormant, suspensions
that have an end are ended.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import typer
from sqlalchemy import Connection

from authn.cli.ground import Ground, console, ground
from authn.clients.initial_access_tokens import forget_initial_access_tokens
from authn.consents.consents import forget_ended_consents
from authn.console.desk_sessions import forget_old_desk_sessions
from authn.console.expiry import expire_due, forget_old_approvals
from authn.console.operator_request_expiry import forget_old_requests
from authn.db.spent import forget_spent_tokens
from authn.devices.dormancy import look_after_devices
from authn.enrolment.desk_code_rows import forget_ended_desk_codes
from authn.enrolment.emergency import forget_old_links
from authn.enrolment.invitations import forget_old_invitations
from authn.federation.foreign_identities import forget_unmatched_identities
from authn.grants.access_tokens import forget_revoked_tokens
from authn.grants.codes import forget_old_codes
from authn.grants.device_codes import forget_old_device_codes
from authn.grants.pushed_requests import forget_pushed_requests
from authn.grants.refresh_tokens import forget_old_refresh_tokens
from authn.grants.user_codes import forget_wrong_user_codes
from authn.login.desk_act import forget_confirmed_acts
from authn.login.profile_choices import forget_old_choices
from authn.notices.addresses import forget_old_addresses, hash_addresses
from authn.outbox.outbox import forget_old_rows
from authn.webauthn.challenges import forget_burnt_challenges

# Another machine's clock may be slow: what it still takes for valid must still be known as used.
CLOCKS_DIFFER_BY_LESS_THAN = timedelta(hours=1)

HASHED_AT_ONCE = 500

CLEANED: dict[str, Callable[[Connection, datetime], int]] = {
    "burnt challenges": forget_burnt_challenges,
    "invitations": forget_old_invitations,
    "emergency links": forget_old_links,
    "authorization codes": forget_old_codes,
    "pushed authorization requests": forget_pushed_requests,
    "device codes": forget_old_device_codes,
    "wrong user codes": forget_wrong_user_codes,
    "refresh tokens": forget_old_refresh_tokens,
    "revoked tokens": forget_revoked_tokens,
    "choices of profiles": forget_old_choices,
    "confirmed acts at the desk": forget_confirmed_acts,
    "spent tokens": forget_spent_tokens,
    "initial access tokens": forget_initial_access_tokens,
    "ended consents": forget_ended_consents,
    "contact addresses": forget_old_addresses,
    "sessions at the desk": forget_old_desk_sessions,
    "codes of the desk": forget_ended_desk_codes,
    "foreign identities that nobody matched": forget_unmatched_identities,
    "approvals": forget_old_approvals,
    "requests of operators": forget_old_requests,
    "outbox": forget_old_rows,
}

app = typer.Typer(help="Delete what has expired, look after unused devices; run it daily.")


@app.command()
def cleanup() -> None:
    """Delete what has expired, look after unused devices; run it daily.

    Persons, devices, sessions, grants, consents that hold and the audit log are never deleted by
    this. The holder of a device that was unused for long is told, and later that device is dormant.
    """
    with ground() as present:
        for what, forget in CLEANED.items():
            with present.writing() as connection:
                count = forget(connection, present.now - CLOCKS_DIFFER_BY_LESS_THAN)
            console.print(f"{what}: {count:,} deleted")
        console.print(f"contact addresses: {_hash_all(present):,} made findable")
        over = expire_due(present.database, present.settings, present.secrets, present.now)
        console.print(f"approvals that nobody decided about: {over:,}")
        jobs = look_after_devices(present.database, present.settings, present.secrets, present.now)
        for what, count in jobs:
            console.print(f"{what}: {count:,}")


def _hash_all(present: Ground) -> int:
    """How many contact addresses that are older than their hash got one."""
    total = 0
    while True:
        with present.writing() as connection:
            done = hash_addresses(connection, present.secrets, HASHED_AT_ONCE)
        total += done
        if done < HASHED_AT_ONCE:
            return total
