"""Commands that run the service and look after its database, keys, outbox and audit log.

None is about one person or one application. Begin with `serve`; `cleanup` and `audit` are run daily
or by a scheduler.
"""
