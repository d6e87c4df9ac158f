"""What the tokens of a request are to be bound to: the key or certificate that came with it.

RFC 9449 §5 (https://www.rfc-editor.org/rfc/rfc9449#section-5), RFC 8705 §3
(https://www.rfc-editor.org/rfc/rfc8705#section-3).
"""

from collections.abc import Callable

from authn.clients.clients import Client
from authn.grants.confirmation import UNBOUND, Confirmation
from authn.oidc.client_certificate import certificate_thumbprint, presented_certificate
from authn.oidc.dpop import HEADER, presented_jkt
from authn.web.protocol import ProtocolError
from authn.web.request import Request


def presented_confirmation(request: Request, client: Client) -> Confirmation:
    """What the tokens that this request obtains for the client are bound to.

    It spends the DPoP proof: a grant type asks once, before it spends what was presented, so that a
    client that must come again with a nonce still can. Raises `ProtocolError` for a bad proof, and
    where none came though the client's tokens are always bound.
    """
    metadata = client.metadata
    if jkt := presented_jkt(request, client):
        return Confirmation(jkt=jkt)
    if metadata.dpop_bound_access_tokens:  # RFC 9449 §5.2
        # `invalid_dpop_proof` is for a proof that came (§5); without one something is missing.
        raise ProtocolError("invalid_request", "The tokens of this client need a DPoP proof.")
    if metadata.tls_client_certificate_bound_access_tokens or client.fapi:
        if thumbprint := presented_thumbprint(request):
            return Confirmation(x5t_s256=thumbprint)
        raise ProtocolError(
            "invalid_request", "The tokens of this client need a certificate or a DPoP proof."
        )
    return UNBOUND


def confirmation_of_owner(
    request: Request, client: Client, is_owner: Callable[[], bool]
) -> Confirmation:
    """As `presented_confirmation`, for a client that presents what only its owner has.

    Anybody can say to be a public client, and make any number of keys: of who isn't `is_owner`, and
    is refused for that in a moment, no proof is remembered.
    """
    if client.public and HEADER in request.headers and not is_owner():
        return UNBOUND
    return presented_confirmation(request, client)


def presented_thumbprint(request: Request) -> str:
    """That of the certificate which the client connected with (RFC 8705 §3.1); "" for none."""
    certificate = presented_certificate(request)
    return certificate_thumbprint(certificate) if certificate else ""
