"""The error of an authorization request: RFC 6749 §4.1.2.1, OpenID Connect Core 1.0 §3.1.2.6.

https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1
"""

from authn.errors import Refusal


class AuthorizationError(Refusal):
    """An error that the client is told; `description` is for its developer, in ASCII."""
