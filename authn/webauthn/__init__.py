"""The two ceremonies: a device is registered, a device asserts that its holder is here.

Web Authentication Level 3 (https://www.w3.org/TR/webauthn-3/). py_webauthn verifies signatures and
formats, and is known to this room alone; what it leaves out is checked here, and every exception of
it becomes one refusal. Each option that was sent is checked again on the response.

Why: nothing is stored until a signature verifies. The challenge travels in a signed token that
names act, target and browser; it is burnt by the attempt whose signature verifies, even if policy
then refuses (decisions 2.2). So an anonymous flood writes nothing, and nothing is used twice. What
fails before that fails for ever, since the same bytes give the same answer.
"""
