"""What an application was given: grants, and the codes and tokens that hang on them.

A grant is valid while it was not revoked and its session, installation, device and person are alive
(`grants.live`): one JOIN, and no event that could be missed. So a device that is removed takes
every token with it that was ever obtained with it, in the same moment.

Why the second redemption revokes: one code that comes twice was read by somebody else, and nobody
can tell which of the two is the thief (RFC 6749 §4.1.2). Of two parallel redemptions exactly one
gets tokens, and the other one's attempt revokes them.
"""
