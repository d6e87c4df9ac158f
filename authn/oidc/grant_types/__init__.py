"""The grant types of the token endpoint, one module each.

Each class joins a class of Authlib, which checks the parameters of the specification, with
`token_server.TokenGrant`. What a code or a refresh token is worth is decided in the room `grants`;
what is answered, in `tokens.token_response`. A new grant type is a module here and a line in
`token.GRANT_TYPES`. Begin with `authorization_code`.
"""
