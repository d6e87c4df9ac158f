"""Our own keys: one active key for each algorithm, and the key set that clients verify with.

Why one active key for each algorithm and not one key: a client that says nothing gets RS256 ID
tokens (OpenID Connect Dynamic Client Registration 1.0 §2), FAPI 2.0 forbids RS256, and whoever
chooses takes ES256, whose signatures are smaller and cost a tenth.

Why the next key is published from the moment that the present one signs: clients keep our key set
for as long as they please, and a key that they have seen for weeks surprises none of them. Should
the present one have to go at once, its successor is in their memory already.
"""
