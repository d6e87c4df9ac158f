"""Which client calls: each method of client authentication, and the refusal of all others.

A client authenticates by the single method that it registered, and every failure is the same
`invalid_client`. Used by each endpoint that asks for a client. Begin with `authentication`, which
has the table of methods.
"""
