"""The roles that a service and its archive connect as: made, and given what `audit.grants` says.

Why here and not in a script of PostgreSQL's image: that would run on an empty database alone, and a
password that was replaced would stay the former one.
"""

from typing import Any, NamedTuple

from sqlalchemy import Connection, make_url
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import ArgumentError

from authn.audit.grants import grants
from authn.errors import CommandError

_QUOTED = postgresql.dialect().identifier_preparer.quote_identifier  # type: ignore[no-untyped-call]
_LOCK = "SELECT pg_advisory_lock(hashtext('authn roles'))"
_UNLOCK = "SELECT pg_advisory_unlock(hashtext('authn roles'))"
_EXISTS = "SELECT 1 FROM pg_roles WHERE rolname = %s"
_CREATE = "CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
_PASSWORD = "ALTER ROLE {} PASSWORD '{}'"  # noqa: S105  a statement


class Role(NamedTuple):
    """A role of the database by its name and password; "" where it comes in by other means."""

    name: str
    password: str


def role_of(url: str, setting: str) -> Role:
    """Whom the address of a database names; raises `CommandError` naming the setting if nobody."""
    try:
        parts = make_url(url)
    except ArgumentError:
        parts = None
    if parts is None or not parts.username:
        raise CommandError(f"{setting} must name a role: postgresql://ROLE:PASSWORD@HOST/DATABASE.")
    return Role(parts.username, str(parts.password or ""))


def prepare_roles(connection: Connection, service: Role, archive: Role) -> None:
    """Both roles are there, with these passwords and with what they need, and nothing more.

    `connection` is one of the tables' owner, in autocommit. Raises `CommandError` for one role that
    is to be both, `DBAPIError` for one that owns the tables: its password stays as it was.
    """
    driver: Any = connection.connection.driver_connection
    [schema] = connection.exec_driver_sql("SELECT current_schema()").one()
    try:
        statements = grants(schema, service.name, archive.name)
    except ValueError as problem:
        raise CommandError(str(problem)) from None
    connection.exec_driver_sql(_LOCK)  # two that start at once: the second finds it done
    for role in (service, archive):
        if not connection.exec_driver_sql(_EXISTS, (role.name,)).first():
            connection.exec_driver_sql(_CREATE.format(_QUOTED(role.name)))
    connection.exec_driver_sql(statements, execution_options={"no_parameters": True})
    for role in (service, archive):
        if role.password:
            # What the server keeps, made here: so no log of its statements holds the password.
            verifier = driver.pgconn.encrypt_password(
                role.password.encode(), role.name.encode(), b"scram-sha-256"
            )
            connection.exec_driver_sql(_PASSWORD.format(_QUOTED(role.name), verifier.decode()))
    connection.exec_driver_sql(_UNLOCK)
