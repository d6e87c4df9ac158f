"""Relying applications and resource servers: what is registered of them, and what they may obtain.

    clients        a client as other rooms see it, and how it is found
    client_metadata
                   what a client says of itself, by the names of RFC 7591
    client_registration
                   registering, changing and ending a client, and the rules for it
    resource_servers
                   resource servers, their scopes, and who may obtain them
    redirect_uris  what may be registered as a redirect URI, and what matches it
    key_sets       the keys of a client, and what it signed with them
    client_tokens  JWTs that are signed for a client and encrypted to it
    assertion_issuers
                   issuers whose assertions are taken as grants
    change_risks   which changes need a second operator

Begin with `clients`.

Why permissions are columns of their own: what the operator grants (`may_read_ssin`, `first_party`,
`require_pkce`, `profile`, `policy`, `may_read_device_id`, `resources`) must never be settable by
whatever an application says about itself (decisions 4.14).
"""
