"""Resource servers (RFC 8707): for whom access tokens are, and who may obtain which scope.

Only the operator registers a resource server. Whether somebody may obtain a scope is decided in
`permissions` alone, which everything that gives or uses a token asks.

    resources          a resource server and its scopes, and how it is found
    document, rules    its JSON document, and what must hold of it
    registration       adding, changing and ending a resource server
    permissions        who may obtain a scope of a resource server
    exchange_pairs     which client may exchange whose tokens for it (RFC 8693)
    revocation_hooks   which resource servers are told that access was revoked
    desk_api           the API of the support desk as a resource server

Begin with `resources`, then `permissions`.
"""
