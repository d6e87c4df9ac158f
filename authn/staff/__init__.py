"""Who works at the support desk, in which role, at which desk.

Why a room of its own, low down: what is told of staff (policy, audit, the holder's own pages) knows
no console. It is our own authentic source: `sources.staff` reads it as others are asked, and being
staff is a kind of profile (`profiles.kinds.staff`), begun and ended by `profiles.appointing` in one
transaction with the row here. Why the desk looks at the row itself all the same, a page, a token or
a command at each use: a role ends at once, and no answer that was kept says what somebody may do.
"""
