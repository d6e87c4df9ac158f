"""Proof of identity from upstream: eID through FAS, itsme, or any other OpenID Provider.

A person without a device proves here who they are: to enrol the first one, to come back after
losing all of them, to block everything, or to raise what a device is worth. The answer is a
`IdentityProof`: signed, bound to the browser that began and to one purpose, worth 15 minutes, used
once.

Why never a login: an upstream answer can be had with what a thief of a phone may have as well, and
every day that it opens sessions it is the weakest door. So no session comes of it; it only leads
to a device (decisions 1.2). A person is known by the national number in the verified claims, never
by the upstream's `sub`, which is another one when an account there is made anew.
"""
