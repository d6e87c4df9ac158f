"""The grant types that the token endpoint serves: one module and one line each."""

from authlib.oauth2.rfc6749.grants import BaseGrant

from authn.oidc.grant_types.authorization_code import AuthorizationCode
from authn.oidc.grant_types.client_credentials import ClientCredentials
from authn.oidc.grant_types.device_code import DeviceCode
from authn.oidc.grant_types.jwt_bearer import JwtBearer
from authn.oidc.grant_types.refresh_token import RefreshToken
from authn.oidc.grant_types.token_exchange import TokenExchange

GRANT_TYPES: dict[str, type[BaseGrant]] = {
    AuthorizationCode.GRANT_TYPE: AuthorizationCode,
    RefreshToken.GRANT_TYPE: RefreshToken,
    ClientCredentials.GRANT_TYPE: ClientCredentials,
    DeviceCode.GRANT_TYPE: DeviceCode,
    TokenExchange.GRANT_TYPE: TokenExchange,
    JwtBearer.GRANT_TYPE: JwtBearer,
}
