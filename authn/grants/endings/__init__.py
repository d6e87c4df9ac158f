"""What ends with a client, a session, a profile or a grant, and who is notified of that.

`ended_grants` is called by the act that ends grants. `ended_sessions` and `ended_profiles` are run
by the worker, which looks for rows that have ended. `frontchannel_logout` is for browsers.
"""
