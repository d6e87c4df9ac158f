"""The FIDO metadata: what the FIDO Alliance publishes about each model of authenticators.

FIDO Metadata Service v3.1
(https://fidoalliance.org/specs/mds/fido-metadata-service-v3.1-ps-20250521.html). Begin with
`current`: which BLOB is in force, and how each process keeps it in memory. `blob` verifies the
signature of a BLOB, `entries` reads its payload, `large_json` keeps that reading small.
"""
