"""From an authorization request to its answer: signing in, choosing, allowing.

A valid request waits in a signed token in the address bar while its person does what is still
missing. `interaction.CHECKS` is the ordered list of what can be missing: begin reading there. Each
check is in `checks`, the pages are in `pages`, signing in itself is in `endpoints`.

The room knows clients, devices, sessions, consents and grants; it knows no token endpoint.

Why: nothing about an anonymous visitor is stored. The token carries the request and when it came,
never which steps were passed: each step is looked up again from what the person really did, so a
step can be neither skipped nor replayed.
"""
