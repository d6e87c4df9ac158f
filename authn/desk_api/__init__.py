"""The desk's API: what the pages of the desk do, for tools of the desk's own.

Its calls are listed in `operations`, from which the routes and the OpenAPI document are made. Who
calls is known by an access token of a member of staff (`caller`); what is done is done by the
functions that the pages call too, in `console`.

Why a room above `oidc` and `console`: it is a resource of our own, whose tokens `oidc` reads, and
its acts are the desk's. Why calls that only look are POST too: each says why, and what finds a
person, or the reason for it, stands in no address (decisions 8.6).
"""
