"""A client registers itself, and reads, changes and ends its registration.

RFC 7591 and RFC 7592. Permissions are the operator's: no document of a client can give any
(`permitted_metadata`). What each member means and what is valid is known to the room `clients`.
Begin with `register`.
"""
