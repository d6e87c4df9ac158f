"""The grant types that the token endpoint serves: one module and one line each."""

from authlib.oauth2.rfc6749.grants import BaseGrant

from authn.oidc.grant_types.authorization_code import AuthorizationCodeGrant
from authn.oidc.grant_types.client_credentials import ClientCredentialsGrant
from authn.oidc.grant_types.device_code import DeviceCodeGrant
from authn.oidc.grant_types.jwt_bearer import JwtBearerGrant
from authn.oidc.grant_types.refresh_token import RefreshTokenGrant
from authn.oidc.grant_types.token_exchange import TokenExchangeGrant

GRANT_TYPES: dict[str, type[BaseGrant]] = {
    AuthorizationCodeGrant.GRANT_TYPE: AuthorizationCodeGrant,
    RefreshTokenGrant.GRANT_TYPE: RefreshTokenGrant,
    ClientCredentialsGrant.GRANT_TYPE: ClientCredentialsGrant,
    DeviceCodeGrant.GRANT_TYPE: DeviceCodeGrant,
    TokenExchangeGrant.GRANT_TYPE: TokenExchangeGrant,
    JwtBearerGrant.GRANT_TYPE: JwtBearerGrant,
}
