"""Who works at the support desk, in which role, at which desk.

Why a room of its own, low down: what is told of staff (policy, audit, the holder's own pages) knows
no console. Why it is no kind of `profiles`: those are what an authentic source outside last said,
kept for as long as the answer is fresh. A role here is our own, and ends at once: whoever uses one,
a page, a token or a command, looks at the row itself at that moment (`staff.staff_of`).
"""
