"""Measures every operation on SQLite and on PostgreSQL and prints one table."""

import argparse
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from rich.console import Console
from rich.table import Table

from authn.web.logs import configure_logs
from bench.audit import audit_lines
from bench.desk import desk_lines
from bench.imports import import_lines
from bench.metadata import metadata_lines
from bench.operations import BY_BROWSER, Begin, ceremony
from bench.profiles import choice_page, give_mandates, slow_source_lines
from bench.protocol import PROTOCOL
from bench.service import Service, gather_statistics, pin_client, prepare, running
from tests import postgresql
from tests.browser import free_socket

CONNECTIONS = 8
COUNTED = 20
WIDTH = 120  # of the table, in characters
OPERATIONS = BY_BROWSER | PROTOCOL | {"l  choice of a profile, of 501": choice_page}


@dataclass(frozen=True, slots=True)
class Speed:
    """One operation on one engine; times in milliseconds."""

    per_second: float
    per_core_second: float
    cpu: float
    p50: float
    p99: float


def verifications_per_second(seconds: float = 1.0) -> float:
    """How many ES256 signatures this core verifies in this moment: a yardstick between machines."""
    key = ec.generate_private_key(ec.SECP256R1())
    algorithm = ec.ECDSA(SHA256())
    signature = key.sign(b"yardstick", algorithm)
    public = key.public_key()
    done, end = 0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        public.verify(signature, b"yardstick", algorithm)
        done += 1
    return done / seconds


def commit_milliseconds(folder: Path, times: int = 300) -> tuple[float, float]:
    """What a bare SQLite commit of one small row takes on this disk: elapsed, and CPU."""
    with closing(sqlite3.connect(folder / "yardstick.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE yardstick (value INTEGER)")
        began, cpu = time.perf_counter(), time.process_time()
        for number in range(times):
            connection.execute("INSERT INTO yardstick VALUES (?)", (number,))
        elapsed, cpu = time.perf_counter() - began, time.process_time() - cpu
    return 1000 * elapsed / times, 1000 * cpu / times


def measure(service: Service, begin: Begin, seconds: float) -> list[float]:
    """The durations, in seconds, of an operation on eight connections at once."""
    durations: list[float] = []
    end = time.perf_counter() + seconds
    failures: list[Exception] = []

    def work(number: int) -> None:
        holder = service.holders[number]
        try:
            with closing(service.browser()) as browser:
                ceremony(service, browser, holder)
                operation = begin(service, browser, holder)
                while (began := time.perf_counter()) < end:
                    operation()
                    durations.append(time.perf_counter() - began)
        except Exception as failure:  # noqa: BLE001 (raised again below, by who waits)
            failures.append(failure)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return sorted(durations)


def speed(service: Service, operation: Begin, seconds: float) -> Speed:
    """How fast, and what it cost the server."""
    measure(service, operation, min(2.0, seconds))
    gather_statistics()
    cpu, began = service.cpu_seconds(), time.perf_counter()
    durations = measure(service, operation, seconds)
    elapsed, cpu = time.perf_counter() - began, service.cpu_seconds() - cpu
    done = len(durations)
    return Speed(
        per_second=done / elapsed,
        per_core_second=done / cpu,
        cpu=1000 * cpu / done,
        p50=1000 * durations[done // 2],
        p99=1000 * durations[int(done * 0.99)],
    )


def cost(service: Service, begin: Begin) -> tuple[float, float]:
    """Statements and commits of one operation, on the counting server."""
    with closing(service.browser()) as browser:
        ceremony(service, browser, service.holders[0])
        operation = begin(service, browser, service.holders[0])
        service.counts()
        for _ in range(COUNTED):
            operation()
        statements, commits = service.counts()
    return statements / COUNTED, commits / COUNTED


@contextmanager
def engine_url(engine: str, folder: Path) -> Iterator[str]:
    """The address of a fresh database of this engine."""
    if engine == "sqlite":
        yield f"sqlite:///{folder / 'authn.db'}"
    else:
        with postgresql.running(durable=True) as server:
            yield server.create("bench")


def free_port() -> int:
    with closing(free_socket()) as listener:
        port: int = listener.getsockname()[1]
        return port


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0, help="of each measurement")
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), action="append")
    arguments = parser.parse_args()
    console = Console(width=WIDTH)
    configure_logs("warning")  # of what is measured in this process
    pin_client()
    console.print(
        f"ES256 verifications per second on this core now: {verifications_per_second():,.0f}"
    )
    for line in metadata_lines():
        console.print(line)
    for engine in arguments.engine or ("sqlite", "postgresql"):
        with (
            tempfile.TemporaryDirectory(prefix="authn-bench-") as folder,
            engine_url(engine, Path(folder)) as url,
        ):
            for line in import_lines(url):
                console.print(line)
        with (
            tempfile.TemporaryDirectory(prefix="authn-bench-") as folder,
            engine_url(engine, Path(folder)) as url,
        ):
            for line in audit_lines(url):
                console.print(line)
        if engine == "sqlite":  # whose figures for the desk are promised
            with (
                tempfile.TemporaryDirectory(prefix="authn-bench-") as folder,
                engine_url(engine, Path(folder)) as url,
            ):
                for line in desk_lines(url):
                    console.print(line)
        with (
            tempfile.TemporaryDirectory(prefix="authn-bench-") as folder,
            engine_url(engine, Path(folder)) as url,
        ):
            _measure_engine(console, engine, Path(folder), url, arguments.seconds)


def _measure_engine(console: Console, engine: str, folder: Path, url: str, seconds: float) -> None:
    elapsed, cpu = commit_milliseconds(folder)
    console.print(
        f"A bare SQLite commit on this disk now: {elapsed:.2f} ms, of which {cpu:.2f} ms CPU"
    )
    port = free_port()
    people, applications = prepare(folder, url, port, CONNECTIONS)
    give_mandates(people, folder)
    with running([], applications, port):
        pass  # a first start makes the signing keys
    with running(people, applications, port) as service:
        idle = service.resident_megabytes()
        speeds = {name: speed(service, each, seconds) for name, each in OPERATIONS.items()}
        loaded = service.resident_megabytes()
    with running(people[:1], applications, port, counting=True) as counting:
        costs = {name: cost(counting, each) for name, each in OPERATIONS.items()}
    for line in slow_source_lines(people, applications, port, folder, free_port()):
        console.print(line)
    table = Table(title=f"{engine}: {CONNECTIONS} connections, server on one core")
    table.add_column("operation", no_wrap=True)
    for heading in (
        "per second", "per core second", "CPU ms", "p50 ms", "p99 ms", "statements", "commits"
    ):  # fmt: skip
        table.add_column(heading, justify="right")
    for name, row in speeds.items():
        statements, commits = costs[name]
        table.add_row(
            name,
            f"{row.per_second:,.0f}",
            f"{row.per_core_second:,.0f}",
            f"{row.cpu:.2f}",
            f"{row.p50:.1f}",
            f"{row.p99:.1f}",
            f"{statements:.1f}",
            f"{commits:.1f}",
        )
    console.print(table)
    console.print(
        f"start {service.started_in:.2f} s, resident {idle:.0f} MB idle, {loaded:.0f} MB after load"
    )


if __name__ == "__main__":
    main()
