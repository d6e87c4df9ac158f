"""`authn clients change`: what is registered of an application is another from now on."""

from typing import Annotated, Any

import typer

from authn.cli import client_options as options
from authn.cli.client_values import checked_values, found_client, told
from authn.cli.ground import Ground, console, ground
from authn.clients.client_metadata_document import write_client_metadata
from authn.clients.registration import change_client
from authn.consents.scopes import SSIN

ClientId = Annotated[str, typer.Argument(help="Its client_id.")]


def change(
    client_id: ClientId,
    name: Annotated[str | None, typer.Option(help="The name that people see.")] = None,
    redirect_uri: options.RedirectUri = None,
    post_logout_redirect_uri: options.PostLogoutRedirectUri = None,
    auth_method: options.AuthMethod = None,
    jwks: options.Jwks = None,
    jwks_uri: options.JwksUri = None,
    grant_type: options.GrantType = None,
    scope: options.Scope = None,
    alg: options.Alg = None,
    backchannel_logout_uri: options.BackchannelLogoutUri = None,
    metadata: options.Document = None,
    said: options.Said = None,
    ssin: options.Ssin = None,
    pkce: options.Pkce = None,
    sector_identifier: options.SectorIdentifier = None,
    first_party: options.FirstParty = None,
    policy: options.PolicyName = None,
    device_id: options.DeviceId = None,
    profile: options.ProfileName = None,
    organisation: options.Organisation = None,
    resource: options.ResourceName = None,
    refresh_idle: options.RefreshIdle = None,
    refresh_lifetime: options.RefreshLifetime = None,
) -> None:
    """Change what is said; a list is replaced as a whole, and `--set NAME=` takes a value away."""
    document = options.document_of(
        metadata,
        said or (),
        client_name=name,
        redirect_uris=redirect_uri,
        post_logout_redirect_uris=post_logout_redirect_uri,
        token_endpoint_auth_method=auth_method,
        jwks=options.key_set(jwks),
        jwks_uri=jwks_uri,
        grant_types=grant_type,
        scope=scope,
        id_token_signed_response_alg=alg,
        backchannel_logout_uri=backchannel_logout_uri,
    )
    with ground() as present:
        given = options.granted(
            present.settings,
            require_pkce=pkce,
            may_read_ssin=ssin,
            sector_identifier=sector_identifier,
            first_party=first_party,
            policy=policy,
            may_read_device_id=device_id,
            profile=profile,
            organisation=organisation,
            resources=resource,
            refresh_idle=refresh_idle,
            refresh_lifetime=refresh_lifetime,
        )
        _change(present, client_id, document, given)


def _change(
    present: Ground, client_id: str, document: dict[str, Any], given: dict[str, Any]
) -> None:
    with present.writing() as connection:
        client = found_client(connection, client_id)
        before = write_client_metadata(client)
        # What follows from others, and what excludes what is said now.
        replaced = {"response_types"}
        if document.keys() & {"jwks", "jwks_uri"}:
            replaced |= {"jwks", "jwks_uri"}
        before = {name: before[name] for name in before if name not in replaced}
        if not given.get("may_read_ssin", client.may_read_ssin):
            before["scope"] = " ".join(each for each in client.scope.split() if each != SSIN)
        given = {
            "resources": client.resources,
            "may_read_ssin": client.may_read_ssin,
            **given,
        }
        values = checked_values(present, connection, client_id, {**before, **document}, given)
        changed = told(
            lambda: change_client(connection, present.secrets, client, present.now, **values)
        )
    console.print(f"{client_id} is changed.", markup=False)
    if changed.client_secret:
        console.print(f"client_secret  {changed.client_secret}")
