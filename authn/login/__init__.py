"""The hallway between an authorization request and its answer.

A request that is valid waits here, in a signed token in the address bar, while the person does what
is still missing: sign in, choose an account, allow what is asked. `hallway.CHECKS` is the ordered
list of what can be missing.

Why: nothing about an anonymous visitor is stored. The token carries the request and when it came,
never which steps were passed: each step is looked up again from what the person really did, so a
step can be neither skipped nor replayed.
"""
