"""Notices: mails to a person about their account, in their language, at confirmed addresses.

A notice (`kinds`) is put into the outbox by the transaction of the event that it tells of
(`notices`), and written and sent by a worker (`mail`, `delivery`). The sentences are in `texts`.
The room also keeps the mail addresses of a person (`contact_addresses`).

Begin with `kinds`, then `notices`.
"""
