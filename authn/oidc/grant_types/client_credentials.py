"""The client credentials grant: RFC 6749 §4.4 (https://www.rfc-editor.org/rfc/rfc6749#section-4.4).

For systems: the token is the organisation's, with its CBE number in `cbe`, and about no person. The
token is for one of the resources that the operator gave the client (RFC 8707), never for userinfo,
and active while its client exists. There is no refresh token (§4.4.3). An application obtains such
a token to manage its own grants (`grant_management`).
"""

from authlib.oauth2.rfc6749 import grants

from authn.clients.clients import CLIENT_CREDENTIALS, Client
from authn.clients.resource_servers.permissions import (
    SYSTEM,
    ClientIdentity,
    find_refused_permissions,
)
from authn.clients.resource_servers.resources import Resource
from authn.consents.scopes import SCOPES
from authn.oidc.grant_management import management_access
from authn.oidc.grant_types.token_server import TokenGrant
from authn.oidc.tokens.access_token import AuthorisedAccess
from authn.oidc.tokens.narrowed_details import narrow_details, system_details
from authn.oidc.tokens.sender_constraint import presented_confirmation
from authn.oidc.tokens.token_response import (
    TokenResponse,
    encode_response,
    issue_access_token,
    requested_resource,
)
from authn.web.protocol import ProtocolError


class ClientCredentialsGrant(TokenGrant, grants.ClientCredentialsGrant):
    """`grant_type=client_credentials`."""

    GRANT_TYPE = CLIENT_CREDENTIALS

    def validate_token_request(self) -> None:
        """Raises `ProtocolError` unless a confidential client authenticates (§4.4.2)."""
        super().validate_token_request()
        if self.client.public:
            raise ProtocolError(
                "unauthorized_client", "A public client has no tokens of its own (RFC 6749 4.4)."
            )

    def create_token_response(self) -> TokenResponse:
        """The response with an access token alone (§4.4.3)."""
        http, client = self.http, self.client
        if to_manage := management_access(http, client):
            return encode_response(issue_access_token(http, narrow_details(http, to_manage)))
        if not client.organisation:  # access at resources is an organisation's
            raise ProtocolError("invalid_target", "This client has tokens for its grants alone.")
        resource = requested_resource(http, client)
        details = system_details(http, client, resource)
        asked = http.form.get("scope", "")
        # Who names details and no scope means those alone (RFC 9396 §3): not all that it may.
        scope = granted_scope(resource, client, asked) if asked or not details else ""
        authorised = AuthorisedAccess(
            client=client,
            audience=resource.resource,
            subject=client.client_id,  # RFC 9068 §2.2: no resource owner is involved
            sector=resource.sector_identifier,
            resource=resource,
            scope=scope,
            confirmation=presented_confirmation(http, client),
            authorization_details=details,
            organisation=client.organisation,
        )
        return encode_response(issue_access_token(http, authorised))


def granted_scope(resource: Resource, client: Client, asked: str) -> str:
    """The scope of a system at the resource: as asked, or all that the client may have.

    Raises `ProtocolError` (`invalid_scope`) for a scope about a person, and for one that is not the
    resource's, not the client's or not for systems.
    """
    refused = find_refused_permissions(ClientIdentity(SYSTEM, None), resource.scopes, resource)
    may = [
        each
        for each in resource.scopes
        if client.may_ask(each) and each not in SCOPES and each not in refused
    ]
    wanted = list(dict.fromkeys(asked.split())) or may
    if not set(wanted) <= set(may):
        raise ProtocolError("invalid_scope", "The scope is not one of the client at this resource.")
    return " ".join(wanted)
