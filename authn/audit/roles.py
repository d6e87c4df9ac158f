"""PostgreSQL roles: what the service and its archive may do with the audit log, and who makes them.

Why roles: triggers refuse to change or delete a row, but whoever owns a table can take its triggers
away. So the service is a role that owns nothing and may only add rows; and another role, that only
`authn audit archive` uses, may delete days that are signed and archived (decisions 3.4). Deleting
takes both: the service signs which file a day is in, without which the other role can't mark the
day as archived.

Why roles are made here and not in a script of PostgreSQL's image: that would run on an empty
database alone, and a password that was replaced would stay the former one.
"""

from typing import Any, NamedTuple

from sqlalchemy import Connection, make_url
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import ArgumentError

from authn.errors import CommandError

_QUOTED = postgresql.dialect().identifier_preparer.quote_identifier  # type: ignore[no-untyped-call]
OWNS = "% owns the audit log, or may act as who does: its triggers would not hold it"
SAME = "The service and the archive need a role of their own each."

_STATEMENTS = """\
BEGIN;
DO $$
DECLARE each text;
BEGIN
    FOREACH each IN ARRAY ARRAY[{names}] LOOP
        IF EXISTS (
            SELECT FROM pg_class
            WHERE oid = to_regclass({events}) AND pg_has_role(each, relowner, 'MEMBER')
        ) THEN RAISE EXCEPTION '{owns}', each; END IF;
    END LOOP;
END $$;
REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {service}, {archive};
REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC;
GRANT USAGE ON SCHEMA {schema} TO {service}, {archive};
GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {service};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {service};
REVOKE INSERT, UPDATE, DELETE ON {schema}.alembic_version FROM {service};
REVOKE UPDATE, DELETE ON {schema}.audit_events, {schema}.audit_chain FROM {service};
REVOKE DELETE ON {schema}.audit_progress FROM {service};
REVOKE INSERT, UPDATE, DELETE ON {schema}.audit_days FROM {service};
GRANT INSERT (day, first_sequence, last_sequence, head, signed, signed_at),
    UPDATE (exported_at, archive_signed) ON {schema}.audit_days TO {service};
GRANT SELECT, DELETE ON {schema}.audit_events, {schema}.audit_chain TO {archive};
GRANT SELECT, UPDATE (archived_at) ON {schema}.audit_days TO {archive};
COMMIT;
"""
_LOCK = "SELECT pg_advisory_lock(hashtext('authn roles'))"
_UNLOCK = "SELECT pg_advisory_unlock(hashtext('authn roles'))"
_EXISTS = "SELECT 1 FROM pg_roles WHERE rolname = %s"
_CREATE = "CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
_PASSWORD = "ALTER ROLE {} PASSWORD '{}'"  # noqa: S105  a statement


class Role(NamedTuple):
    """A role of the database by its name and password; "" where it comes in by other means."""

    name: str
    password: str


def grant_statements(schema: str, service: str, archive: str) -> str:
    """The SQL that grants both roles their rights, in one transaction.

    Raises `ValueError` where one role is to be both.
    """
    if service == archive:
        raise ValueError(SAME)
    names = ", ".join(_literal(each) for each in (service, archive))
    return _STATEMENTS.format(
        names=names,
        events=_literal(f"{_QUOTED(schema)}.audit_events"),
        owns=OWNS,
        schema=_QUOTED(schema),
        service=_QUOTED(service),
        archive=_QUOTED(archive),
    )


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def read_role(url: str, setting: str) -> Role:
    """The role that a database address names; raises `CommandError` naming the setting if none."""
    try:
        parts = make_url(url)
    except ArgumentError:
        parts = None
    if parts is None or not parts.username:
        raise CommandError(f"{setting} must name a role: postgresql://ROLE:PASSWORD@HOST/DATABASE.")
    return Role(parts.username, str(parts.password or ""))


def prepare_roles(connection: Connection, service: Role, archive: Role) -> None:
    """Create both roles where missing, and set their passwords and exactly the rights they need.

    `connection` is one of the tables' owner, in autocommit. Raises `CommandError` for one role that
    is to be both, `DBAPIError` for one that owns the tables: its password stays as it was.
    """
    driver: Any = connection.connection.driver_connection
    [schema] = connection.exec_driver_sql("SELECT current_schema()").one()
    try:
        statements = grant_statements(schema, service.name, archive.name)
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
