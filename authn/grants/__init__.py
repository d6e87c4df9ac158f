"""What an application was given: grants, and the codes and tokens that hang on them.

A grant is valid while it was not revoked and its client, session, installation, device and person
are alive (`grants.live`): one JOIN, and no event that could be missed. So a device that is removed
takes every token with it that was ever obtained with it, in the same moment. An offline grant goes
on without its session, and without that alone.

    authorization_request, pushed_requests, particulars
                    what is asked, as it waits and as it was allowed
    issue, grants   a grant comes to be; lives, and ends
    codes, device_codes, user_codes
                    what a grant is fetched with
    refresh_tokens, access_tokens, confirmation
                    what hangs on it, and what that is bound to; introspection: whether it lives
    ended_clients, ended_sessions, frontchannel_logout
                    what else ends with an end, and who is told

Why the second redemption revokes: one code that comes twice was read by somebody else, and nobody
can tell which of the two is the thief (RFC 6749 §4.1.2). Of two parallel redemptions exactly one
gets tokens, and the other one's attempt revokes them.
"""
