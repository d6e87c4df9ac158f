"""The client credentials grant: RFC 6749 §4.4 (https://www.rfc-editor.org/rfc/rfc6749#section-4.4).

For systems: the token is the organisation's, with its CBE number in `cbe`, and speaks of no person.
It is for one of the resources that the operator gave the client (RFC 8707), never for userinfo, and
lives while its client does. There is no refresh token (§4.4.3). An application gets one to manage
its own grants (`grant_management`).
"""

from authlib.oauth2.rfc6749 import grants

from authn.clients.clients import CLIENT_CREDENTIALS, Client
from authn.clients.permissions import SYSTEM, ClientIdentity, refusals
from authn.clients.resources import Resource
from authn.consents.scopes import SCOPES
from authn.oidc.access_token import AuthorisedAccess
from authn.oidc.confirmation import presented_confirmation
from authn.oidc.grant_management import authorised_to_manage
from authn.oidc.grant_types.token_grant import TokenGrant
from authn.oidc.narrowed_details import details_of_system, narrowed_details
from authn.oidc.token_answer import Answer, asked_resource, issued, token_response
from authn.web.protocol import ProtocolError


class ClientCredentialsGrant(TokenGrant, grants.ClientCredentialsGrant):
    """`grant_type=client_credentials`."""

    GRANT_TYPE = CLIENT_CREDENTIALS

    def validate_token_request(self) -> None:
        """The client authenticated, with a method that proves something (§4.4.2)."""
        super().validate_token_request()
        if self.client.public:
            raise ProtocolError(
                "unauthorized_client", "A public client has no tokens of its own (RFC 6749 4.4)."
            )

    def create_token_response(self) -> Answer:
        """The access token alone (§4.4.3)."""
        http, client = self.http, self.client
        if to_manage := authorised_to_manage(http, client):
            return token_response(issued(http, narrowed_details(http, to_manage)))
        if not client.organisation:  # what it has at resources is an organisation's
            raise ProtocolError("invalid_target", "This client has tokens for its grants alone.")
        resource = asked_resource(http, client)
        details = details_of_system(http, client, resource)
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
        return token_response(issued(http, authorised))


def granted_scope(resource: Resource, client: Client, asked: str) -> str:
    """The scope that the client has at the resource: what it asked, or all that it may.

    Raises `ProtocolError` (`invalid_scope`) for one that speaks of a person, and for any that is
    not the resource's, not the client's or not for systems.
    """
    refused = refusals(ClientIdentity(SYSTEM, None), resource.scopes, resource)
    may = [
        each
        for each in resource.scopes
        if client.may_ask(each) and each not in SCOPES and each not in refused
    ]
    wanted = list(dict.fromkeys(asked.split())) or may
    if not set(wanted) <= set(may):
        raise ProtocolError("invalid_scope", "The scope is not one of the client at this resource.")
    return " ".join(wanted)
