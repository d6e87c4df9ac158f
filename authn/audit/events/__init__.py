"""What is written to the audit log: a module a subject, a class an event.

The docstring of a class is the public documentation of its event (docs/audit.md). Persons, devices
and clients are named by internal id alone; never a national number, a name or a secret. Begin with
`event`, which has what every event tells.
"""
