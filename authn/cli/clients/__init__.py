"""Commands about relying applications and resource servers, and what is allowed between them.

Options and files are read into the JSON document of a registration (RFC 7591 for a client), so that
the command line and the registration endpoint keep the same rules (`authn.clients`). What is
missing is asked for before a transaction is open. Begin with `clients`, `options` and `values`.
"""
