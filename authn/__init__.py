"""authn: a multi-device WebAuthn authenticator service and OpenID Provider.

The map. One folder is one room; imports run downwards only (checked by import-linter, `make lint`):

    cli        the command line
    demo       the relying application and the fictitious people of `make run`; development only
    app        create_app(settings): every route, middleware and error handler on one screen
    oidc       the OpenID Provider: one file per endpoint
    account    the holder's pages: my devices
    login      the hallway between an authorization request and its answer
    enrolment  activation codes, the first device, a further device
    webauthn   the two ceremonies
    consents   what a person allowed an application
    grants     what an application was given: codes, grants, tokens
    sessions   a browser that has authenticated
    clients    relying applications
    devices    what a person holds: Device, Installation
    sources    authentic sources: the national register
    people     who: Person, national number, pairwise subjects
    keys       our signing keys
    audit      typed events in an append-only table
    web        HTTP ground, knows no domain
    db         metadata, column types, engine, transaction, single use, migrations
    jose secrets clock errors settings

Glossary, where a word is the domain's own:

    ssin          the national number of a citizen (NISS/INSZ), or the BIS number of someone
                  outside the national register
    device        one WebAuthn credential: bound to hardware, or a keyring that is synced
    installation  one browser profile or app that used a device
    ceremony      one WebAuthn registration or authentication, from its options to its response
    grant         what one person allowed one client, once, on one device; codes and tokens
                  hang on it
"""

__version__ = "0.1.0"
