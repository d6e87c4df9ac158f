"""What an application was given: grants, and the codes and tokens that hang on them.

A grant is valid while it was not revoked and its client, session, installation, device and person
are alive (`grants.live_condition`): one JOIN, and no event that could be missed. So a device that
is removed takes every token with it that was ever obtained with it, in the same moment. An offline
grant goes on without its session, and without that alone. Begin with `grants`, then `codes`.

    authorization_request, pushed_requests
                    what is asked, as it waits and as it was allowed
    issue, grants   a grant is made; lives, and ends
    codes, device_codes, user_codes
                    what a client fetches a grant with
    refresh_tokens, access_tokens, confirmation
                    the tokens of a grant, and the key or certificate that binds them
    introspection   whether an access token is active, for its resource
    endings         what else ends with an end, and who is notified

The room knows clients, sessions, devices and people; it knows neither consents nor HTTP.

Why the second redemption revokes: a code that comes twice was read by somebody else, and nobody
can tell which of the two is the thief (RFC 6749 §4.1.2). Of two parallel redemptions exactly one
gets tokens, and the other one's attempt revokes them.
"""
