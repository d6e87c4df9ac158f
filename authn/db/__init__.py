"""The database: one metadata, two engines (SQLite, PostgreSQL), one way to open a transaction.

Why: synchronous SQLAlchemy Core. Measured, it needs half the CPU of the ORM and half that of
asynchronous drivers; statements are plain, rows become frozen dataclasses.
"""
