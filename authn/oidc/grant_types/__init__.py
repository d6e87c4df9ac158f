"""The grant types that the token endpoint serves: one module and one line each."""

from authlib.oauth2.rfc6749.grants import BaseGrant

from authn.oidc.grant_types.authorization_code import AuthorizationCode

GRANT_TYPES: dict[str, type[BaseGrant]] = {
    AuthorizationCode.GRANT_TYPE: AuthorizationCode,
}
