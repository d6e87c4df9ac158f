"""`authn clients check`."""

from typing import Annotated

import typer

from authn.cli.client_values import found_client
from authn.cli.ground import Ground, console, ground
from authn.clock import system_clock
from authn.views.client_checks import ClientCheckReport, checked_client, findings_of
from authn.web.pages import load_pages
from authn.web.site import Site


def check(client_id: Annotated[str, typer.Argument(help="Its client_id.")]) -> None:
    """Say what would fail: redirects, keys, algorithms, addresses. Exit code 1 if any would."""
    with ground() as present:
        findings = list(findings_of(_checked(present, client_id)))
    for finding in findings:
        console.print(f"{'fails' if finding.fails else 'note':6} {finding.sentence}", markup=False)
    if any(finding.fails for finding in findings):
        raise typer.Exit(1)
    console.print("Nothing would fail.")


def _checked(present: Ground, client_id: str) -> ClientCheckReport:
    site = Site(
        settings=present.settings,
        secrets=present.secrets,
        database=present.database,
        clock=system_clock,
        pages=load_pages(present.settings.service_name),
    )
    with present.reading() as connection:
        return checked_client(site, connection, found_client(connection, client_id))
