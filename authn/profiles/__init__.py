"""Profiles: the capacities in which a person acts.

A person acts as a citizen, in a quality, for an organisation, by a mandate, for a child, or as
staff of the help desk; `kinds` has a module for each. Begin with `profiles`: whether a stored
profile still holds. `refreshing` asks the sources and `answer` turns their answers into profiles;
`available` lists them for a choice, `claims` describes them to applications, `representing` finds
the person for whom somebody acts.

Why: the same person may do different things as a citizen, as a physician and for another. Which of
these there are, the authentic sources say; which one counts, the person chooses; and a profile
holds only while its source says so.
"""
