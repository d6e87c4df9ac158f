"""Sessions of signed-in browsers: a row each, and an opaque cookie, stored as its hash alone.

Begin with `browser`: the session of a request, and how a verified device signs a browser in. A
session hangs on an installation, that on a device, that on a person. A session is valid while all
of them are alive, which is one JOIN (`sessions.find_session`); so nothing has to be updated when a
device is removed. `levels` says what the level of a login is in `acr` and `amr`.

Why: a row that is looked up at each request can be ended in one place and at once. A signed cookie
that says by itself who somebody is stays valid after its device is removed.
"""
