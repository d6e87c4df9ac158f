"""The device authorization grant: RFC 8628 §3.4 (https://www.rfc-editor.org/rfc/rfc8628).

Authlib's `validate_token_request` asks for the code, authenticates the client and looks whether it
may have this grant; what a device code is worth, `grants.device_codes` decides, in the order of
§3.5. Why not by Authlib's `validate_device_credential`: that knows the user code, of which we store
a hash alone.
"""

from typing import cast

from authlib.oauth2 import rfc8628

from authn.clients.clients import DEVICE_CODE
from authn.grants import device_codes
from authn.grants.grants import Grant, InvalidGrant
from authn.oidc.acting_token import granted_capacity
from authn.oidc.confirmation import presented_confirmation
from authn.oidc.grant_types.token_grant import TokenGrant
from authn.oidc.id_token import check_it_can_be_made
from authn.oidc.token_answer import Answer, ObtainedTokens, answer


class DeviceCodeGrant(TokenGrant, rfc8628.DeviceCodeGrant):
    """`grant_type=urn:ietf:params:oauth:grant-type:device_code`."""

    GRANT_TYPE = DEVICE_CODE

    def query_device_credential(self, device_code: str) -> device_codes.RunningDeviceCode:
        """The device code of this client, unspent; raises `InvalidGrant`.

        Nobody can harm a client by a code that it was not given: another's is as one that is none.
        """
        client_id = self.client.client_id
        # First, so that who has none of our codes has no proof remembered.
        found = device_codes.find_device_code(self.http.connection, device_code, client_id)
        if found is None:
            raise InvalidGrant("The device code is unknown.")
        check_it_can_be_made(self.http, self.client)
        # Once, and before it counts: a proof that must be made anew is no poll.
        self.confirmation = presented_confirmation(self.http, self.client)
        return found

    def validate_device_credential(self, credential: device_codes.RunningDeviceCode) -> Grant:
        """What the person allowed, the code spent; raises what the device is told until then."""
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

    def create_token_response(self) -> Answer:
        """The tokens of what the person allowed."""
        grant = cast(Grant, self.request.user)
        profile = granted_capacity(self.http, grant, self.client.allowed_profile_kinds)
        return answer(self.http, ObtainedTokens(self.client, grant, profile, self.confirmation))
