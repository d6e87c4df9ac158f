"""The holder's own pages: my devices, another one, away with one, sign out.

Why: looking and naming need a session; adding and removing need a device in hand, at that moment,
for that act and that target (decisions 2.9). A stolen session or an unlocked screen is not enough.
"""
