"""The files from which the development server of authentic sources answers.

A folder has files of `authn people import` and `authn sources import`, which are imported likewise,
into a temporary database with keys of its own.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import orjson
from pydantic import SecretStr

from authn.db.engine import Database, open_database
from authn.db.upgrade import upgrade
from authn.errors import CommandError
from authn.foreign_jwt import ExchangeKey, read_key_set
from authn.secrets import Secrets, create_secrets, load_secrets
from authn.settings import Settings
from authn.sources.embedded.fact_columns import FileKind
from authn.sources.embedded.fact_files import SUFFIXES
from authn.sources.embedded.fact_import import FactImport
from authn.sources.embedded.register_import import import_register_file

CLIENTS: Final = "clients.jwks.json"
CITIZENS: Final = "citizens.csv"
# Memberships and mandates name organisations, so these come first.
KINDS: Final[tuple[FileKind, ...]] = (
    "organisations",
    "children",
    "qualities",
    "memberships",
    "mandates",
)


def read_clients(folder: Path) -> tuple[ExchangeKey, ...]:
    """The public keys of the server's clients; raises `CommandError`."""
    path = folder / CLIENTS
    try:
        keys = read_key_set(orjson.loads(path.read_bytes()))
    except (OSError, ValueError):
        keys = ()
    if not keys:
        raise CommandError(f"{path} must hold the public keys of those who may ask: a JWK Set.")
    return keys


@contextmanager
def source_twins(folder: Path, now: datetime) -> Iterator[tuple[Database, Secrets]]:
    """A temporary database with the files' content; raises `CommandError` for a bad line."""
    with TemporaryDirectory(prefix="authn-sources-") as scratch:
        data = Path(scratch)
        settings = Settings(
            database_url=SecretStr(f"sqlite:///{data / 'sources.db'}"), data_directory=data
        )
        create_secrets(settings)
        secrets = load_secrets(settings)
        with closing(open_database(settings)) as database:
            upgrade(database)
            if not _import_files(database, secrets, folder, now):
                names = ", ".join([CITIZENS, *(f"{kind}.csv" for kind in KINDS)])
                raise CommandError(f"{folder} has none of the files of sources: {names}.")
            yield database, secrets


def _import_files(database: Database, secrets: Secrets, folder: Path, now: datetime) -> int:
    """Imports the files of the folder, and returns how many there were."""
    taken = 0
    if (folder / CITIZENS).is_file():
        import_register_file(database, secrets, folder / CITIZENS, now)
        taken += 1
    for kind in KINDS:
        for suffix, unit in SUFFIXES.items():
            path = folder / f"{kind}{suffix}"
            if not path.is_file():
                continue
            report = FactImport(database, secrets, kind, path, now, strict=True).run()
            for rejected in report.rejected:
                raise CommandError(f"{path.name}: {unit} {rejected.line}: {rejected.rule}.")
            taken += 1
    return taken
