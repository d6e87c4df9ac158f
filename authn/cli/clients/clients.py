"""`authn clients add`, `change`, `check`, `list`, `show`, `end`, and `initial-access-token`."""

from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table
from sqlalchemy import Connection

from authn.cli.approvals.two_operators import (
    Reason,
    ReasonOption,
    Ticket,
    TwoOperatorPlan,
    carry_out,
)
from authn.cli.clients import initial_access_tokens
from authn.cli.clients.options import ClientOptionValues, client_option_values
from authn.cli.clients.prompts import (
    ask_for_missing_members,
    ask_for_organisation,
    choose_kind,
    client_id_for_kind,
)
from authn.cli.clients.values import build_client_values, explain_refusal, require_client
from authn.cli.ground import Ground, console, ground
from authn.cli.shared import with_options
from authn.clients.client_registration.document import write_client_metadata
from authn.clients.client_registration.kinds import fill_kind_defaults
from authn.clients.client_registration.registration import (
    RegisteredClient,
    add_client,
    change_client,
    changed_client,
    new_client,
)
from authn.clients.clients import FAPI2, PUBLIC, Client, list_clients, new_client_id
from authn.clients.resource_servers.desk_api import desk_tool_profile_kinds
from authn.clock import system_clock
from authn.consents.scopes import SSIN
from authn.console.operator_request_acts import client_request
from authn.errors import CommandError
from authn.grants.endings.ended_grants import end_client
from authn.views.client_checks import ClientCheckInput, list_findings, read_check_input
from authn.views.client_sample import sample_configuration
from authn.views.descriptions import describe_client
from authn.web.pages import load_pages
from authn.web.site import Site

app = typer.Typer(help="Relying applications.", no_args_is_help=True)


ClientId = Annotated[str, typer.Argument(help="Its client_id.")]

app.add_typer(initial_access_tokens.app, name="initial-access-token")


@app.callback()
def _clients() -> None:
    """Relying applications."""


@app.command()
@with_options(client_option_values)
def change(
    client_id: ClientId,
    name: Annotated[str | None, typer.Option(help="The name that people see.")] = None,
    reason: Reason = None,
    ticket: Ticket = None,
    *,
    options: ClientOptionValues,
) -> None:
    """Change what is said; a list is replaced as a whole, and `--set NAME=` takes a value away.

    What gives much waits for a second operator at the desk, and so does what would give it to
    another one: new redirect URIs or keys of an application that has it.
    """
    document = options.document(client_name=name)
    with ground() as present:
        _change(present, client_id, document, options, ReasonOption(reason, ticket))


def _change(
    present: Ground,
    client_id: str,
    document: dict[str, Any],
    options: ClientOptionValues,
    why: ReasonOption,
) -> None:
    made: list[RegisteredClient] = []

    def plan(connection: Connection) -> TwoOperatorPlan[None]:
        client = require_client(connection, client_id)
        values = _changed_values(present, connection, client, document, options)
        changed = explain_refusal(lambda: changed_client(client, **values))
        made.append(changed)
        # With the hash of the secret that was made, if any.
        values |= {"client_secret_hash": changed.client.client_secret_hash}

        def do() -> None:
            explain_refusal(
                lambda: change_client(connection, present.secrets, client, present.now, **values)
            )

        return TwoOperatorPlan(
            client_request(connection, present.settings, client, changed.client), do
        )

    if carry_out(present, why, plan).request is None:
        console.print(f"{client_id} is changed.", markup=False)
    if made[-1].client_secret:
        console.print(f"client_secret  {made[-1].client_secret}")


def _changed_values(
    present: Ground,
    connection: Connection,
    client: Client,
    document: dict[str, Any],
    options: ClientOptionValues,
) -> dict[str, Any]:
    """The values of a client after a change; what no option names stays. Raises `CommandError`."""
    decided = options.operator_values(present.settings, client.scope_reasons)
    before = write_client_metadata(client)
    # Left out: what follows from other members, and what a new key set replaces.
    replaced = {"response_types"}
    if document.keys() & {"jwks", "jwks_uri"}:
        replaced |= {"jwks", "jwks_uri"}
    before = {name: before[name] for name in before if name not in replaced}
    if not decided.get("may_read_ssin", client.may_read_ssin):
        before["scope"] = " ".join(each for each in client.scope.split() if each != SSIN)
    decided = {"resources": client.resources, "may_read_ssin": client.may_read_ssin, **decided}
    return build_client_values(
        present, connection, client.client_id, {**before, **document}, decided
    )


@app.command()
def check(client_id: ClientId) -> None:
    """Say what would fail: redirects, keys, algorithms, addresses. Exit code 1 if any would."""
    with ground() as present:
        findings = list(list_findings(_read_check_input(present, client_id)))
    for finding in findings:
        console.print(f"{'fails' if finding.fails else 'note':6} {finding.sentence}", markup=False)
    if any(finding.fails for finding in findings):
        raise typer.Exit(1)
    console.print("Nothing would fail.")


def _read_check_input(present: Ground, client_id: str) -> ClientCheckInput:
    site = Site(
        settings=present.settings,
        secrets=present.secrets,
        database=present.database,
        clock=system_clock,
        pages=load_pages(present.settings.service_name),
    )
    with present.reading() as connection:
        return read_check_input(site, connection, require_client(connection, client_id))


@app.command()
@with_options(client_option_values)
def add(
    name: Annotated[str, typer.Argument(help="The name that people see. Without: asked.")] = "",
    kind: Annotated[
        str, typer.Option(help="web, browser, native, system or resource. Without: web, or asked.")
    ] = "",
    client_id: Annotated[str, typer.Option(help="A readable id. Without: a random one.")] = "",
    public: Annotated[
        bool, typer.Option("--public", help="It runs in the browser or on a phone: no secret.")
    ] = False,
    native: Annotated[
        bool, typer.Option("--native", help="It is an app: private-use schemes, any local port.")
    ] = False,
    reason: Reason = None,
    ticket: Ticket = None,
    *,
    options: ClientOptionValues,
) -> None:
    """Register an application; what its kind needs and was not said is asked for.

    What gives it much, such as the national number, waits for a second operator at the desk.
    """
    more = {"token_endpoint_auth_method": PUBLIC} if public else {}
    document = options.document(
        client_name=name, application_type="native" if native else None, **more
    )
    with ground() as present:
        decided = options.operator_values(present.settings, {})
        kinds = desk_tool_profile_kinds(present.settings, decided.get("resources", ()))
        decided = kinds | decided
        organisation = decided.pop("organisation", None)
        why = ReasonOption(reason, ticket)
        registered = _add(present, kind, client_id, document, organisation, decided, why)
        _print_client(registered, present.settings.issuer)


def _add(
    present: Ground,
    kind: str,
    client_id: str,
    document: dict[str, Any],
    organisation: str | None,
    decided: dict[str, Any],
    why: ReasonOption,
) -> RegisteredClient:
    """Register the client, or ask a second operator; prompts come before a transaction is open."""
    if not document.get("client_name"):
        document["client_name"] = typer.prompt("The name that people see", err=True)
    kind = choose_kind(kind, document, organisation)
    document = fill_kind_defaults(kind, document, fapi=decided.get("profile") == FAPI2)
    organisation = ask_for_organisation(kind, organisation)
    if organisation:
        decided["organisation"] = organisation
    ask_for_missing_members(document)
    client_id = client_id_for_kind(kind, client_id, organisation) or new_client_id()
    made: list[RegisteredClient] = []

    def plan(connection: Connection) -> TwoOperatorPlan[None]:
        values = build_client_values(present, connection, client_id, document, decided)
        registered = explain_refusal(lambda: new_client(present.now, client_id=client_id, **values))
        made.append(registered)
        return TwoOperatorPlan(
            client_request(connection, present.settings, None, registered.client),
            lambda: explain_refusal(
                lambda: add_client(connection, present.secrets, registered, present.now)
            ),
        )

    carry_out(present, why, plan)
    return made[-1]


def _print_client(registered: RegisteredClient, issuer: str) -> None:
    client = registered.client
    console.print(f"issuer         {issuer}")
    console.print(f"client_id      {client.client_id}")
    if registered.client_secret:
        console.print(f"client_secret  {registered.client_secret}")
        console.print("Keep the secret now: it is stored as a hash and never shown again.")
    console.print()
    console.print(sample_configuration(issuer, client), markup=False)


@app.command("list")
def print_clients() -> None:
    """Show every application."""
    with ground() as present, present.reading() as connection:
        clients = list_clients(connection)
    table = Table("client_id", "name", "type", "scope")
    for client in clients:
        kind = "public" if client.public else "confidential"
        table.add_row(client.client_id, escape(client.client_name), kind, escape(client.scope))
    console.print(table)


@app.command()
def show(client_id: ClientId) -> None:
    """Show one application, by the names of RFC 7591; of its secret not even the hash."""
    with ground() as present, present.reading() as connection:
        client = require_client(connection, client_id)
    for name, value in describe_client(client).items():
        console.print(f"{name:44} {value}", markup=False)


@app.command()
def end(
    client_id: ClientId,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
) -> None:
    """End an application: it is none any more, and all that people allowed it is revoked."""
    with ground() as present:
        with present.reading() as connection:
            client = require_client(connection, client_id)
        if not yes:
            typer.confirm(f"End {client.client_name} ({client_id}) for good?", abort=True, err=True)
        with present.writing() as connection:
            revoked = end_client(connection, present.secrets, client_id, present.now)
    if revoked is None:
        raise CommandError(f"There is no client {client_id}.")
    console.print(f"{client_id} is no client any more; {revoked:,} grants were revoked.")
