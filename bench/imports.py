"""What taking 100,000 people takes, and 100,000 facts about them, on one core and this engine."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from pydantic import SecretStr

from authn.clock import system_clock
from authn.db.engine import open_database
from authn.db.upgrade import upgrade
from authn.secrets import KEY_BYTES, Secrets
from authn.settings import Settings
from authn.sources.embedded.fact_columns import COLUMNS
from authn.sources.embedded.fact_import import FactImport
from authn.sources.embedded.register_csv import COLUMNS as PEOPLE
from authn.sources.embedded.register_import import import_register_file

COUNT = 100_000


def import_lines(url: str) -> list[str]:
    """A line for each file, taken into the database at this address."""
    secrets = Secrets(*(bytes([number]) * KEY_BYTES for number in range(1, 5)))
    now = system_clock()
    with (
        closing(open_database(Settings(database_url=SecretStr(url)))) as database,
        tempfile.TemporaryDirectory(prefix="authn-bench-") as name,
    ):
        upgrade(database)
        people, mandates = Path(name) / "people.csv", Path(name) / "mandates.csv"
        numbers = list(fictitious_numbers(COUNT))
        _write(people, PEOPLE, (f"{ssin},Given,Family,1903-01-01,nl,no," for ssin in numbers))
        header = [column.name for column in COLUMNS["mandates"]]
        _write(mandates, header, map(_mandate, numbers, reversed(numbers)))
        again = FactImport(database, secrets, "mandates", mandates, now, complete=True)
        return [
            _line("people", lambda: import_register_file(database, secrets, people, now)),
            _line("mandates", FactImport(database, secrets, "mandates", mandates, now).run),
            _line("mandates again, as a complete file", again.run),
        ]


def fictitious_numbers(count: int) -> Iterator[str]:
    """Numbers shaped like BIS numbers of people born from 1903 on (decisions 9.6)."""
    for index in range(count):
        year, rest = divmod(index, 27_000)
        day, order = divmod(rest, 998)
        nine = f"{year + 3:02}41{day + 1:02}{order + 1:03}"
        yield f"{nine}{97 - int(nine) % 97:02}"


def _mandate(mandatary: str, mandator: str) -> str:
    what = "recipe medicaldatamanagement,2020-01-01,2029-12-31,yes,yes"
    return f"m-{mandatary},{mandatary},{mandator},Given,Family,,{what}"


def _write(path: Path, columns: list[str] | dict[str, str], rows: Iterator[str]) -> None:
    path.write_text("\n".join([",".join(columns), *rows]) + "\n", encoding="utf-8")


def _line(what: str, take: Callable[[], object]) -> str:
    began, cpu = time.perf_counter(), time.process_time()
    take()
    elapsed, cpu = time.perf_counter() - began, time.process_time() - cpu
    return f"Import of {COUNT:,} {what}: {elapsed:.1f} s, of which {cpu:.1f} s CPU here"
