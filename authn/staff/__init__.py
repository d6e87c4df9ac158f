"""Members of staff: who works at the support desk, in which role, and what each role may do.

Begin with `roles` (the table of acts by role), then `members`. Policy, audit and the holder's own
pages read this room, which knows nothing of the desk itself. The table is an authentic source of
our own: `sources.embedded.facts` reads it, and being staff is a kind of profile
(`profiles.kinds.staff`), begun and ended by `profiles.appointments` in one transaction with the row
here.

Why: the desk reads the row at each use of a page, a token or a command, although a source answer
may be kept: a role ends at once.
"""
