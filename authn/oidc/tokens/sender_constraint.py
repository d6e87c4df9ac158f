"""The key or certificate of a request to which new tokens are bound (sender-constrained tokens).

RFC 9449 §5 (https://www.rfc-editor.org/rfc/rfc9449#section-5), RFC 8705 §3
(https://www.rfc-editor.org/rfc/rfc8705#section-3).
"""

from collections.abc import Callable

from authn.clients.clients import Client
from authn.grants.confirmation import UNBOUND, Confirmation
from authn.oidc.client_authentication.client_certificate import (
    certificate_thumbprint,
    presented_certificate,
)
from authn.oidc.tokens.dpop import HEADER, presented_jkt
from authn.web.protocol import ProtocolError
from authn.web.request import Request


def presented_confirmation(request: Request, client: Client) -> Confirmation:
    """The confirmation of the tokens that the request obtains: a key, a certificate, or `UNBOUND`.

    Spends the DPoP proof: a grant type calls this once, before a code or token is spent, so that a
    client that must come again with a nonce still can. Raises `ProtocolError` for a bad proof, and
    without one where the client's tokens are always bound.
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
    """The confirmation for a client that presents a code or token of which it may be the owner.

    As `presented_confirmation`; but anybody can pose as a public client and make any number of
    keys, so the proof of a client that is not the owner, and is about to be refused, is not stored.
    """
    if client.public and HEADER in request.headers and not is_owner():
        return UNBOUND
    return presented_confirmation(request, client)


def presented_thumbprint(request: Request) -> str:
    """The thumbprint of the connection's client certificate (RFC 8705 §3.1); "" for none."""
    certificate = presented_certificate(request)
    return certificate_thumbprint(certificate) if certificate else ""
