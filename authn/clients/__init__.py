"""Relying applications: their metadata by the names of RFC 7591, and what they may ask.

Why permissions are columns of their own: what the operator grants (`may_read_ssin`, `first_party`,
`require_pkce`, `policy`, `may_read_device_id`) must never be settable by whatever an application
says about itself (protocol 4.14).
"""
