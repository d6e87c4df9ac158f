"""Devices of persons, and the installations (browsers, apps) in which each device is used.

A device is one WebAuthn credential: bound to hardware, or a keyring that is synced, which works on
every machine of one account. Begin with `transitions`, the table of what may become of a device and
by whom; `life` does these steps, `devices` finds and adds devices, `installations` ends with them
what was opened in a browser.

To follow an unlink: the route and its check of the session (`account.devices.status_endpoints`,
`account.required_session`), the confirming assertion (`webauthn.authentication`), then here
`devices.find_device`, `life.unlink`, `transitions`, `installations` and `tables`.

Why: lists, unlinking, levels and history speak of devices, since people think in devices and lose
devices (decisions 1.1). Whatever was opened with a device hangs on it by foreign keys and is valid
only while the device is active; that is a JOIN, so removing a device is one row and nothing is
forgotten. A removed device keeps its name and its history, never its key: its credential is unknown
from then on, and enrolling it anew makes a new device.
"""
