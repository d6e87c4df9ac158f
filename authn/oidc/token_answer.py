"""What /token answers: the same for every grant type.

RFC 6749 §5.1 (https://www.rfc-editor.org/rfc/rfc6749#section-5.1), RFC 8707 §2.2 for whom the
access token is for.
"""

from dataclasses import dataclass
from typing import Any

import orjson

from authn.clients.clients import Client
from authn.clients.resources import Resource, find_resource
from authn.consents.scopes import OPENID
from authn.grants.confirmation import UNBOUND, Confirmation
from authn.grants.grants import Grant
from authn.keys.signing_keys import current_keys
from authn.oidc.access_token import Authorised, access_token, userinfo_audience
from authn.oidc.id_token import id_token
from authn.people.subjects import subject_of
from authn.web.protocol import ProtocolError
from authn.web.request import Request

Answer = tuple[int, str, list[tuple[str, str]]]  # as Authlib's grants give it


@dataclass(frozen=True, slots=True)
class Obtained:
    """What a grant type obtained: for whom, of which grant, bound to what."""

    client: Client
    grant: Grant
    confirmation: Confirmation = UNBOUND
    nonce: str = ""


def answer(request: Request, obtained: Obtained) -> Answer:
    """The access token and, where `openid` was granted, the ID token (Core §3.1.3.3)."""
    client, grant = obtained.client, obtained.grant
    authorised = authorised_for(request, obtained)
    keys = current_keys(request.site, request.connection, request.now)
    token = access_token(keys, request.settings, request.secrets, authorised, request.now)
    lifetime = authorised.expires_at(request.now) - request.now
    body: dict[str, Any] = {
        "access_token": token,
        "token_type": obtained.confirmation.token_type,
        "expires_in": int(lifetime.total_seconds()),
        "scope": authorised.scope,
    }
    if authorised.authorization_details:
        body["authorization_details"] = authorised.authorization_details
    if OPENID in grant.scope.split():
        body["id_token"] = id_token(
            keys, request.settings, client, grant, obtained.nonce, token, request.now
        )
    return token_response(body)


def token_response(body: dict[str, Any]) -> Answer:
    """The answer with this body."""
    return 200, orjson.dumps(body).decode(), []


def authorised_for(request: Request, obtained: Obtained) -> Authorised:
    """What the access token of this answer says: for the one resource that was asked and granted.

    Raises `ProtocolError` (`invalid_target`).
    """
    client, grant = obtained.client, obtained.grant
    resource = _resource(request, grant)
    if resource is None:
        audience, subject = userinfo_audience(request.settings), grant.subject
        sector, scope = client.sector_identifier, grant.scope
    else:
        audience, sector = resource.resource, resource.sector_identifier
        subject = subject_of(request.connection, grant.person_id, sector, request.now)
        scope = " ".join(each for each in grant.scope.split() if each in resource.scopes)
    return Authorised(
        client=client,
        audience=audience,
        subject=subject,
        sector=sector,
        scope=scope,
        grant=grant,
        confirmation=obtained.confirmation,
        authorization_details=grant.allowed.authorization_details,
    )


def _resource(request: Request, grant: Grant) -> Resource | None:
    """The resource that the token is for; None for userinfo."""
    granted = grant.allowed.resources
    asked = request.form.get("resource", "")
    if not granted and asked in ("", userinfo_audience(request.settings)):
        return None
    if not asked and len(granted) > 1:
        raise invalid_target("Several resources were granted: name the one that you want.")
    resource = asked or granted[0]
    if resource == userinfo_audience(request.settings):
        return None
    found = find_resource(request.connection, resource) if resource in granted else None
    if found is None:
        raise invalid_target("The resource was not granted, or is not one alone.")
    return found


def invalid_target(description: str) -> ProtocolError:
    """The refusal of RFC 8707 §2."""
    return ProtocolError("invalid_target", description)
