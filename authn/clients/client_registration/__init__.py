"""Registering a relying application: what a client may say of itself, and what must hold.

A client describes itself in the JSON document of RFC 7591; the operator decides the rest. The rules
are the same for the registration endpoint, the command line and the desk.

    document           the JSON document of a client, read and written
    members            each member of that document, and the values that it may have
    rules              what must hold between members and the operator's decisions
    kinds              the kinds of client, with the values that each has by default
    registration       adding, changing and ending a client
    initial_access_tokens
                       who may register an application by itself

Begin with `registration`.
"""
