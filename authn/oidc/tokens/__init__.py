"""Tokens that the provider issues: their contents, their binding, and whether each is active.

No token of a person lives by itself: all hang on a grant (`grants`), and end with it. What
is given is looked up anew at each issue and each use, by the rules of that moment. Begin with
`token_response`, which all grant types call; for a token that somebody presents, with
`active_token`.
"""
