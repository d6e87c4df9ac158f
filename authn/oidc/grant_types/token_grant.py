"""What every grant type of ours has in common, beside the class of Authlib that it is of."""

from collections.abc import Collection
from typing import TYPE_CHECKING, cast

from authlib.oauth2.rfc6749 import ClientMixin
from authlib.oauth2.rfc6749.grants import BaseGrant

from authn.clients.clients import Client
from authn.oidc.client_authentication import METHODS
from authn.web.request import Request

if TYPE_CHECKING:
    from authn.oidc.token import TokenServer


class TokenGrant(BaseGrant):
    """A grant type at the token endpoint, with the request as `web` read it, and its client."""

    TOKEN_ENDPOINT_AUTH_METHODS: Collection[str] = tuple(METHODS)
    server: "TokenServer"

    @property
    def http(self) -> Request:
        """The request, its transaction open."""
        return self.server.http

    @property
    def client(self) -> Client:
        """Who asks; there once it has authenticated."""
        return cast(Client, self.request.client)

    def authenticate_token_endpoint_client(self) -> ClientMixin:
        """The client, kept: Authlib keeps it only after it has looked at what was presented."""
        self.request.client = super().authenticate_token_endpoint_client()
        return self.request.client
