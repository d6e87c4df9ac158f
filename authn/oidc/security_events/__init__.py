"""What is pushed to others once a transaction is committed: the end of a session, or of access.

Each module is the work of one kind of row in the room `outbox`, which retries until the receiver
answers; `grants` decides which rows there are. Begin with `backchannel_logout`.
"""
