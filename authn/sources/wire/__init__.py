"""The HTTP client of the real authentic sources, by the contract of docs/sources/openapi.yaml.

A call has a deadline, few calls go on at once, a source that fails again and again is not asked for
a while, and an answer that cannot be read is no answer. Begin with `client`.

Why: a source that is slow or down must cost a login only what depends on that source.
"""
