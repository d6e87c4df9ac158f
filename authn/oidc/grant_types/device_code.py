"""The device authorization grant: RFC 8628 §3.4 (https://www.rfc-editor.org/rfc/rfc8628).

Authlib's `validate_token_request` asks for the code, authenticates the client and checks its grant
types; `grants.device_codes` decides whether the device code is valid, in the order of §3.5. Why not
Authlib's `validate_device_credential`: that needs the user code, of which we store a hash alone.
"""

from typing import cast

from authlib.oauth2 import rfc8628

from authn.clients.clients import DEVICE_CODE
from authn.grants import device_codes
from authn.grants.grants import Grant, InvalidGrant
from authn.oidc.grant_types.token_server import TokenGrant
from authn.oidc.tokens.capacity import require_granted_capacity
from authn.oidc.tokens.id_token import check_id_token_can_be_built
from authn.oidc.tokens.sender_constraint import presented_confirmation
from authn.oidc.tokens.token_response import ObtainedTokens, TokenResponse, issue_tokens


class DeviceCodeGrant(TokenGrant, rfc8628.DeviceCodeGrant):
    """`grant_type=urn:ietf:params:oauth:grant-type:device_code`."""

    GRANT_TYPE = DEVICE_CODE

    def query_device_credential(self, device_code: str) -> device_codes.RunningDeviceCode:
        """The client's device code, not spent yet; raises `InvalidGrant`.

        Another client's code is unknown: nobody can spend or slow down somebody else's code.
        """
        client_id = self.client.client_id
        # Before the proof is stored: nothing is stored for a client without a code.
        found = device_codes.find_device_code(self.http.connection, device_code, client_id)
        if found is None:
            raise InvalidGrant("The device code is unknown.")
        check_id_token_can_be_built(self.http, self.client)
        # Once, and before the poll counts: a client may have to make its proof anew.
        self.confirmation = presented_confirmation(self.http, self.client)
        return found

    def validate_device_credential(self, credential: device_codes.RunningDeviceCode) -> Grant:
        """The grant that the person allowed, the code spent; raises the errors of §3.5 before."""
        http = self.http
        return device_codes.redeem_device_code(
            http.connection,
            http.secrets,
            http.settings,
            credential,
            self.confirmation.jkt,
            http.now,
            http.reference,
        )

    def create_token_response(self) -> TokenResponse:
        """The tokens of the grant that the person allowed."""
        grant = cast(Grant, self.request.user)
        profile = require_granted_capacity(self.http, grant, self.client.allowed_profile_kinds)
        return issue_tokens(
            self.http, ObtainedTokens(self.client, grant, profile, self.confirmation)
        )
