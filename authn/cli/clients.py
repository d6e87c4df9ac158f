"""`authn clients add`, `list`, `show`."""

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from authn.cli.ground import console, ground
from authn.clients.clients import BASIC, PUBLIC, Client, find_client, list_clients
from authn.clients.redirect_uris import InvalidRedirectUri
from authn.clients.registration import Registered, register_client
from authn.consents.scopes import SCOPES, SSIN
from authn.errors import CommandError
from authn.jose import ALGORITHMS, ES256, Algorithm
from authn.policies import BUILT_IN, find_policy
from authn.settings import Settings

app = typer.Typer(help="Relying applications.", no_args_is_help=True)


@app.callback()
def _clients() -> None:
    """Relying applications."""


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="The name that people see.")],
    redirect_uri: Annotated[
        list[str], typer.Option(help="Where people are sent back to; repeat for several.")
    ],
    post_logout_redirect_uri: Annotated[
        list[str] | None, typer.Option(help="Where people go after signing out; repeatable.")
    ] = None,
    client_id: Annotated[str, typer.Option(help="A readable id. Without: a random one.")] = "",
    public: Annotated[
        bool, typer.Option("--public", help="It runs in the browser or on a phone: no secret.")
    ] = False,
    native: Annotated[
        bool, typer.Option("--native", help="It is an app: private-use schemes, any local port.")
    ] = False,
    auth_method: Annotated[
        str, typer.Option(help="client_secret_basic or client_secret_post.")
    ] = BASIC,
    scope: Annotated[str, typer.Option(help="What it may ask, with spaces between.")] = (
        "openid profile"
    ),
    ssin: Annotated[
        bool, typer.Option("--ssin", help="It may ask for the national number (scope ssin).")
    ] = False,
    alg: Annotated[str, typer.Option(help="How its ID tokens are signed.")] = ES256,
    pkce: Annotated[
        bool, typer.Option(help="A confidential client must use PKCE, as public ones always do.")
    ] = True,
    sector_identifier: Annotated[
        str, typer.Option(help="The host within which a person is the same `sub`.")
    ] = "",
    first_party: Annotated[
        bool, typer.Option("--first-party", help="It is ours: people aren't asked for consent.")
    ] = False,
    policy: Annotated[
        str, typer.Option(help="A policy of keys that its logins must keep beside the service's.")
    ] = "",
    device_id: Annotated[
        bool, typer.Option("--device-id", help="Its access tokens name the device (device_id).")
    ] = False,
) -> None:
    """Register an application, and show its secret this one time."""
    scopes = dict.fromkeys([*scope.split(), *([SSIN] if ssin else [])])
    _check_scopes(list(scopes), ssin)
    with ground() as present, present.writing() as connection:
        _check_policy(present.settings, policy)
        try:
            registered = register_client(
                connection,
                present.secrets,
                present.now,
                client_name=name,
                client_id=client_id,
                redirect_uris=redirect_uri,
                post_logout_redirect_uris=post_logout_redirect_uri or [],
                token_endpoint_auth_method=PUBLIC if public else auth_method,
                application_type="native" if native else "web",
                scope=" ".join(scopes),
                id_token_signed_response_alg=_algorithm(alg),
                sector_identifier=sector_identifier,
                require_pkce=pkce,
                may_read_ssin=ssin,
                first_party=first_party,
                policy=policy or None,
                may_read_device_id=device_id,
            )
        except InvalidRedirectUri as refusal:
            raise CommandError(f"{refusal.uri}: {refusal.description}") from None
    _tell(registered)


def _check_scopes(scopes: list[str], ssin: bool) -> None:
    for scope in scopes:
        if scope not in SCOPES:
            raise CommandError(f"There is no scope {scope}; there are {', '.join(SCOPES)}.")
    if SSIN in scopes and not ssin:
        raise CommandError("The scope ssin needs the permission too: add --ssin.")


def _check_policy(settings: Settings, name: str) -> None:
    if name and find_policy(settings.policies, name) is None:
        names = ", ".join([*BUILT_IN, *settings.policies])
        raise CommandError(f"There is no policy {name}; there are {names}.")


def _algorithm(alg: str) -> Algorithm:
    for known in ALGORITHMS:
        if alg == known:
            return known
    raise CommandError(f"There is no algorithm {alg}; there are {', '.join(ALGORITHMS)}.")


def _tell(registered: Registered) -> None:
    console.print(f"client_id      {registered.client.client_id}")
    if registered.client_secret:
        console.print(f"client_secret  {registered.client_secret}")
        console.print("Keep the secret now: it is stored as a hash and never shown again.")


@app.command("list")
def list_registered() -> None:
    """Show every application."""
    with ground() as present, present.reading() as connection:
        clients = list_clients(connection)
    table = Table("client_id", "name", "type", "scope")
    for client in clients:
        kind = "public" if client.public else "confidential"
        table.add_row(client.client_id, escape(client.client_name), kind, client.scope)
    console.print(table)


@app.command()
def show(client_id: Annotated[str, typer.Argument(help="Its client_id.")]) -> None:
    """Show one application, by the names of RFC 7591; of its secret not even the hash."""
    with ground() as present, present.reading() as connection:
        client = find_client(connection, client_id)
    if client is None:
        raise CommandError(f"There is no client {client_id}.")
    for name, value in _shown(client).items():
        console.print(f"{name:30} {value}", markup=False)


def _shown(client: Client) -> dict[str, str]:
    return {
        "client_id": client.client_id,
        "client_name": client.client_name,
        "application_type": client.application_type,
        "token_endpoint_auth_method": client.token_endpoint_auth_method,
        "redirect_uris": " ".join(client.redirect_uris),
        "post_logout_redirect_uris": " ".join(client.post_logout_redirect_uris),
        "scope": client.scope,
        "id_token_signed_response_alg": client.id_token_signed_response_alg,
        "sector_identifier": client.sector_identifier,
        "require_pkce": _yes(client.pkce_required),
        "may_read_ssin": _yes(client.may_read_ssin),
        "first_party": _yes(client.first_party),
        "policy": client.policy or "that of the service",
        "may_read_device_id": _yes(client.may_read_device_id),
        "registered": f"{client.created_at:%Y-%m-%d %H:%M} UTC",
    }


def _yes(value: bool) -> str:
    return "yes" if value else "no"
