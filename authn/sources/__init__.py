"""Authentic sources: each a Protocol, with an embedded twin filled from a file.

Why: what is true of a citizen is not ours to decide. Here a source is asked, at enrolment and
at each import, and `people` keeps what it said.
"""
