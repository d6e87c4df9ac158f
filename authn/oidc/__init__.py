"""The OpenID Provider: one module per endpoint, and rooms for what endpoints share.

    endpoints    every route; each endpoint's module at the top is named after its address:
                 authorize, par, device_authorization, token, userinfo, introspect, revoke,
                 end_session (/logout), grant_management (/grants), discovery, jwks, developers
    cors         which scripts of other origins may read answers
    requests     what an authorization request asks, read and checked
    client_authentication  which client calls
    grant_types  one module per grant type; `token.GRANT_TYPES` lists them
    tokens       what is issued, what tokens are bound to, and whether a presented token is active
    registration a client registers itself, and manages its registration
    security_events  what is pushed to applications and resources after the commit

What a client holds and what a person allowed is in the rooms `grants`, `clients` and `consents`;
the pages between a request and its answer are in `login`. Begin with `authorize` and `token`.

Why: the checks of /authorize are our own, since Authlib defaults PKCE to `plain`, asks it of public
clients only, and words some errors otherwise than OpenID Connect. At /token Authlib chooses the
grant type and checks its parameters (decisions 4.19).
"""
