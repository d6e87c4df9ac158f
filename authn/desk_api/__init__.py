"""The desk's API: what the pages of the support desk do, as HTTP calls for the desk's own tools.

Begin with `operations`: what a call is, and everything that is checked before it does anything.
Each module of calls ends with its list of operations; `endpoints` joins them, and the routes and
the OpenAPI document are made of that list. The caller is a member of staff, by an access token
(`caller`). The functions of `console` do the work, as they do for the pages.

Why a room above `oidc` and `console`: the API is a protected resource whose tokens `oidc` reads,
and whose acts are the desk's. Why calls that only look are POST too: each gives a reason, and
neither a reason nor what finds a person stands in a URL (decisions 8.6).
"""
