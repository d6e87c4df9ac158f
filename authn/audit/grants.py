"""Which role of PostgreSQL may do what with the audit log, as SQL to be executed by its owner.

Why: triggers refuse to change or delete a row, but whoever owns a table can take its triggers away.
So the service is a role that owns nothing and may only add rows; and another one, that only
`authn audit archive` uses, may delete days that are signed and archived (decisions 3.4). It takes
both: the service signs which file a day is in, without which the other can't call it archived.
"""

from sqlalchemy.dialects import postgresql

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


def grants(schema: str, service: str, archive: str) -> str:
    """The statements, in one transaction; raises `ValueError` for one role that is to be both."""
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
