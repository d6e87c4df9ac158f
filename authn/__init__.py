"""authn: a multi-device WebAuthn authenticator service and OpenID Provider.

The map. One folder is one room; imports run downwards only (checked by import-linter, `make lint`):

    cli        the command line
    demo       the relying application, the eID test card and the fictitious people of `make run`
    app        create_app(settings): every route, middleware and error handler on one screen
    desk_api   the acts of the desk for tools of its own
    oidc       the OpenID Provider: one file per endpoint
    account    the holder's pages: my devices, where we can reach you, what an upstream proved
    views      what those pages and the desk both show: devices, what happened to a person
    login      the hallway between an authorization request and its answer; codes of other screens
    enrolment  activation codes, the first device, a further device; loss and return
    federation proof of identity from upstream: eID, itsme, another OpenID Provider
    consents   what a person allowed an application
    grants     what an application was given: codes, grants, tokens
    sessions   a browser that has authenticated
    webauthn   the two ceremonies, attestation, policy, FIDO metadata
    clients    relying applications and resource servers
    devices    what a person holds: Device, Installation, and its life
    notices    what a person is told by mail, and where
    sources    authentic sources, real ones and twins: the national register, professions, …
    people     who: Person, national number, pairwise subjects
    keys       our signing keys
    outbox     what must be told to others after the commit: rows, worker, retries
    audit      typed events in an append-only table
    web        HTTP ground, knows no domain
    db         metadata, column types, engine, transaction, single use, migrations
    foreign_jwt certified_jws    tokens of others: an upstream's, the FIDO Alliance's
    jose secrets settings own_origins policies clock errors

Glossary, where a word is the domain's own:

    ssin          the national number of a citizen (NISS/INSZ), or the BIS number of someone
                  outside the national register
    device        one WebAuthn credential: bound to hardware, or a keyring that is synced
    installation  one browser profile or app that used a device
    dormant       of a device: unused for so long that it must be allowed again
    emergency door  everything of a person is blocked by somebody without a device; it never opens
    return        somebody who lost every device comes back to a new one
    upstream      who proves to us who a person is: another OpenID Provider
    ceremony      one WebAuthn registration or authentication, from its options to its response
    system        a client without people: its tokens are its organisation's, by CBE number
    grant         what one person allowed one client, once, on one device; codes and tokens
                  hang on it
"""

__version__ = "0.1.0"
