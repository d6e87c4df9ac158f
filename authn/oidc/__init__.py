"""The OpenID Provider: one file per endpoint, `grant_types/` one per grant type.

    discovery    /.well-known/openid-configuration, /.well-known/oauth-authorization-server
    jwks         /jwks
    authorize    /authorize; its checks are in authorization_checks, for what access is asked in
                 requested_access, for how somebody signs in in requested_authentication; what a
                 client signed of its request in request_objects
    par          /par
    device_authorization  /device_authorization; the pages are login's
    token        /token, on Authlib's AuthorizationServer; what is answered is in token_answer
    userinfo     /userinfo; how a token is presented to us in protected_resource
    introspect   /introspect; as a JWT in introspection_jwt
    revoke       /revoke
    end_session  /logout; backchannel_logout tells applications of it
    register     /register; who may is its first question, what may be said is clients' to check
    client_configuration  /register/{client_id}
    client_logo  /clients/{client_id}/logo
    developers   /developers
    client_authentication
                 who calls; client_assertion and client_certificate are two of the ways
    confirmation what new tokens are bound to: by dpop, or by a client certificate
    offer        what a client may be registered with, by itself and by the operator
    claims_parameter, authorization_details
                 single claims and details; where each comes from is in the room consents
    id_token     what an ID token says
    access_token what an access token says; token_format, opaque_token and encrypted_token in which
                 form; living_token whether one that is presented is alive
    acting_token whether the capacity in which it acts still holds; capacity_claims what is told of
                 that, may_act for whom else one could act, on_behalf who acts for whom by an
                 exchange, profile_switch an exchange to another capacity
    cors         which scripts of other origins may read which answers

Why a table of checks of our own at /authorize: Authlib's defaults PKCE to `plain`, asks it of
public clients only, and says some errors differently from what OpenID Connect wants. Client
authentication, the choice of the grant and its errors are Authlib's (decisions 4.19).
"""
