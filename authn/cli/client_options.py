"""What `authn clients add` and `change` are told: each option once, and the document it makes.

The document is the one of RFC 7591 (`clients.client_metadata_document`), so that the command line
and the registration endpoint are held against the same rules. What is the operator's to decide is
no part of it.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from sqlalchemy import Connection

from authn.clients.client_metadata import InvalidClientMetadata
from authn.clients.client_metadata_members import IN_LANGUAGES, OF_EVERY_CLIENT, OPTIONAL
from authn.clients.redirect_uris import InvalidRedirectUri
from authn.clients.resources import find_resource
from authn.consents.scopes import SCOPES, SSIN
from authn.errors import CommandError
from authn.policies import BUILT_IN, find_policy
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
Said = Annotated[
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


def document_of(file: Path | None, pairs: Iterable[str], **options: Any) -> dict[str, Any]:
    """What is said of the client, by the names of RFC 7591: a file, then options, then pairs.

    Raises `CommandError` for what is no document, and for a name that nobody knows.
    """
    document: dict[str, Any] = dict(_read_object(file)) if file else {}
    document |= {name: value for name, value in options.items() if value not in (None, [])}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        base = name.partition("#")[0]
        known = base in IN_LANGUAGES or name in OF_EVERY_CLIENT or name in OPTIONAL
        if not equals or not known:
            raise CommandError(f"Not a value of a client: {name}. It is written NAME=VALUE.")
        document[name] = _value(name, text)
    return document


def _value(name: str, text: str) -> Any:
    """The text as the member's type: JSON where it is JSON, a list where one is wanted."""
    try:
        value = orjson.loads(text)
    except ValueError:
        value = text
    # A version such as 2.1 is a text all the same.
    if isinstance(value, int | float) and not isinstance(value, bool) and name != "default_max_age":
        value = text
    lists = ("redirect_uris", "post_logout_redirect_uris", "response_types")
    if isinstance(value, str) and (name in lists or name in _LISTS):
        return value.split()
    return value


_LISTS = (
    "grant_types",
    "contacts",
    "request_uris",
    "authorization_details_types",
    "default_acr_values",
    "response_modes",
)


def key_set(file: Path | None) -> Mapping[str, Any] | None:
    """The JWK Set of a file; None without a file."""
    return _read_object(file) if file else None


def _read_object(file: Path) -> Mapping[str, Any]:
    try:
        value = orjson.loads(file.read_bytes())
    except ValueError:
        raise CommandError(f"{file} is not JSON.") from None
    if not isinstance(value, dict):
        raise CommandError(f"{file} holds no JSON object.")
    return value


def granted(settings: Settings, **options: Any) -> dict[str, Any]:
    """What the operator decides, by the names of `Client`; what was not said is left out.

    Raises `CommandError` for a policy or a profile that there is not.
    """
    policy, profile = options.get("policy"), options.get("profile")
    if policy and find_policy(settings.policies, policy) is None:
        names = ", ".join([*BUILT_IN, *settings.policies])
        raise CommandError(f"There is no policy {policy}; there are {names}.")
    if profile not in (None, "none", "fapi2"):
        raise CommandError(f"There is no profile {profile}; there are fapi2 and none.")
    given = {name: value for name, value in options.items() if value not in (None, [])}
    if profile == "none":
        given["profile"] = ""
    for name in ("refresh_idle", "refresh_lifetime"):
        if name in given:
            given[name] = int(timedelta(days=given[name]).total_seconds())
    return given


def scopes_of_resources(connection: Connection, resources: Iterable[str]) -> tuple[str, ...]:
    """The scopes of these resources; raises `CommandError` for one that there is not."""
    scopes: list[str] = []
    for name in resources:
        resource = find_resource(connection, name)
        if resource is None:
            raise CommandError(f"There is no resource {name}: `authn resources add` makes one.")
        scopes += resource.scopes
    return tuple(dict.fromkeys(scopes))


def check_scopes(scopes: Iterable[str], of_resources: Iterable[str], *, ssin: bool) -> None:
    """Raises `CommandError` unless there are all of these scopes, and `ssin` has its permission."""
    known = [*SCOPES, *of_resources]
    for scope in scopes:
        if scope not in known:
            raise CommandError(f"There is no scope {scope}; there are {', '.join(known)}.")
    if SSIN in scopes and not ssin:
        raise CommandError("The scope ssin needs the permission too: add --ssin.")


def sentence_of(refusal: InvalidClientMetadata | InvalidRedirectUri) -> str:
    """What is wrong, with what it is wrong of."""
    if isinstance(refusal, InvalidRedirectUri):
        return f"{refusal.uri}: {refusal.description}"
    return f"{refusal.member}: {refusal.description}" if refusal.member else refusal.description
