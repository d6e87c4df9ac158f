"""A browser that has authenticated: a row, and an opaque cookie of which only the hash is stored.

A session hangs on an installation, that on a device, that on a person. It is valid while all of
them are alive, which is one JOIN (`sessions.find_session`); so nothing has to be updated when a
device is removed.

Why: what is looked up at each request can be ended in one place and at once. A signed cookie that
tells by itself who somebody is lives on after its device is gone.
"""
