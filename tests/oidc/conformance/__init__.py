"""The provider, held against the plans of the OpenID Foundation's conformance suite
(https://gitlab.com/openid/conformance-suite).

One test module is one plan. Its first lines name each module of the plan and the test that shows
the same here, as a path after `tests/oidc/` or as a name in the same module; `-` begins the reason
why there is none. What is asked and how it is checked follows the suite: the client registers
itself, has its own keys, and reads our answers with libraries that are not ours.
"""
