"""Attestation: which maker vouches for the authenticator of a new credential (WebAuthn §6.5, §7.1).

Read `statement` for the shape of an attestation statement and the limits that hold before anything
is decoded, `trust` for the certificates in which a statement may end. `webauthn.registration` calls
both, in the order of §7.1; policy decides afterwards what an attested key is good for.
"""
