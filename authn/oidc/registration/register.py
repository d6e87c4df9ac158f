"""/register: an application registers itself.

RFC 7591 §3 (https://www.rfc-editor.org/rfc/rfc7591#section-3), OpenID Connect Dynamic Client
Registration 1.0 §3 (https://openid.net/specs/openid-connect-registration-1_0.html). A setting says
who may register: everybody, holders of an initial access token, or nobody.

Why the token is checked first and spent last: nobody without a token learns anything or has
anything fetched, and a client may mend a mistake with the same token.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import orjson
from starlette.responses import Response

from authn.clients.client_metadata import InvalidClientMetadata
from authn.clients.client_registration.document import (
    ClientDocument,
    check_sector_document,
    read_client_metadata,
    write_client_metadata,
)
from authn.clients.client_registration.initial_access_tokens import (
    is_initial_access_token_usable,
    spend_initial_access_token,
)
from authn.clients.client_registration.members import RegistrableValues
from authn.clients.client_registration.registration import RegisteredClient, add_client, new_client
from authn.clients.clients import count_self_registered, new_client_id
from authn.clients.redirect_uris import InvalidRedirectUri
from authn.errors import N_, NotFound, Unavailable
from authn.jose import numeric_date
from authn.oidc.client_authentication.credentials import authorization_headers
from authn.oidc.registration.permitted_metadata import registrable_by_client
from authn.oidc.registration.software_statement import SOFTWARE_STATEMENT, apply_software_statement
from authn.secrets import new_token, token_hash
from authn.web.documents import remembered_document
from authn.web.outgoing import NoAnswer
from authn.web.protocol import ProtocolError
from authn.web.request import Request
from authn.web.routing import protocol_route

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
HOUR = timedelta(hours=1)


def register(request: Request) -> Response:
    """The application is registered as a client (RFC 7591 §3.2.1).

    Raises a `ProtocolError` in the form of §3.2.2.
    """
    check_registration_is_on(request)
    token = bearer_token(request.headers)
    _check_may_register(request, token)
    client_id, registration_access_token = new_client_id(), new_token()
    with registration_errors():
        document = read_client_document(request, registrable_by_client(request.settings))
        registered = new_client(
            request.now,
            client_id=client_id,
            require_pkce=False,  # decisions 4.1
            registration_access_token_hash=token_hash(registration_access_token),
            **document.client_fields(client_id),
        )
    if not _spend_token(request, token):
        raise invalid_token()
    add_client(request.connection, request.secrets, registered, request.now, request.reference)
    return client_information(request, registered, registration_access_token, status=201)


def check_registration_is_on(request: Request) -> None:
    """Raises `NotFound` where the setting lets nobody register."""
    if request.settings.registration == "off":
        raise NotFound("not_found", N_("The page you asked for does not exist."))


def bearer_token(headers: Mapping[str, str]) -> str:
    """The token in the one Authorization header (RFC 6750 §2.1); "" for none."""
    sent = authorization_headers(headers)
    scheme, _, token = (sent[0] if len(sent) == 1 else "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def invalid_token() -> ProtocolError:
    """The error `invalid_token` (RFC 6750 §3.1)."""
    return ProtocolError(
        "invalid_token",
        "The access token is missing, unknown or used up.",
        status=401,
        headers={"WWW-Authenticate": 'Bearer realm="register", error="invalid_token"'},
    )


def _check_may_register(request: Request, token: str) -> None:
    """Raises `ProtocolError` or `Unavailable` before anything of the document is looked at."""
    if request.settings.registration == "token":
        if not is_initial_access_token_usable(request.connection, token, request.now):
            raise invalid_token()
        return
    lately = count_self_registered(request.connection, request.now - HOUR)
    if lately >= request.settings.registrations_per_hour:
        raise Unavailable(detail="registrations within an hour", retry_after=600)


def _spend_token(request: Request, token: str) -> bool:
    """Whether the registration is allowed; spends one use of the initial access token."""
    return request.settings.registration == "open" or spend_initial_access_token(
        request.connection, token, request.now
    )


@contextmanager
def registration_errors() -> Iterator[None]:
    """Turns faults of metadata into errors that name the member, and repeat no input (§3.2.2)."""
    try:
        yield
    except InvalidRedirectUri as refusal:
        raise ProtocolError(refusal.error, f"redirect_uris: {refusal.description}") from None
    except InvalidClientMetadata as refusal:
        about = f"{refusal.member}: " if refusal.member else ""
        raise ProtocolError(refusal.error, about + refusal.description) from None


def read_client_document(request: Request, offer: RegistrableValues) -> ClientDocument:
    """The metadata in the client's document, or in its software statement.

    Raises `InvalidClientMetadata` or `ProtocolError`, and `NeededFromOutside` for the document at
    `sector_identifier_uri`.
    """
    document = apply_software_statement(request.settings, request.json, request.now)
    read = read_client_metadata(document, offer)
    uri = read.metadata.sector_identifier_uri
    if uri:
        try:
            named = remembered_document(request.site, uri, request.now, refetch=True)
        except NoAnswer:
            raise InvalidClientMetadata(
                N_("This address does not answer as it must."), "sector_identifier_uri"
            ) from None
        check_sector_document(named, read.redirect_uris)
    return read


def client_information(
    request: Request,
    registered: RegisteredClient,
    registration_access_token: str,
    status: int = 200,
) -> Response:
    """The response with all that is registered of the client (§3.2.1, RFC 7592 §3)."""
    client = registered.client
    information: dict[str, Any] = {
        "client_id": client.client_id,
        "client_id_issued_at": numeric_date(client.created_at),
        "registration_access_token": registration_access_token,
        "registration_client_uri": request.settings.issuer + f"/register/{client.client_id}",
        **write_client_metadata(client),
    }
    if registered.client_secret:
        information |= {"client_secret": registered.client_secret, "client_secret_expires_at": 0}
    if SOFTWARE_STATEMENT in request.json:
        information[SOFTWARE_STATEMENT] = request.json[SOFTWARE_STATEMENT]
    return Response(orjson.dumps(information), status, NO_STORE, "application/json")


routes = [protocol_route("/register", register, methods=["POST"], writes=True, body="json")]
