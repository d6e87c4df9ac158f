"""The ground of every test: the real app on a fresh database, on SQLite and on PostgreSQL."""

import gc
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import structlog
from anyio.from_thread import BlockingPortal
from playwright.sync_api import Browser
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn import jose
from authn.app import create_app
from authn.clock import Clock, system_clock
from authn.db.engine import Database, open_database
from authn.db.upgrade import upgrade
from authn.keys import signing_keys
from authn.secrets import new_token
from authn.settings import PREFIX, Settings
from authn.sources.embedded.register_import import import_register_file
from authn.web.site import Site
from tests import browser, choosing, compiled, kept, postgresql, sources_server, watch

# A machine with more to do than this test is slow, and nothing is wrong.
hypothesis.settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("unhurried")

DATABASE = "authn"
DEMO_PEOPLE = Path(__file__).parent.parent / "authn" / "demo" / "people.csv"
ENGINES = [
    pytest.param("sqlite", id="sqlite"),
    pytest.param("postgresql", id="postgresql", marks=pytest.mark.postgresql),
]


@dataclass(slots=True)
class MovableClock:
    """A clock that stands still until a test moves it."""

    now: datetime = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, *, seconds: float = 0, minutes: float = 0, days: float = 0) -> None:
        """So much later."""
        self.now += timedelta(seconds=seconds, minutes=minutes, days=days)


@dataclass(frozen=True, slots=True)
class LiveService:
    """The service as a browser or another program reaches it, over HTTP."""

    address: str
    site: Site


def pytest_collection_finish() -> None:
    """What is there by now stays to the end: it is not looked through for garbage any more."""
    gc.collect()
    gc.freeze()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--first-case`: of a test with many cases, one: every rule, in a tenth of the time."""
    parser.addoption("--first-case", action="store_true", help="run one case of each test")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Last of all, so that `--first-case` chooses among what `-m` and `-k` have left."""
    left_out = choosing.second_engine(items)
    if config.getoption("first_case"):
        left_out |= choosing.further_cases(set(items) - left_out)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(autouse=True)
def _no_setting_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the developer's own environment configures does not reach a test."""
    for name in os.environ:
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)


@cache
def _generated(alg: jose.Algorithm | jose.KeyEncryption, number: int) -> jose.OwnKey:
    return jose.generate_key(alg)


@pytest.fixture(autouse=True)
def _keys_of_every_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """Making RSA keys for each test would take most of the time: its first one is always the same.

    Within a test no key comes twice.
    """
    made: Counter[str] = Counter()

    def generate(alg: jose.Algorithm | jose.KeyEncryption) -> jose.OwnKey:
        made[alg] += 1
        return _generated(alg, made[alg])

    monkeypatch.setattr(signing_keys, "generate_key", generate)


@pytest.fixture(scope="session", autouse=True)
def _connections() -> Iterator[kept.Connections]:
    """Compiled statements and connections go from one test to the next; no disk is waited for."""
    connections = kept.Connections()
    with pytest.MonkeyPatch.context() as patch:
        compiled.share(patch)
        connections.keep(patch)
        kept.forgetful_sqlite(patch)
        kept.backwards_sqlite(patch)
        kept.patient(patch)
        yield connections
    connections.close()


@pytest.fixture(scope="session")
def _one_loop() -> Iterator[BlockingPortal]:
    with pytest.MonkeyPatch.context() as patch, kept.one_loop(patch) as portal:
        yield portal


@pytest.fixture(autouse=True)
def _threads(_one_loop: BlockingPortal) -> None:
    _one_loop.call(kept.as_many_threads_as_at_first)


@pytest.fixture(scope="session", autouse=True)
def _plain_log_lines() -> None:
    """Log lines are short: structlog's own form of a traceback takes seconds to draw."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(),
        ]
    )


@pytest.fixture(autouse=True)
def writes_while_reading() -> Iterator[list[str]]:
    """What reading transactions wrote in this test: nothing, since a route that writes says so."""
    with watch.writes_while_reading() as found:
        yield found
    assert not found, f"written in a transaction that only reads: {found}"


def migrated(url: str) -> None:
    """The database at this address has every table, with no row in any."""
    with closing(open_database(Settings(database_url=SecretStr(url)))) as database:
        upgrade(database)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    migrated(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[postgresql.PostgreSQL]:
    """A PostgreSQL of this worker's own, with one migrated database in it."""
    with postgresql.running() as server:
        migrated(server.create(DATABASE))
        yield server


@pytest.fixture(params=ENGINES)
def database_url(
    request: pytest.FixtureRequest, tmp_path: Path, _connections: kept.Connections
) -> str:
    """A migrated, empty database; a test that asks for it runs once on each engine."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        path = shutil.copyfile(template, tmp_path / "authn.db")
        return f"sqlite:///{path}"
    server: postgresql.PostgreSQL = request.getfixturevalue("postgresql_server")
    server.empty(DATABASE, spared=_connections.processes())
    return server.url(DATABASE)


@pytest.fixture(scope="session")
def _valid_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Checked once: checking every field takes longer than opening the database."""
    return Settings(
        data_directory=tmp_path_factory.mktemp("nowhere"),
        database_url=SecretStr("sqlite:///nowhere"),
        outbox_worker=False,  # no thread does anything beside a test
        audit_worker=False,
    )


@pytest.fixture
def settings(_valid_settings: Settings, database_url: str, tmp_path: Path) -> Settings:
    """The settings of a service with keys of its own, at http://localhost:8000."""
    keys = ("master_key", "national_number_key", "token_key", "audit_key")
    own: dict[str, Any] = {
        "database_url": SecretStr(database_url),
        "data_directory": tmp_path / "var",
    }
    return _valid_settings.model_copy(
        update={**own, **{name: SecretStr(new_token()) for name in keys}}
    )


@pytest.fixture
def clock() -> MovableClock:
    """What time it is for the service; a test may move it."""
    return MovableClock()


@pytest.fixture
def app(settings: Settings, clock: Clock) -> Iterator[Starlette]:
    """The real application; its database is closed after the test."""
    application = create_app(settings, clock=clock)
    yield application
    site: Site = application.state.site
    site.database.close()


@pytest.fixture
def site(app: Starlette) -> Site:
    """What every request of `app` finds: settings, keys, database, clock, pages."""
    site: Site = app.state.site
    return site


@pytest.fixture
def database(site: Site) -> Database:
    """The database of `app`, for `db.transaction.reading` and `writing`."""
    return site.database


@pytest.fixture
def register(site: Site, clock: Clock) -> None:
    """The embedded national register holds the fictitious people of the demonstration."""
    import_register_file(site.database, site.secrets, DEMO_PEOPLE, clock())


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sources_server.Town]:
    """What the real authentic sources of the tests answer."""
    folder = tmp_path_factory.mktemp("town") / "files"
    with sources_server.town(folder, MovableClock().now) as there:
        yield there


@pytest.fixture
def real(town: sources_server.Town, clock: MovableClock) -> Iterator[sources_server.Running]:
    """A development server of all four sources, over HTTP, at the service's time."""
    with sources_server.running(town, clock) as server:
        yield server


@pytest.fixture
def client(app: Starlette) -> Iterator[TestClient]:
    """A browser without JavaScript, as it were: keeps cookies, follows no redirect by itself."""
    with TestClient(app, base_url="http://localhost:8000", follow_redirects=False) as test_client:
        yield test_client


@pytest.fixture
def live(settings: Settings) -> Iterator[LiveService]:
    """The service on a free port of this machine, with the real time."""
    listener = browser.free_socket()
    issuer = f"http://localhost:{listener.getsockname()[1]}"
    application = create_app(settings.model_copy(update={"issuer": issuer}), clock=system_clock)
    with browser.serving(application, listener) as address:
        yield LiveService(address, application.state.site)


@pytest.fixture(scope="session")
def one_chromium() -> Iterator[Browser]:
    """The one Chromium of this worker."""
    with browser.running_chromium() as running:
        yield running


@pytest.fixture
def chromium(one_chromium: Browser) -> Iterator[Browser]:
    """A Chromium without profiles; `browser.new_context` is a person's, closed after the test.

    Pages that are left open go on asking a service that is gone.
    """
    yield one_chromium
    for context in one_chromium.contexts:
        context.close()
