"""What the audit log takes: a row in the act's own transaction, and its link, made afterwards.

And whether who writes waits for the worker that chains: the same writing without and with it.
"""

import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from multiprocessing import get_context
from multiprocessing.synchronize import Event as Stop
from pathlib import Path
from statistics import median
from uuid import uuid4

from authn.app import create_app
from authn.audit.events import ApplicationAuthorised, SignedIn
from authn.audit.log import record
from authn.db.engine import open_database
from authn.db.transaction import writing
from authn.db.upgrade import upgrade
from authn.keys.audit_days import chain_all
from authn.settings import Settings
from authn.web.site import Site
from bench.desk import settings_for
from bench.service import pin_beside_client

ROWS = 10_000
LOGINS = 3_000
ROWS_OF_A_LOGIN = 2
# Ten times as often as a service does it.
CHAINED_EVERY = 0.1


def audit_lines(url: str) -> list[str]:
    """A line for what a row costs, and one for each way of writing, on the database there."""
    with tempfile.TemporaryDirectory(prefix="authn-bench-") as name:
        settings = settings_for(url, Path(name))
        with closing(open_database(settings)) as database:
            upgrade(database)
        site: Site = create_app(settings).state.site
        with closing(site.database):
            lines = [_cost(site), f"{_logins(site)} while nothing chains"]
            with _worker(settings):
                return [*lines, f"{_logins(site)} while a worker chains"]


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


def _logins(site: Site) -> str:
    """Transactions with the rows of a login, one after the other."""
    times = []
    for _ in range(LOGINS):
        began = time.perf_counter()
        with writing(site.database) as connection:
            now, person_id = site.clock(), uuid4()
            for event in (
                SignedIn(person_id=person_id, device_id=person_id, level="device"),
                ApplicationAuthorised(person_id=person_id, client_id="demo", scopes="openid"),
            ):
                record(connection, site.secrets, event, now, "ABCDEFGHJK")
        times.append(1000 * (time.perf_counter() - began))
    longest = sorted(times)[-LOGINS // 100]
    return f"Audit: {median(times):.2f} ms a transaction, 1 % longer than {longest:.2f} ms,"


@contextmanager
def _worker(settings: Settings) -> Iterator[None]:
    """Another process chains for as long as the block runs."""
    context = get_context("spawn")
    started, stop = context.Event(), context.Event()
    process = context.Process(target=_chain, args=(settings, started, stop))
    process.start()
    try:
        started.wait()
        yield
    finally:
        stop.set()
        process.join()


def _chain(settings: Settings, started: Stop, stop: Stop) -> None:
    pin_beside_client()
    site: Site = create_app(settings).state.site
    started.set()
    while not stop.wait(CHAINED_EVERY):
        chain_all(site.database, site.secrets, site.clock())
