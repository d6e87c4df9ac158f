"""Persons: their national numbers with history, and the pairwise subjects that applications know.

Begin with `persons`: a person is found by any number they ever had, and created and refreshed from
the national register's answer. `subjects` is the `sub` of OpenID Connect, `ssin` the form of a
number, `merge` what happens when two persons turn out to be the same human being.

Why: a national number can be replaced by another (domain: BIS number, then national number), so it
is never a key. A person is a random UUID; the numbers hang on it, encrypted, found by a keyed hash.
"""
