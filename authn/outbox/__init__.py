"""Messages to other systems (mails, HTTP posts) that are sent after the transaction has committed.

A message is a row of the table `outbox`, written by the transaction that causes it. Workers deliver
the rows, try again after a failure, and keep what can never be delivered as dead letters. The room
knows no message: rooms above give each kind of row its content and its delivery.

Begin with `outbox` (the rows), then `worker`.
"""
