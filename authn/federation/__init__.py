"""Proof of identity by an upstream OpenID Provider: eID through FAS, itsme, or any other.

A person proves who they are at an upstream: to enrol a first device, to recover the account after
losing all devices, to block everything, or to raise the identity level of a device. The result is
an `IdentityProof`: signed, bound to the browser and to one purpose, valid for 15 minutes, used
once. The room knows neither devices nor sessions beyond reading them; `enrolment` and `account` use
the proofs. Begin with `endpoints`, then `code_flow`.

Why never a login: a thief of a phone may have what an upstream asks for, and would get sessions
with it. So a proof only leads to a device (decisions 1.2). A person is identified by the national
number in the verified claims, never by the upstream's `sub`, which changes when an account there is
made anew.
"""
