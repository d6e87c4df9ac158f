"""Every route of the OpenID Provider."""

from starlette.routing import BaseRoute

from authn.oidc import (
    authorize,
    developers,
    device_authorization,
    discovery,
    end_session,
    grant_management,
    introspect,
    jwks,
    par,
    revoke,
    token,
    userinfo,
)
from authn.oidc.registration import client_configuration, client_logo, register

routes: list[BaseRoute] = [
    *discovery.routes,
    *jwks.routes,
    *developers.routes,
    *authorize.routes,
    *par.routes,
    *device_authorization.routes,
    *token.routes,
    *userinfo.routes,
    *introspect.routes,
    *revoke.routes,
    *end_session.routes,
    *grant_management.routes,
    *register.routes,
    *client_configuration.routes,
    *client_logo.routes,
]
