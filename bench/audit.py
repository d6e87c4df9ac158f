"""What the audit log takes: a row in the act's own transaction, and its link, made afterwards.

And whether who writes waits for the worker that chains: the same writing, on several threads at
once, without and with it. `python -m bench.audit` measures this alone.
"""

import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from statistics import median
from uuid import uuid4

from authn.app import create_app
from authn.audit.chain import BEGINNING, waiting
from authn.audit.events import ApplicationAuthorised, SignedIn
from authn.audit.log import record
from authn.audit.verification import CHAINED_WITHIN, Checked, verify_log
from authn.db.engine import open_database
from authn.db.transaction import reading, writing
from authn.db.upgrade import upgrade
from authn.keys.audit_days import chain_all
from authn.web.site import Site
from bench.desk import settings_for
from tests import postgresql

ROWS = 10_000
LOGINS = 3_000
ROWS_OF_A_LOGIN = 2
THREADS = 8
ROUNDS = 5
# Ten times as often as a service does it.
CHAINED_EVERY = 0.1


def audit_lines(url: str, logins: int = LOGINS) -> list[str]:
    """Lines for what a row costs, and for logins at once without and with a worker beside them."""
    with tempfile.TemporaryDirectory(prefix="authn-bench-") as name:
        settings = settings_for(url, Path(name))
        with closing(open_database(settings)) as database:
            upgrade(database)
        site: Site = create_app(settings).state.site
        with closing(site.database):
            cost = _cost(site)
            alone, beside, delay = [], [], ""
            for _ in range(ROUNDS):  # in turns: what else the machine does is on both
                alone.append(_logins(site, logins // ROUNDS))
                with _worker(site):
                    beside.append(_logins(site, logins // ROUNDS))
                    delay = _delay(site)
            checked = _check(site)
    ratio = median(
        one.per_second / other.per_second for one, other in zip(beside, alone, strict=True)
    )
    return [
        cost,
        f"Audit: {_middle(alone)} while nothing chains",
        f"Audit: {_middle(beside)} while a worker chains: {ratio:.2f} of them; {delay}",
        checked,
    ]


def _cost(site: Site) -> str:
    with writing(site.database) as connection:
        began = time.process_time()
        for _ in range(ROWS):
            event = SignedIn(person_id=uuid4(), device_id=uuid4(), level="device")
            record(connection, site.secrets, event, site.clock(), "ABCDEFGHJK")
        written = time.process_time() - began
    began = time.process_time()
    chained = chain_all(site.database, site.secrets, site.clock())
    linked = time.process_time() - began
    return (
        f"Audit: a row takes {1e6 * written / ROWS:.0f} µs CPU, its link afterwards "
        f"{1e6 * linked / chained:.0f} µs; a whole login has {ROWS_OF_A_LOGIN} rows"
    )


@dataclass(frozen=True, slots=True)
class Logins:
    """How fast transactions with the rows of a login were, on so many threads at once."""

    per_second: float
    median: float  # milliseconds
    longest: float  # of all but one in a hundred

    def __str__(self) -> str:
        return (
            f"{self.per_second:,.0f} logins' rows a second on {THREADS} threads, "
            f"{self.median:.2f} ms each, 1 % longer than {self.longest:.2f} ms,"
        )


def _logins(site: Site, times: int) -> Logins:
    began = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        taken = sorted(pool.map(lambda _: _login(site), range(times)))
    elapsed = time.perf_counter() - began
    return Logins(times / elapsed, median(taken), taken[-max(1, times // 100)])


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
            if not waiting(connection).rows:
                break
        time.sleep(CHAINED_EVERY / 10)
    waited = time.perf_counter() - began
    bound = CHAINED_WITHIN.total_seconds()
    return f"the last row was chained after {waited:.1f} s (a finding after {bound:.0f} s)"


def _check(site: Site) -> str:
    """How fast the whole log is verified, and in how much memory more than before."""
    before, began = getrusage(RUSAGE_SELF).ru_maxrss, time.process_time()
    checked = Checked(0, BEGINNING)
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
def _worker(site: Site) -> Iterator[None]:
    """A thread chains for as long as the block runs, as one of `authn serve` does."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(CHAINED_EVERY):
            chain_all(site.database, site.secrets, site.clock())

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def main() -> None:
    """Prints the lines of both engines: `python -m bench.audit 1000` for fewer logins."""
    logins = int(sys.argv[1]) if len(sys.argv) > 1 else LOGINS
    with tempfile.TemporaryDirectory(prefix="authn-bench-") as folder:
        for line in audit_lines(f"sqlite:///{folder}/authn.db", logins):
            print("sqlite:", line)
    with postgresql.running(durable=True) as server:
        for line in audit_lines(server.create("bench"), logins):
            print("postgresql:", line)


if __name__ == "__main__":
    main()
