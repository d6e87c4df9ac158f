"""What happened, to whom, by which device and application: typed events, append-only.

Why: a row is written in the transaction of the act itself, and sealed with a key that is not in
the database; so what is not on record did not happen, and who can write to the database alone
cannot invent a row.
"""
