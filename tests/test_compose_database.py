"""The roles of docker-compose.yml's database, as its own commands make them on a real PostgreSQL.

Only the containers are missing: the commands and their settings are read from that file, the
addresses from what docs/operating.md has one write, and the server asks for passwords.
"""

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError
from starlette.testclient import TestClient

from authn.db.transaction import reading, writing
from authn.keys.audit_days import sign_days
from authn.keys.signing_keys import ensure_signing_keys
from authn.settings import PREFIX, Settings
from authn.sources.embedded.register_import import import_register_file
from authn.web.site import Site
from tests.audit.test_chain import chained, findings, happen
from tests.citizen import enrolled
from tests.commands import environment, run_with
from tests.conftest import DEMO_PEOPLE, MovableClock
from tests.kept import Connections
from tests.postgresql import PostgreSQL, running
from tests.test_compose import ROOT, SERVICES

pytestmark = [pytest.mark.postgresql, pytest.mark.thorough]

DATABASE = SERVICES["database"]["environment"]["POSTGRES_DB"]
OWNER = SERVICES["database"]["environment"]["POSTGRES_USER"]
# Which role the file of an address names.
ROLES: dict[str, str] = {
    secret: role
    for role, secret in re.findall(
        r"^\$ printf 'postgresql://(\w+):%s@database/authn' .* > (\w+)$",
        (ROOT / "docs" / "operating.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
}
MIGRATED = "migrated"  # to be copied: a migration from nothing takes seconds
PASSWORD = "a password/of {}"  # with what an address has to spell otherwise


def owner(server: PostgreSQL, database: str) -> psycopg.Connection[tuple[Any, ...]]:
    """Who is at the server itself, as `docker compose exec database psql` is."""
    return psycopg.connect(
        host=str(server.socket_folder), user="postgres", dbname=database, autocommit=True
    )


@pytest.fixture(scope="module")
def server(_connections: Connections) -> Iterator[PostgreSQL]:
    """As the image makes it: one role, which owns all, and passwords are asked for."""
    with running() as made:
        with owner(made, "postgres") as connection:
            created = sql.SQL("CREATE ROLE {} SUPERUSER LOGIN PASSWORD {}")
            password = PASSWORD.format(OWNER)
            connection.execute(created.format(sql.Identifier(OWNER), sql.Literal(password)))
        rules = "local all postgres trust\nlocal all all scram-sha-256\n"
        (made.socket_folder / "data" / "pg_hba.conf").write_text(rules, encoding="utf-8")
        with owner(made, "postgres") as connection:
            connection.execute("SELECT pg_reload_conf()")
        yield made
        _connections.close()


@dataclass(frozen=True, slots=True)
class Deployed:
    """The server, and a folder of secrets."""

    server: PostgreSQL
    folder: Path

    def url(self, secret: str, password: str = "") -> str:
        """The address that stands in this secret."""
        role = ROLES[secret]
        spelled = (password or PASSWORD.format(role)).replace(" ", "%20").replace("/", "%2F")
        return f"postgresql://{role}:{spelled}@/{DATABASE}?host={self.server.socket_folder}"

    def run(self, service: str, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """The command of a service of the file, with those of its secrets that are addresses."""
        said = {name: each for name, each in os.environ.items() if not name.startswith(PREFIX)}
        for name, value in SERVICES[service]["environment"].items():
            secret = str(value).removeprefix("/run/secrets/")
            if secret in ROLES:
                path = self.folder / secret
                if not path.exists():
                    path.write_text(self.url(secret), encoding="utf-8")
                said[name] = str(path)
        return run_with(said | more, *(words or SERVICES[service]["command"]))


@pytest.fixture
def deployed(server: PostgreSQL, _connections: Connections, tmp_path: Path) -> Deployed:
    """An empty database, and the migration has run, as it does before each start."""
    _connections.close()
    with owner(server, "postgres") as connection:
        names = [sql.Identifier(each) for each in (DATABASE, OWNER, MIGRATED)]
        migrated = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [MIGRATED])
        made_from = " TEMPLATE {2}" if migrated.fetchone() else ""
        for statement in (
            "DROP DATABASE IF EXISTS {0} WITH (FORCE)",
            f"CREATE DATABASE {{0}} OWNER {{1}}{made_from}",
        ):
            connection.execute(sql.SQL(statement).format(*names))
        made = Deployed(server, tmp_path)
        ran = made.run("migration")
        assert ran.returncode == 0, ran.stderr
        if not made_from:
            connection.execute(sql.SQL("CREATE DATABASE {2} TEMPLATE {0}").format(*names))
    return made


@pytest.fixture
def database_url(deployed: Deployed) -> str:
    """Every fixture of a site runs as the service does."""
    return deployed.url("database_url")


def refused(site: Site, statement: str, words: str) -> None:
    with pytest.raises(DatabaseError, match=words), writing(site.database) as connection:
        connection.execute(text(statement))


def archive(deployed: Deployed, settings: Settings, directory: Path) -> tuple[int, str]:
    """What the service `archive` does, with the keys of this test's service."""
    keys = {
        name: value
        for name, value in environment(settings).items()
        if name.startswith(PREFIX) and not name.endswith("DATABASE_URL")
    }
    words = [*SERVICES["archive"]["command"][:-1], str(directory)]
    ran = deployed.run("archive", *words, **keys)
    return ran.returncode, " ".join((ran.stdout + ran.stderr).split())


def test_three_roles_are_written_of_which_the_service_s_owns_nothing() -> None:
    assert ROLES.keys() == {"owner_database_url", "database_url", "archive_database_url"}
    assert ROLES["owner_database_url"] == OWNER
    assert len(set(ROLES.values())) == 3


def test_the_service_serves_as_a_role_that_may_only_add_audit_rows(
    deployed: Deployed, site: Site, client: TestClient, clock: MovableClock
) -> None:
    ensure_signing_keys(site.database, site.secrets, clock())
    import_register_file(site.database, site.secrets, DEMO_PEOPLE, clock())
    _, screen = enrolled(site, client)
    assert screen.sign_in().status_code == 200
    assert chained(site) > 0
    for statement in (
        "UPDATE audit_events SET event = 'x'",
        "DELETE FROM audit_events",
        "DROP TRIGGER audit_events_kept ON audit_events",
        "UPDATE audit_days SET archived_at = now()",
        f"SET ROLE {OWNER}",
    ):
        refused(site, statement, "permission denied|must be owner")
    with reading(site.database) as connection:
        [who] = connection.execute(
            text("SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user")
        ).one()
    assert who is False
    assert findings(site) == []


def test_old_days_are_archived_by_the_service_made_for_it(
    deployed: Deployed, site: Site, clock: MovableClock, tmp_path: Path
) -> None:
    ensure_signing_keys(site.database, site.secrets, clock())
    for _ in range(3):
        happen(site, 2)
        chained(site)
        clock.advance(days=1)
    assert sign_days(site.database, site.settings, site.secrets, clock()) == 3
    code, said = archive(deployed, site.settings, tmp_path / "archive")
    assert (code, "Moved 4 rows" in said) == (0, True), said
    assert len(list((tmp_path / "archive").iterdir())) == 2
    assert findings(site) == []


def test_the_next_start_changes_nothing_and_takes_a_new_password_over(
    deployed: Deployed, site: Site
) -> None:
    happen(site)
    new = deployed.url("database_url", "another%20one")
    (deployed.folder / "database_url").write_text(new, encoding="utf-8")
    ran = deployed.run("migration")
    assert (ran.returncode, ran.stdout.strip()) == (0, "The database is up to date.")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(deployed.url("database_url"))
    with psycopg.connect(new) as connection:
        [rows] = connection.execute("SELECT count(*) FROM audit_events").fetchall()
    assert rows == (1,)


def test_no_password_stands_in_the_server_s_log(deployed: Deployed) -> None:
    with owner(deployed.server, DATABASE) as connection:
        connection.execute("ALTER SYSTEM SET log_statement = 'all'")
        connection.execute("SELECT pg_reload_conf()")
        ran = deployed.run("migration")
        connection.execute("ALTER SYSTEM RESET log_statement")
        connection.execute("SELECT pg_reload_conf()")
    assert ran.returncode == 0
    log = (deployed.server.socket_folder / "log").read_text(encoding="utf-8")
    assert """ALTER ROLE "authn_service" PASSWORD 'SCRAM-SHA-256$""" in log
    for secret in ("database_url", "archive_database_url"):
        assert PASSWORD.format(ROLES[secret]) not in log


@pytest.mark.parametrize(
    ("secret", "address", "words"),
    [
        ("database_url", OWNER, f"{OWNER} owns the audit log"),
        ("archive_database_url", OWNER, f"{OWNER} owns the audit log"),
        ("archive_database_url", ROLES["database_url"], "a role of their own each"),
        ("archive_database_url", "", "AUTHN_AUDIT_ARCHIVE_DATABASE_URL must name a role"),
    ],
)
def test_a_role_that_owns_the_log_or_is_both_or_nobody_is_refused_in_words(
    deployed: Deployed, secret: str, address: str, words: str
) -> None:
    """So an installation that had one role for all does not go on with it unawares."""
    host = deployed.server.socket_folder
    whom = f"{address}:anything@" if address else ""
    (deployed.folder / secret).write_text(
        f"postgresql://{whom}/{DATABASE}?host={host}", encoding="utf-8"
    )
    ran = deployed.run("migration")
    assert ran.returncode == 1
    assert words in ran.stderr
    assert "Traceback" not in ran.stderr
    with psycopg.connect(deployed.url("owner_database_url")) as connection:  # its password stays
        connection.execute("SELECT 1")
