"""Authentic sources: each a Protocol, with a real client (`wire`) and a twin filled from files.

Why: what is true of a citizen is not ours to decide. A source is asked, and `people` and `profiles`
keep what it said: `answers` knows until when. Which of the two a source is, settings say alone
(`configured`): a real one that is down is never replaced by its twin.
"""
