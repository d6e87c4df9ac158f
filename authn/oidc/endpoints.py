"""Every route of the OpenID Provider."""

from starlette.routing import BaseRoute

from authn.oidc import authorize, discovery, end_session, jwks, token, userinfo

routes: list[BaseRoute] = [
    *discovery.routes,
    *jwks.routes,
    *authorize.routes,
    *token.routes,
    *userinfo.routes,
    *end_session.routes,
]
