"""What a person holds: devices, and the installations (browsers, apps) under each.

A device is one WebAuthn credential. `bound` to hardware, or a keyring that is synced: then it works
on every machine of one account, and everybody is told so.

Why: lists, unlinking, levels and history speak of devices, since people think in devices and lose
devices (decisions 1.1). Whatever was opened with a device hangs on it by foreign keys and is valid
only while it is active; that is a JOIN, so removing a device is one row and nothing is forgotten.
A removed device keeps its name and its history, never its key: its credential is unknown from
then on, and enrolling it anew makes a new device.
"""
