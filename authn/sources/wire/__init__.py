"""How the real sources are spoken to: HTTP and JSON by the contract of docs/sources/openapi.yaml.

Why: a source that is slow or down must cost a login nothing but what depends on it. So a call has
an end, few go on at once, a source that fails again and again is left in peace for a while, and
what can't be read is no answer.
"""
