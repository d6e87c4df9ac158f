"""Relying applications: their metadata by the names of RFC 7591, and what they may ask.

    clients        a client as the other rooms see it
    client_metadata, client_metadata_members, client_metadata_document
                   what it says about itself: the values, the rules of each, the JSON both ways
    client_rules   what must hold between what it says and what it was given
    registration   registering, changing and ending one; initial_access_tokens: who may
    redirect_uris  what may be registered, and what matches it
    key_sets       its own keys, and what it signed with them
    client_tokens  what we sign for it, and encrypt to it
    resources, resource_registration
                   resource servers
    exchange_pairs, assertion_issuers
                   what the operator allows between clients, and from elsewhere

Why permissions are columns of their own: what the operator grants (`may_read_ssin`, `first_party`,
`require_pkce`, `profile`, `policy`, `may_read_device_id`, `resources`) must never be settable by
whatever an application says about itself (decisions 4.14).
"""
