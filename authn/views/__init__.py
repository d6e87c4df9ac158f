"""What more than one room shows: a person's devices and activity, and clients in words.

Account pages and the support desk share `devices` and `activity`; the command line and the
operators' pages share `descriptions`, `client_checks` and `client_sample`. Nothing here changes
anything.

Why: an agent who describes a device in other words than its holder reads blocks the wrong one.
"""
