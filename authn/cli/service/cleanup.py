"""`authn cleanup`: deletes expired rows and looks after unused devices; to be run daily.

Devices that nobody uses become dormant, suspensions that have an end are ended.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import typer
from sqlalchemy import Connection

from authn.cli.ground import Ground, console, ground
from authn.clients.client_registration.initial_access_tokens import forget_initial_access_tokens
from authn.consents.consents import forget_ended_consents
from authn.console.approval_expiry import expire_overdue, forget_old_approvals
from authn.console.desk_sessions import forget_old_desk_sessions
from authn.console.operator_request_rows import forget_old_requests
from authn.db.once import forget_spent_tokens
from authn.devices.dormancy import run_device_jobs
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
from authn.login.checks.desk_act import forget_desk_act_confirmations
from authn.login.profile_choices import forget_old_choices
from authn.notices.contact_addresses import forget_old_addresses, hash_addresses
from authn.outbox.outbox import forget_old_rows
from authn.webauthn.challenges import delete_expired_challenges

# The clock of another host may be slow: a token that is valid there must be known as used.
CLOCKS_DIFFER_BY_LESS_THAN = timedelta(hours=1)

HASHED_AT_ONCE = 500

FORGOTTEN_ROWS: dict[str, Callable[[Connection, datetime], int]] = {
    "burnt challenges": delete_expired_challenges,
    "invitations": forget_old_invitations,
    "emergency links": forget_old_links,
    "authorization codes": forget_old_codes,
    "pushed authorization requests": forget_pushed_requests,
    "device codes": forget_old_device_codes,
    "wrong user codes": forget_wrong_user_codes,
    "refresh tokens": forget_old_refresh_tokens,
    "revoked tokens": forget_revoked_tokens,
    "choices of profiles": forget_old_choices,
    "confirmed acts at the desk": forget_desk_act_confirmations,
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


@app.command("cleanup")
def clean_up() -> None:
    """Delete what has expired, look after unused devices; run it daily.

    Persons, devices, sessions, grants, consents that hold and the audit log are never deleted by
    this. The holder of a device that was unused for long is told, and later that device is dormant.
    """
    with ground() as present:
        for what, forget in FORGOTTEN_ROWS.items():
            with present.writing() as connection:
                count = forget(connection, present.now - CLOCKS_DIFFER_BY_LESS_THAN)
            console.print(f"{what}: {count:,} deleted")
        console.print(f"contact addresses: {_hash_all(present):,} made findable")
        over = expire_overdue(present.database, present.settings, present.secrets, present.now)
        console.print(f"approvals that nobody decided about: {over:,}")
        jobs = run_device_jobs(present.database, present.settings, present.secrets, present.now)
        for what, count in jobs:
            console.print(f"{what}: {count:,}")


def _hash_all(present: Ground) -> int:
    """Hash the contact addresses that have no hash yet; how many there were."""
    total = 0
    while True:
        with present.writing() as connection:
            done = hash_addresses(connection, present.secrets, HASHED_AT_ONCE)
        total += done
        if done < HASHED_AT_ONCE:
            return total
