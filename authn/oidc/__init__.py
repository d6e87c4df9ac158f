"""The OpenID Provider: one file per endpoint, `grant_types/` one per grant type.

    discovery    /.well-known/openid-configuration, /.well-known/oauth-authorization-server
    jwks         /jwks
    authorize    /authorize; its checks are in authorization_checks
    token        /token, on Authlib's AuthorizationServer
    userinfo     /userinfo
    end_session  /logout
    claims       scopes, their claims, and where each value comes from
    id_token     what an ID token says
    access_token what an access token says, and whether one is valid
    cors         which scripts of other origins may read which answers

Why a table of checks of our own at /authorize: Authlib's defaults PKCE to `plain`, asks it of
public clients only, and says some errors differently from what OpenID Connect wants. Client
authentication, the choice of the grant and its errors are Authlib's (protocol 4.19).
"""
