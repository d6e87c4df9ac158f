"""An import while somebody reads the same source: what was read before never outlives it.

Each test holds a transaction open that has read what was told before, lets an import come, and
commits afterwards. On SQLite the import waits; on PostgreSQL the two go on beside each other.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import select, update

from authn.db.transaction import reading, writing
from authn.people.tables import Person, persons
from authn.profiles.refreshing import refresh_from_sources
from authn.sources.embedded.fact_columns import COLUMNS, FileKind
from authn.sources.embedded.fact_import import FactImport
from authn.sources.embedded.register_csv import COLUMNS as PEOPLE
from authn.sources.embedded.register_csv import OPTIONAL_COLUMNS
from authn.sources.embedded.register_import import import_register_file
from authn.sources.questions import QuestionName
from authn.sources.tables import register_citizens
from authn.web.site import Site
from tests.capacities import Asking
from tests.citizen import HANNE, SSIN
from tests.conftest import MovableClock
from tests.profiles.conftest import answered, facts_offered

pytestmark = pytest.mark.thorough

NURSE = f"{SSIN},nurse,10000000000,2020-01-01,"
OVER = f"{SSIN},nurse,10000000000,2020-01-01,2025-01-01"
MIDWIFE = "05520900401,midwife,10000000001,2020-01-01,"
LIVING = f"{SSIN},{HANNE.given_name},{HANNE.family_name},1903-01-01,nl,no,,"
DEAD = f"{SSIN},{HANNE.given_name},{HANNE.family_name},1903-01-01,nl,yes,,"
AN_IMPORT_TAKES = 0.5  # seconds, and more where it has to wait

Act = Callable[[], object]


def facts(site: Site, path: Path, *rows: str, complete: bool = False) -> None:
    kind: FileKind = "qualities"
    path.write_text("\n".join((",".join(each.name for each in COLUMNS[kind]), *rows)) + "\n")
    FactImport(site.database, site.secrets, kind, path, site.clock(), complete=complete).run()


def people(site: Site, path: Path, row: str) -> None:
    path.write_text(",".join([*PEOPLE, *OPTIONAL_COLUMNS]) + f"\n{row}\n", encoding="utf-8")
    import_register_file(site.database, site.secrets, path, site.clock())


def while_it_is_read(site: Site, person: Person, question: QuestionName, import_: Act) -> None:
    """The import comes after somebody has read, and before they have committed."""
    has_read = Event()

    def afterwards() -> None:
        assert has_read.wait(10)
        import_()

    with ThreadPoolExecutor(1) as pool:
        with writing(site.database) as connection:
            refresh_from_sources(Asking(connection, site), person.id, [question])
            has_read.set()
            done = pool.submit(afterwards)
            with suppress(TimeoutError):
                done.exception(timeout=AN_IMPORT_TAKES)
        done.result(timeout=30)


@pytest.mark.parametrize("complete", [False, True])
@pytest.mark.parametrize("heard_before", [False, True])
def test_what_was_told_before_is_asked_anew(
    site: Site,
    hanne: Person,
    clock: MovableClock,
    tmp_path: Path,
    *,
    complete: bool,
    heard_before: bool,
) -> None:
    path = tmp_path / "qualities.csv"
    facts(site, path, NURSE)
    if heard_before:
        up_to_date(site, hanne, "qualities")
        clock.advance(minutes=60)
    rows = (MIDWIFE,) if complete else (OVER,)
    while_it_is_read(site, hanne, "qualities", lambda: facts(site, path, *rows, complete=complete))
    up_to_date(site, hanne, "qualities")
    assert facts_offered(site, hanne) == [None]


def test_nobody_comes_back_to_life(
    site: Site, hanne: Person, clock: MovableClock, tmp_path: Path
) -> None:
    path = tmp_path / "people.csv"
    people(site, path, LIVING)
    while_it_is_read(site, hanne, "citizen", lambda: people(site, path, DEAD))
    with reading(site.database) as connection:
        assert connection.execute(select(persons.c.deceased)).scalars().all() == [True]


def test_nor_does_who_reads_while_the_import_is_under_way(
    site: Site, hanne: Person, clock: MovableClock, tmp_path: Path
) -> None:
    people(site, tmp_path / "people.csv", LIVING)
    with ThreadPoolExecutor(1) as pool:
        with writing(site.database) as connection:  # an import, as far as it goes
            connection.execute(update(register_citizens).values(deceased=True))
            connection.execute(update(persons).values(deceased=True))
            done = pool.submit(up_to_date, site, hanne, "citizen")
            with suppress(TimeoutError):
                done.exception(timeout=AN_IMPORT_TAKES)
        done.result(timeout=30)
    with reading(site.database) as connection:
        assert connection.execute(select(persons.c.deceased)).scalars().all() == [True]


def up_to_date(site: Site, person: Person, question: QuestionName) -> None:
    answered(site, lambda asking: refresh_from_sources(asking, person.id, [question]))
