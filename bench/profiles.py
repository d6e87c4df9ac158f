"""What capacities cost: the page on which one of 500 is chosen, and a source that is slow.

The slow source is the development server of authentic sources on the client's core; it waits 50 ms
before each answer, or does not. Half of the connections ask it twice a second; what the others do
meanwhile is held against what they do beside one that answers at once.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import UUID

import orjson

from authn.cli.ground import ground
from authn.jose import ES256, export_private_key, generate_key, public_jwk
from authn.people.numbers import current_ssin
from authn.sources.embedded.fact_columns import COLUMNS
from authn.sources.embedded.fact_import import FactImport
from bench.applications import CAPACITIES, Applications
from bench.http import Browser
from bench.imports import fictitious_numbers
from bench.operations import Begin, authorization_request, ceremony, login
from bench.service import Holder, Service, running

MANDATES = 500
DELAY = "0.05"
PAUSE = 0.5  # seconds: longer than an answer is fresh
FRESH = "PT0.4S"
CLIENT = "authn-bench"


def give_mandates(people: list[UUID], folder: Path, count: int = MANDATES) -> Path:
    """Each of these people may act for so many others; the folder with the file that says so."""
    with ground() as present:
        with present.reading() as connection:
            numbers = [current_ssin(connection, present.secrets, each) for each in people]
        path = folder / "mandates.csv"
        header = [column.name for column in COLUMNS["mandates"]]
        path.write_text(
            "\n".join([",".join(header), *_lines(numbers, count)]) + "\n", encoding="utf-8"
        )
        FactImport(present.database, present.secrets, "mandates", path, present.now).run()
    return folder


def _lines(mandataries: list[str], count: int) -> Iterator[str]:
    mandators = [each for each in fictitious_numbers(2 * MANDATES) if each not in mandataries]
    for mandatary in mandataries:
        for index, mandator in enumerate(mandators[:count]):
            names = f"Given{index},Family{index % 97}"
            what = "medicaldatamanagement,2020-01-01,,yes,yes"
            yield f"m-{mandatary}-{index},{mandatary},{mandator},{names},,{what}"


def choice_page(service: Service, browser: Browser, holder: Holder) -> Callable[[], None]:
    """(l) The page on which one of 500 mandates is chosen, for a request that waits."""
    path = waiting(browser)

    def look() -> None:
        answer = browser.get(path)
        assert answer.status == 200, answer.status

    return look


def waiting(browser: Browser) -> str:
    """The address of the page for a new request, of whoever is signed in."""
    _, path = authorization_request(client_id=CAPACITIES, scope="openid")
    answer = browser.get(path)
    location = answer.headers.get("location", "")
    assert location.startswith("/profile?"), (answer.status, location)
    return location


def slow_source_lines(
    people: list[UUID], applications: Applications, port: int, folder: Path, source_port: int
) -> Iterator[str]:
    """Logins per second of half of the connections, beside a quick source and beside a slow one."""
    give_mandates(people, folder, 2)
    done = {}
    for delay in ("0", DELAY):
        with (
            tempfile.TemporaryDirectory(prefix="authn-bench-") as keys,
            _source(folder, Path(keys), source_port, delay),
            running(people, applications, port) as service,
        ):
            done[delay] = _logins(service, len(people) // 2)
    quick, slow = done["0"], done[DELAY]
    yield (
        f"Logins per second beside a source that takes {float(DELAY) * 1000:.0f} ms: {slow:,.0f}, "
        f"{slow / quick:.0%} of {quick:,.0f} beside one that answers at once"
    )


def _logins(service: Service, half: int, seconds: float = 6.0) -> float:
    """Logins per second of the first half, while the others ask a source twice a second."""
    done, failures = [0], []
    end = time.perf_counter() + seconds

    def work(holder: Holder, begin: Begin, pause: float, count: list[int]) -> None:
        try:
            with closing(service.browser()) as browser:
                ceremony(service, browser, holder)
                operation = begin(service, browser, holder)
                while time.perf_counter() < end:
                    operation()
                    count[0] += 1
                    time.sleep(pause)
        except Exception as failure:  # noqa: BLE001 (raised again below)
            failures.append(failure)

    workers = [(each, _login, 0.0, done) for each in service.holders[:half]]
    workers += [(each, _ask, PAUSE, [0]) for each in service.holders[half:]]
    threads = [threading.Thread(target=work, args=each) for each in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return done[0] / seconds


def _login(service: Service, browser: Browser, holder: Holder) -> Callable[[], None]:
    return lambda: login(service, browser, holder)


def _ask(service: Service, browser: Browser, holder: Holder) -> Callable[[], None]:
    return lambda: _waiting_and_looked_at(browser)


def _waiting_and_looked_at(browser: Browser) -> None:
    assert browser.get(waiting(browser)).status == 200


@contextmanager
def _source(folder: Path, keys: Path, port: int, delay: str) -> Iterator[None]:
    """The development server runs, and the service's settings name it for mandates."""
    key = generate_key(ES256)
    (folder / "clients.jwks.json").write_bytes(orjson.dumps({"keys": [public_jwk(key)]}))
    (keys / "key.json").write_bytes(export_private_key(key))
    address = f"http://localhost:{port}"
    settings = {
        "AUTHN_MANDATES_URL": address,
        "AUTHN_MANDATES_FRESH": FRESH,
        "AUTHN_SOURCES_TOKEN_URL": f"{address}/token",
        "AUTHN_SOURCES_CLIENT_ID": CLIENT,
        "AUTHN_SOURCES_KEY": str(keys / "key.json"),
    }
    command = [sys.executable, "-m", "authn", "sources", "serve", str(folder)]
    command += ["--port", str(port), "--delay", delay]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.environ.update(settings)
    try:
        _wait(port)
        yield
    finally:
        for name in settings:
            del os.environ[name]
        process.terminate()
        process.wait(timeout=10)


def _wait(port: int) -> None:
    for _ in range(1000):
        try:
            Browser("127.0.0.1", port).close()
            return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError("the source did not start")
