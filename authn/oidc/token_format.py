"""In which form an access token goes out: a JWT, encrypted to its resource or not, or opaque.

RFC 9068 §2 (https://www.rfc-editor.org/rfc/rfc9068#section-2), RFC 7519 §5.2 for one inside another
(https://www.rfc-editor.org/rfc/rfc7519#section-5.2). The operator says which, for each resource. A
key of the resource that can't be had, or that doesn't fit, costs the client nothing: its code and
its refresh token are as they were.
"""

from authn.clients.client_tokens import DEFAULT_CONTENT_ENCRYPTION
from authn.clients.clients import find_client
from authn.clients.key_sets import keys_of_client
from authn.clients.resources import Resource
from authn.errors import Unavailable
from authn.foreign_jwt import NoFittingKey
from authn.jose import ES256, sign
from authn.keys.signing_keys import current_keys
from authn.oidc.access_token import TYP, AuthorisedAccess, access_token_claims, is_opaque
from authn.oidc.encrypted_token import KEY_ENCRYPTIONS, sealed_jwe
from authn.oidc.opaque_token import sealed_claims
from authn.web.outgoing import NoAnswer
from authn.web.protocol import ProtocolError
from authn.web.request import Request
from authn.web.routing import with_nothing_done


def access_token(request: Request, authorised: AuthorisedAccess) -> str:
    """The token, as its resource wants it; one for userinfo is a JWT.

    Raises `NeededFromOutside` for the keys of the resource.
    """
    resource, secrets = authorised.resource, request.secrets
    claims = access_token_claims(request.settings, secrets, authorised, request.now)
    if resource is not None and is_opaque(resource):
        return sealed_claims(secrets, claims)
    keys = current_keys(request.site, request.connection, request.now)
    # At userinfo it is shown to us; another resource mostly verifies by itself.
    token = sign(keys.active[ES256], claims, TYP, comes_back=resource is None)
    if resource is not None and resource.encrypt_tokens:
        return _encrypted(request, resource, token)
    return token


def _encrypted(request: Request, resource: Resource, token: str) -> str:
    """The token inside a JWE, for the first key of the resource's client that may be used so."""
    client = find_client(request.connection, resource.client_id or "")
    if client is None:
        raise with_nothing_done(_no_key())
    try:
        keys = keys_of_client(request.site, client, request.now)
    except NoAnswer as failure:
        unavailable = Unavailable(detail=f"keys of a resource: {failure}")
        raise with_nothing_done(unavailable) from None
    metadata = client.metadata
    # As the client wants its introspection answers, else in any way that its keys are for.
    wanted = metadata.introspection_encrypted_response_alg
    enc = metadata.introspection_encrypted_response_enc or DEFAULT_CONTENT_ENCRYPTION
    for alg in (wanted,) if wanted else KEY_ENCRYPTIONS:
        try:
            return sealed_jwe(request.secrets, token, keys, alg, enc, TYP)
        except NoFittingKey:
            continue
    raise with_nothing_done(_no_key())


def _no_key() -> ProtocolError:
    return ProtocolError(
        "invalid_target", "The resource has no key that an access token can be encrypted to."
    )
