"""The service's role adds audit rows; another one deletes sealed, archived days (decisions 3.4).

On a real PostgreSQL, with the SQL of `authn db grants`. SQLite has no roles, only the triggers
(tests/audit/test_chain.py).
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path

import pytest
from psycopg import sql
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError
from starlette.testclient import TestClient

from authn.audit.archive import delete_archived
from authn.audit.days import mark_archived, record_signed_file
from authn.db.engine import Database, open_database
from authn.db.transaction import reading, writing
from authn.keys.audit_days import sign_days
from authn.keys.audit_heads import sign_running_head
from authn.keys.signing_keys import ensure_signing_keys
from authn.settings import PREFIX, Settings
from authn.sources.embedded.register_import import import_register_file
from authn.web.site import Site
from tests.audit.test_chain import chained, findings
from tests.citizen import enrolled
from tests.commands import run_command
from tests.conftest import DATABASE, DEMO_PEOPLE, MovableClock
from tests.kept import Connections
from tests.postgresql import PostgreSQL

pytestmark = pytest.mark.postgresql

REFUSAL = "permission denied|must be owner|audit rows are|be able to SET ROLE|its file is signed"
SERVICE, ARCHIVE = "authn service", "authn-archive"  # both to be quoted
ARCHIVING = "UPDATE audit_days SET archived_at = now()"  # the archive may, once files are signed
FORBIDDEN = (
    "UPDATE audit_events SET event = 'x'",
    "DELETE FROM audit_events",
    "TRUNCATE audit_events",
    "UPDATE audit_chain SET link = 'x'",
    "DELETE FROM audit_chain",
    "TRUNCATE audit_chain",
    ARCHIVING,
    "UPDATE audit_days SET head = 'x'",
    "DELETE FROM audit_days",
    "TRUNCATE audit_days",
    (
        "INSERT INTO audit_days (day, first_sequence, last_sequence, head, signed, signed_at, "
        "archived_at) VALUES ('2026-03-04', 5, 6, '', '', now(), now())"
    ),
    "DELETE FROM audit_progress",
    "DROP TRIGGER audit_events_kept ON audit_events",
    "ALTER TABLE audit_events DISABLE TRIGGER ALL",
    "CREATE TRIGGER a BEFORE INSERT ON audit_events EXECUTE FUNCTION audit_unchanged()",
    "DROP TABLE audit_events",
    "ALTER TABLE audit_events OWNER TO CURRENT_USER",
    (
        "CREATE OR REPLACE FUNCTION audit_events_kept() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN RETURN OLD; END'"
    ),
    "DROP FUNCTION audit_events_kept CASCADE",
    "SET session_replication_role = replica",
    "SET ROLE postgres",
    "UPDATE alembic_version SET version_num = '0001'",
    "CREATE TABLE public.audit_of_mine (id int)",
)
# Which rows would say nothing, and what the service may.
FORBIDDEN_TO_ARCHIVE = (
    "SELECT count(*) FROM persons",
    "SELECT count(*) FROM signing_keys",
    (
        "INSERT INTO audit_events (occurred_at, event, reference, details, seal) "
        "VALUES (now(), 'x', 'x', '{}', '')"
    ),
    (
        "INSERT INTO audit_days (day, first_sequence, last_sequence, head, signed, signed_at) "
        "VALUES ('2026-03-04', 5, 6, '', '', now())"
    ),
    "UPDATE audit_progress SET sequence = 0",
    "UPDATE audit_days SET archive_signed = 'x'",
)


@pytest.fixture
def roles(postgresql_server: PostgreSQL, _connections: Connections) -> Iterator[PostgreSQL]:
    """A server with the two roles, which have what `authn db grants` says.

    No connection outlives them: the next test's are other roles, by the same names.
    """
    _connections.close()
    postgresql_server.empty(DATABASE)
    names = [sql.Identifier(each) for each in (SERVICE, ARCHIVE)]
    with postgresql_server.connect(DATABASE) as connection:
        for name in names:
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
        connection.execute(granted())
        connection.execute(granted())  # after each upgrade, again
    yield postgresql_server
    _connections.close()
    postgresql_server.empty(DATABASE)
    with postgresql_server.connect(DATABASE) as connection:
        for name in names:
            connection.execute(sql.SQL("DROP OWNED BY {}").format(name))
            connection.execute(sql.SQL("DROP ROLE {}").format(name))


@cache
def granted(*arguments: str) -> bytes:
    settings = Settings(database_url=SecretStr("sqlite:////nowhere/authn.db"))
    ran = run_command(settings, "db", "grants", *(arguments or (SERVICE, ARCHIVE)))
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.encode()


def url_as(server: PostgreSQL, role: str) -> SecretStr:
    return SecretStr(server.url(DATABASE).replace("postgres@", role.replace(" ", "%20") + "@"))


@pytest.fixture
def database_url(roles: PostgreSQL) -> str:
    """Every fixture of a site runs as the service's role."""
    return url_as(roles, SERVICE).get_secret_value()


def refused(database: Database, statement: str, words: str = REFUSAL) -> None:
    """The server itself refuses the statement to this role."""
    with pytest.raises(DatabaseError, match=words), writing(database) as connection:
        for each in statement.split(" ;; "):
            connection.execute(text(each))


@contextmanager
def as_archive(roles: PostgreSQL) -> Iterator[Database]:
    """The database as the archive's role has it."""
    settings = Settings(database_url=url_as(roles, ARCHIVE), threads=1)
    with closing(open_database(settings)) as database:
        yield database


def test_the_service_works_as_a_role_that_owns_nothing(
    site: Site, client: TestClient, clock: MovableClock
) -> None:
    ensure_signing_keys(site.database, site.secrets, clock())
    import_register_file(site.database, site.secrets, DEMO_PEOPLE, clock())
    _, screen = enrolled(site, client)
    assert screen.sign_in().status_code == 200
    assert chained(site) > 0
    assert sign_running_head(site.database, site.settings, site.secrets, clock())
    clock.advance(days=1)
    assert sign_days(site.database, site.settings, site.secrets, clock()) == 1
    assert findings(site) == []
    assert client.get("/health").status_code == 200


def test_the_server_refuses_the_service_to_change_what_is_written(
    three_days: Site,
) -> None:
    with closing(open_database(three_days.settings)) as database:
        for statement in FORBIDDEN:
            refused(database, statement)
    assert findings(three_days) == []


def test_the_archive_s_role_sees_nobody_and_writes_nothing(
    three_days: Site, roles: PostgreSQL
) -> None:
    with as_archive(roles) as database:
        for statement in (*FORBIDDEN, *FORBIDDEN_TO_ARCHIVE):
            refused(database, statement)
    assert findings(three_days) == []


def test_it_takes_both_roles_to_make_a_day_go(three_days: Site, roles: PostgreSQL) -> None:
    """The service signs which file a day is in; only then the archive can call it archived."""
    with as_archive(roles) as database:
        refused(database, ARCHIVING, "a day is archived once its file is signed")
        with writing(three_days.database) as connection:
            record_signed_file(connection, "2026-03-02", "a signature")
        refused(database, ARCHIVING, "a day is archived once its file is signed")  # of the other
        with writing(database) as connection:
            mark_archived(connection, "2026-03-02", three_days.clock())
            assert delete_archived(connection, "2026-03-02") == 2
    refused(three_days.database, "UPDATE audit_days SET archive_signed = 'x'", "once its file")


def test_the_archive_s_role_deletes_of_no_day_that_is_not_archived(
    three_days: Site, roles: PostgreSQL
) -> None:
    only = "audit rows are deleted of archived days only"
    # Nor by a table of its own that says what the trigger wants to read.
    pretended = (
        "CREATE TEMPORARY TABLE audit_days AS SELECT DISTINCT day, now() AS archived_at "
        "FROM public.audit_chain ;; DELETE FROM public.audit_events"
    )
    with as_archive(roles) as database:
        for statement in ("DELETE FROM audit_events", "DELETE FROM audit_chain", pretended):
            refused(database, statement, only)
    assert findings(three_days) == []


def archive(settings: Settings, directory: Path) -> tuple[int, str]:
    ran = run_command(settings, "audit", "archive", str(directory))
    return ran.returncode, " ".join((ran.stdout + ran.stderr).split())


def test_archiving_is_done_as_the_other_role(
    three_days: Site, roles: PostgreSQL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "archive"
    code, words = archive(three_days.settings, directory)
    assert code == 1
    assert words == (
        "The database role may not delete archived days: set AUTHN_AUDIT_ARCHIVE_DATABASE_URL to "
        "one that may (`authn db grants`). Nothing was deleted."
    )
    assert rows(three_days) == 6
    monkeypatch.setenv(
        f"{PREFIX}AUDIT_ARCHIVE_DATABASE_URL", url_as(roles, ARCHIVE).get_secret_value()
    )
    code, words = archive(three_days.settings, directory)
    assert (code, "Moved 2 rows" in words) == (0, True), words
    assert rows(three_days) == 5  # two of the first day are gone, and that is on record
    assert findings(three_days) == []


def rows(site: Site) -> int:
    with reading(site.database) as connection:
        count: int = connection.execute(text("SELECT count(*) FROM audit_events")).scalar_one()
    return count


def test_nobody_is_granted_anything_who_owns_the_log(roles: PostgreSQL) -> None:
    with (
        roles.connect(DATABASE) as connection,
        pytest.raises(Exception, match="postgres owns the audit log"),
    ):
        connection.execute(granted("postgres", ARCHIVE))


def test_one_role_is_not_both() -> None:
    ran = run_command(
        Settings(database_url=SecretStr("sqlite:////nowhere/authn.db")), "db", "grants", "a", "a"
    )
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "a role of their own" in ran.stderr


def test_a_role_s_name_is_no_sql() -> None:
    said = granted('x"; DROP TABLE persons; --', "y'; DROP TABLE persons; --").decode()
    assert '"x""; DROP TABLE persons; --"' in said
    assert "'y''; DROP TABLE persons; --'" in said
