"""authn: a multi-device WebAuthn authenticator service and OpenID Provider.

The map. One folder is one room; imports run downwards only (checked by import-linter, `make lint`):

    cli        the command line
    demo       the relying application, the eID test card and the fictitious people of `make run`
    app        create_app(settings): every route, middleware and error handler on one screen
    desk_api   the acts of the desk for tools of its own
    oidc       the OpenID Provider: one file per endpoint
    account    the holder's pages: my devices, where we can reach you, what an upstream proved
    views      what those pages and the desk both show: devices, what happened to a person
    login      from an authorization request to its answer, check by check; codes of other screens
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
    web        HTTP: requests, transactions, pages; knows no domain
    db         metadata, column types, engine, transaction, single use, migrations
    foreign_jwt certified_jws    tokens of others: an upstream's, the FIDO Alliance's
    jose secrets settings own_origins policies clock errors

Glossary. A word has one meaning: that of the RFCs, of WebAuthn and OpenID Connect where they have
the word, of Belgian law where they have none, plain English last.

    account recovery  somebody who lost every device proves who they are and enrols a new one
    act               what a person, a member of staff or an operator does that is on record
    approval          the yes of a second member of staff to an act that one alone may not do
    capacity          as whom a person acts: citizen, quality, organisation, mandate, child, staff;
                      a Profile is one capacity of one person
    ceremony          one WebAuthn registration or authentication, from its options to its response
    check             one condition of a login, in the order in which they are looked at; a function
                      named after the condition that is not met (`consent_required`)
    device            one WebAuthn credential: bound to hardware, or a keyring that is synced
    dormant           of a device: unused for so long that it must be allowed again
    emergency block   everything of a person is blocked by somebody without a device; it only blocks
    grant             what one person allowed one client, once, on one device; codes and tokens
                      hang on it
    installation      one browser profile or app that used a device
    interaction       what lies between an authorization request and its answer: the checks
    level             how strong a key, an identity or a login is: certified, device, synced
    local operator    who has a shell on the host of the service and uses its commands
    refusal           a polite no: it commits what was written before it; a crash rolls back
    risk of a change  how much a change of a client or resource would give it
    source            an authentic source: the national register, professions, mandates, …
    source answer     what a source said of one person, and when
    ssin              the national number of a citizen (NISS/INSZ), or the BIS number of someone
                      outside the national register
    system            a client without people: its tokens are its organisation's, by CBE number
    upstream          who proves to us who a person is: another OpenID Provider

What is decided, and which test holds it: docs/decisions.md.
"""

__version__ = "0.1.0"
