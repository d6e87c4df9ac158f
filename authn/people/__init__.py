"""Who: persons, their national numbers with history, and the name each application knows them by.

Why: a national number can be replaced by another (domain: BIS number, then national number), so it
is never a key. A person is a random UUID; the numbers hang on it, encrypted, found by a keyed hash.
"""
