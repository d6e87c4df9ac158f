"""The two ceremonies of WebAuthn: a credential is registered, a credential signs its holder in.

Web Authentication Level 3 (https://www.w3.org/TR/webauthn-3/). Begin with `registration` and
`authentication`: each has the options that a browser gets and the verification of its response, in
the order of §7.1 and §7.2. `challenges` makes the challenge and lets it be answered once,
`responses` reads what the browser sent, `policy` decides whether a verified key is good enough.
`attestation`, `metadata` and `models` are rooms of their own.

py_webauthn verifies signatures and formats, and is known to this room alone; what it leaves out is
checked here, and each of its exceptions becomes one refusal. Each option that was sent is checked
again on the response.

Why: nothing is stored until a signature verifies. The challenge travels in a signed token that
names act, target and browser; it is burnt by the attempt whose signature verifies, even if policy
then refuses (decisions 2.2). So an anonymous flood writes nothing, and nothing is used twice. An
attempt that fails before its signature is verified burns nothing: the same bytes fail again.
"""
