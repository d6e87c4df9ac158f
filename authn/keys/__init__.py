"""Our signing keys: one active key for each algorithm, the key set that clients verify with.

Why one active key for each algorithm and not one key: a client that says nothing gets RS256 ID
tokens (OpenID Connect Dynamic Client Registration 1.0 §2), and whoever chooses takes ES256, whose
signatures are smaller and cost a tenth.
"""
