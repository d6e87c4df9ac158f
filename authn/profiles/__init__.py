"""In which capacity a person acts: citizen, quality, organisation, mandate, child;
and staff, at a desk of our own help desk.

Why: the same person may do different things as a citizen, as a physician and for another. Which of
these there are, the authentic sources say; which one counts, the person chooses; and a profile
holds only while its source says so.
"""
