"""What the audit log takes: a row in the act's own transaction, and its link, made afterwards.

And whether who writes waits for the worker that chains: the same writing, on several threads at
once, without a worker, with one in this process as `authn serve` has it, and with `authn audit
work`, a process of its own on another core. `python -m bench.audit` measures this alone.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from statistics import median
from uuid import uuid4

import psutil

from authn.app import create_app
from authn.audit.chain import BEGINNING, find_waiting_rows, has_rows_to_chain
from authn.audit.events.applications import ApplicationAuthorised
from authn.audit.events.people import SignedIn
from authn.audit.log import record
from authn.audit.verification import CHAINED_WITHIN, VerifiedChain, verify_log
from authn.db.engine import open_database
from authn.db.transaction import reading, writing
from authn.db.upgrade import upgrade
from authn.keys.audit_days import audit_maintenance, chain_all
from authn.keys.signing_keys import ensure_signing_keys
from authn.settings import Settings
from authn.web.site import Site
from bench.desk import settings_for
from bench.service import CLIENT_CORE, pin_beside_client, pin_client
from tests import postgresql
from tests.commands import environment

ROWS = 10_000
SECONDS = 3.0  # of writing at a time: a worker looks about every second
LOOKS = 50
ROWS_OF_A_LOGIN = 2
SETTLED = 1.0  # seconds: a process that was just starting something has its turn later
THREADS = 8
ROUNDS = 5
PAUSE = 0.05
ALONE, INSIDE, OUTSIDE = (
    "while nothing chains",
    "beside a worker in the same process",
    "beside `authn audit work` on another core",
)


def audit_lines(url: str, seconds: float = SECONDS) -> list[str]:
    """Lines for what a row costs, and for logins at once without and with a worker beside them."""
    with tempfile.TemporaryDirectory(prefix="authn-bench-") as name:
        settings = settings_for(url, Path(name))
        with closing(open_database(settings)) as database:
            upgrade(database)
        site: Site = create_app(settings).state.site
        pin_beside_client()  # the other core is the worker's, and PostgreSQL's
        try:
            with closing(site.database):
                ensure_signing_keys(site.database, site.secrets, site.clock())
                return [*_costs(site), *_beside_workers(site, seconds), _check(site)]
        finally:
            pin_client()


def _beside_workers(site: Site, seconds: float) -> list[str]:
    """Lines for writing as fast as eight threads can, in turns: what else the machine does is on
    all of them. Behind the colon: how many of those with no worker, by the clock and by the
    processor time of who writes, which tells the same on a machine that is busy."""
    measured: dict[str, list[Logins]] = {name: [] for name in (ALONE, INSIDE, OUTSIDE)}
    delay = ""
    for _ in range(ROUNDS):
        workers: dict[str, AbstractContextManager[None]] = {
            ALONE: nullcontext(),
            INSIDE: audit_maintenance(site),
            OUTSIDE: _working(site.settings),
        }
        for name, worker in workers.items():
            with worker:
                measured[name].append(_logins(site, seconds))
                delay = delay if name == ALONE else _delay(site)
            chain_all(site.database, site.secrets, site.clock())
    lines = []
    for name, several in measured.items():
        pairs = [*zip(several, measured[ALONE], strict=True)]
        ratio = median(one.per_second / other.per_second for one, other in pairs)
        of_core = median(one.per_core_second / other.per_core_second for one, other in pairs)
        lines.append(f"Audit: {_middle(several)} {name}: {ratio:.2f}, {of_core:.2f}")
    return [*lines, f"Audit: {delay}"]


def _costs(site: Site) -> list[str]:
    with writing(site.database) as connection:
        began = time.process_time()
        for _ in range(ROWS):
            event = SignedIn(person_id=uuid4(), device_id=uuid4(), level="device")
            record(connection, site.secrets, event, site.clock(), "ABCDEFGHJK")
        written = time.process_time() - began
    began = time.process_time()
    chained = chain_all(site.database, site.secrets, site.clock())
    linked = time.process_time() - began
    began = time.perf_counter()
    for _ in range(LOOKS):
        with reading(site.database) as connection:
            assert not has_rows_to_chain(connection)
    looked = time.perf_counter() - began
    cost = (
        f"Audit: a row takes {1e6 * written / ROWS:.0f} µs CPU, its link afterwards "
        f"{1e6 * linked / chained:.0f} µs; a whole login has {ROWS_OF_A_LOGIN} rows"
    )
    look = f"a look at nothing new, after {ROWS:,} rows, takes {1e3 * looked / LOOKS:.2f} ms"
    return [cost, f"Audit: {look}"]


@dataclass(frozen=True, slots=True)
class Logins:
    """How fast transactions with the rows of a login were, on so many threads at once."""

    per_second: float
    per_core_second: float  # of this process's own time on its core
    median: float  # milliseconds
    longest: float  # of all but one in a hundred

    def __str__(self) -> str:
        return (
            f"{self.per_second:,.0f} logins' rows a second on {THREADS} threads, "
            f"{self.per_core_second:,.0f} a second of their core, {self.median:.2f} ms each, "
            f"1 % longer than {self.longest:.2f} ms,"
        )


def _logins(site: Site, seconds: float) -> Logins:
    time.sleep(SETTLED)
    began, cpu = time.perf_counter(), time.process_time()
    end = began + seconds

    def write(_: int) -> list[float]:
        taken = []
        while time.perf_counter() < end:
            taken.append(_login(site))
        return taken

    with ThreadPoolExecutor(THREADS) as pool:
        taken = sorted(each for several in pool.map(write, range(THREADS)) for each in several)
    elapsed, cpu = time.perf_counter() - began, time.process_time() - cpu
    done = len(taken)
    return Logins(done / elapsed, done / cpu, median(taken), taken[-max(1, done // 100)])


def _login(site: Site) -> float:
    """How many milliseconds one transaction with the rows of a login took."""
    began = time.perf_counter()
    with writing(site.database) as connection:
        now, person_id = site.clock(), uuid4()
        for event in (
            SignedIn(person_id=person_id, device_id=person_id, level="device"),
            ApplicationAuthorised(person_id=person_id, client_id="demo", scopes="openid"),
        ):
            record(connection, site.secrets, event, now, "ABCDEFGHJK")
    return 1000 * (time.perf_counter() - began)


def _delay(site: Site) -> str:
    """How long the last of the rows waited for its link; the bound beyond which that is wrong."""
    began = time.perf_counter()
    while time.perf_counter() - began < CHAINED_WITHIN.total_seconds():
        with reading(site.database) as connection:
            if not find_waiting_rows(connection).rows:
                break
        time.sleep(PAUSE)
    waited = time.perf_counter() - began
    bound = CHAINED_WITHIN.total_seconds()
    return f"the last row was chained after {waited:.1f} s (a finding after {bound:.0f} s)"


def _check(site: Site) -> str:
    """How fast the whole log is verified, and in how much memory more than before."""
    before, began = getrusage(RUSAGE_SELF).ru_maxrss, time.process_time()
    checked = VerifiedChain(0, BEGINNING)
    with reading(site.database) as connection:
        findings = list(verify_log(connection, site.secrets, site.clock(), checked))
    assert not findings
    took = time.process_time() - began
    more = (getrusage(RUSAGE_SELF).ru_maxrss - before) / 1024
    return (
        f"Audit: {checked.rows:,} rows are verified in {took:.1f} s CPU, {more:.0f} MB more memory"
    )


def _middle(several: list[Logins]) -> Logins:
    return sorted(several, key=lambda each: each.per_second)[len(several) // 2]


@contextmanager
def _working(settings: Settings) -> Iterator[None]:
    """`authn audit work` runs for as long as the block does, and is at work when it begins."""
    process = subprocess.Popen(
        [sys.executable, "-m", "authn", "audit", "work"],
        env=environment(settings) | {"AUTHN_LOG_LEVEL": "error"},
    )
    try:
        there = psutil.Process(process.pid)
        if hasattr(there, "cpu_affinity") and (psutil.cpu_count() or 1) > 1:
            there.cpu_affinity([CLIENT_CORE])
        while there.num_threads() < 2:  # its worker's thread is the second
            time.sleep(PAUSE)
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)


def main() -> None:
    """Prints the lines of both engines: `python -m bench.audit 1` for a second at a time."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    pin_client()
    with tempfile.TemporaryDirectory(prefix="authn-bench-") as folder:
        for line in audit_lines(f"sqlite:///{folder}/authn.db", seconds):
            print("sqlite:", line, flush=True)
    with postgresql.running(durable=True) as server:
        for line in audit_lines(server.create("bench"), seconds):
            print("postgresql:", line, flush=True)


if __name__ == "__main__":
    main()
