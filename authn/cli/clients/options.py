"""The options of `authn clients add` and `change`, each written once, with its help."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from authn.cli.clients.values import (
    build_client_document,
    merge_scope_reasons,
    read_key_set_file,
    read_operator_values,
)
from authn.settings import Settings

Uris = list[str] | None
RedirectUri = Annotated[
    Uris, typer.Option(help="Where people are sent back to; repeat for several.")
]
PostLogoutRedirectUri = Annotated[
    Uris, typer.Option(help="Where people go after signing out; repeatable.")
]
AuthMethod = Annotated[
    str | None, typer.Option(help="How it authenticates: client_secret_basic, private_key_jwt, …")
]
Jwks = Annotated[
    Path | None, typer.Option(help="A file with its public keys: a JWK Set.", exists=True)
]
JwksUri = Annotated[str | None, typer.Option(help="Where it publishes its keys.")]
GrantType = Annotated[
    list[str] | None, typer.Option(help="What it obtains tokens by; repeat for several.")
]
Scope = Annotated[str | None, typer.Option(help="What it may ask, with spaces between.")]
Alg = Annotated[str | None, typer.Option(help="How its ID tokens are signed.")]
BackchannelLogoutUri = Annotated[
    str | None, typer.Option(help="Where it is told that somebody signed out.")
]
Member = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="Anything else of RFC 7591: `logo_uri=https://…`, `client_name#nl=Ziekenhuis`; "
        "repeatable.",
    ),
]
Document = Annotated[
    Path | None, typer.Option("--metadata", help="A file: the JSON of RFC 7591.", exists=True)
]
Ssin = Annotated[
    bool | None,
    typer.Option("--ssin/--no-ssin", help="It may ask for the national number (scope ssin)."),
]
Pkce = Annotated[
    bool | None,
    typer.Option(help="A confidential client must use PKCE, as public ones always do."),
]
SectorIdentifier = Annotated[
    str | None, typer.Option(help="The host within which a person is the same `sub`.")
]
FirstParty = Annotated[
    bool | None,
    typer.Option(
        "--first-party/--no-first-party", help="It is ours: people aren't asked for consent."
    ),
]
PolicyName = Annotated[
    str | None,
    typer.Option("--policy", help="A policy of keys that its logins keep beside the service's."),
]
DeviceId = Annotated[
    bool | None,
    typer.Option("--device-id/--no-device-id", help="Its access tokens name the device."),
]
ProfileName = Annotated[
    str | None, typer.Option("--profile", help="fapi2: all that FAPI 2.0 asks; none: no profile.")
]
Organisation = Annotated[
    str | None, typer.Option(help="The CBE number of its organisation: ten digits.")
]
ResourceName = Annotated[
    list[str] | None,
    typer.Option("--resource", help="A resource that it may ask tokens for; repeatable."),
]
RefreshIdle = Annotated[
    int | None, typer.Option(help="Days that a refresh token may lie unused.", min=1, max=3650)
]
RefreshLifetime = Annotated[
    int | None, typer.Option(help="Days that refresh tokens live at all.", min=1, max=3650)
]

ProfileKinds = Annotated[
    list[str] | None,
    typer.Option(
        "--profile-kind",
        help="In which capacities people may use it beside that of citizen: quality, "
        "organisation, mandate, child, staff; repeatable. none: as citizens alone. One that is "
        "given the desk's API is for staff alone, if nothing else is said.",
    ),
]
RequiredProfileKinds = Annotated[
    list[str] | None,
    typer.Option(
        "--require-profile-kind",
        help="In which of these they must, one of several; repeatable. none: in any.",
    ),
]
DefaultProfileKind = Annotated[
    str | None,
    typer.Option("--default-profile-kind", help="Which is offered first. none: none."),
]
Needs = Annotated[
    list[str] | None,
    typer.Option(
        "--needs",
        help="A scope that it can't do without, and why, as people read it: "
        '"read=To show your letters", "read#nl=Om uw brieven te tonen"; repeatable. '
        '"read=" takes it away.',
    ),
]


@dataclass(frozen=True, slots=True)
class ClientOptionValues:
    """The values of the options of `authn clients add` and `change`.

    `file`, `pairs` and `members` are what the client says of itself, by the names of RFC 7591;
    `decided` is what the operator decides, by the names of `Client`.
    """

    file: Path | None
    pairs: list[str]
    members: dict[str, Any]
    decided: dict[str, Any]
    needs: list[str]

    def document(self, **more: Any) -> dict[str, Any]:
        """The document of the client, with further members; raises as `build_client_document`."""
        return build_client_document(self.file, self.pairs, **{**self.members, **more})

    def operator_values(
        self, settings: Settings, reasons: Mapping[str, Mapping[str, str]]
    ) -> dict[str, Any]:
        """What the operator decides, by the names of `Client`; `reasons` are the former ones.

        Raises `CommandError`.
        """
        decided = read_operator_values(settings, **self.decided)
        if self.needs:
            decided["scope_reasons"] = merge_scope_reasons(self.needs, reasons)
        return decided


def client_option_values(
    redirect_uri: RedirectUri = None,
    post_logout_redirect_uri: PostLogoutRedirectUri = None,
    auth_method: AuthMethod = None,
    jwks: Jwks = None,
    jwks_uri: JwksUri = None,
    grant_type: GrantType = None,
    scope: Scope = None,
    alg: Alg = None,
    backchannel_logout_uri: BackchannelLogoutUri = None,
    metadata: Document = None,
    member: Member = None,
    ssin: Ssin = None,
    pkce: Pkce = None,
    sector_identifier: SectorIdentifier = None,
    first_party: FirstParty = None,
    policy: PolicyName = None,
    device_id: DeviceId = None,
    profile: ProfileName = None,
    organisation: Organisation = None,
    resource: ResourceName = None,
    refresh_idle: RefreshIdle = None,
    refresh_lifetime: RefreshLifetime = None,
    profile_kind: ProfileKinds = None,
    require_profile_kind: RequiredProfileKinds = None,
    default_profile_kind: DefaultProfileKind = None,
    needs: Needs = None,
) -> ClientOptionValues:
    """The options of `authn clients add` and `change`, as one value."""
    members = {
        "redirect_uris": redirect_uri,
        "post_logout_redirect_uris": post_logout_redirect_uri,
        "token_endpoint_auth_method": auth_method,
        "jwks": read_key_set_file(jwks),
        "jwks_uri": jwks_uri,
        "grant_types": grant_type,
        "scope": scope,
        "id_token_signed_response_alg": alg,
        "backchannel_logout_uri": backchannel_logout_uri,
    }
    decided = {
        "may_read_ssin": ssin,
        "require_pkce": pkce,
        "sector_identifier": sector_identifier,
        "first_party": first_party,
        "policy": policy,
        "may_read_device_id": device_id,
        "profile": profile,
        "organisation": organisation,
        "resources": resource,
        "refresh_idle": refresh_idle,
        "refresh_lifetime": refresh_lifetime,
        "profile_kinds": profile_kind,
        "required_profile_kinds": require_profile_kind,
        "default_profile_kind": default_profile_kind,
    }
    return ClientOptionValues(metadata, member or [], members, decided, needs or [])
