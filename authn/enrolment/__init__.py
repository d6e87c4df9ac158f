"""Enrolment: how a person gets a device, and what they can do after losing every device.

A device is added by an activation code (`activation`), by an identity proven at an upstream, by an
invitation from an earlier device (`invitations`), or by account recovery (`returning`), which
blocks the earlier devices. Codes issued at the help desk are in `desk_codes`. By an emergency block
(`emergency`) a person without a device blocks all of theirs. The room may know devices, sessions,
federation and notices; the account pages and the desk are above.

Begin with `activation.endpoints`, which lists all routes, then `new_device`, where every way ends.

Why: a person who proves their identity anew enrols or recovers; every other device is confirmed by
an earlier one, in a fresh ceremony that names the act (decisions 2.9, 2.10). A stolen session alone
adds nothing.
"""
