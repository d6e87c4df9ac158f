"""What the holder's own pages and the support desk both show of a person: devices, what happened.

Why a room of its own: an agent who describes a device in other words than its holder reads, or
knows less of it, blocks the wrong one.
"""
