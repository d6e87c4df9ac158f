"""The running service, as every request finds it: settings, keys, database, clock, pages."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar, cast

from authn.clock import Clock
from authn.db.engine import Database
from authn.secrets import Secrets
from authn.settings import Settings
from authn.web.document_cache import DocumentCache
from authn.web.outgoing import OutgoingClient
from authn.web.pages import Pages
from authn.web.place import PlaceDatabase

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SiteMemory:
    """What this process remembers for a short time, and the database can tell again at any moment.

    One value of each type. Each process has its own, and none asks another.
    """

    values: dict[type, tuple[datetime, object]] = field(default_factory=dict)

    def recall(self, kind: type[T], now: datetime, lifetime: timedelta) -> T | None:
        """The value of this type if it was kept less than `lifetime` ago."""
        kept_at, value = self.values.get(kind, (now, None))
        return cast(T, value) if value and timedelta(0) <= now - kept_at < lifetime else None

    def once(self, kind: type[T], make: Callable[[], T]) -> T:
        """The one value of this type for as long as the process runs, made when first asked for.

        Several threads that ask at once get the same one.
        """
        if kind not in self.values:
            self.values.setdefault(kind, (datetime.min.replace(tzinfo=UTC), make()))
        return cast(T, self.values[kind][1])

    def keep(self, value: T, now: datetime) -> T:
        """The value, remembered by its type from now on."""
        self.values[type(value)] = (now, value)
        return value


@dataclass(frozen=True, slots=True, repr=False)
class Site:
    """What does not change between two requests.

    Its `repr` is short, for error messages: with all pages and metadata it would fill a log.
    """

    settings: Settings
    secrets: Secrets
    database: Database
    clock: Clock
    pages: Pages
    places: PlaceDatabase = field(default_factory=PlaceDatabase)
    memory: SiteMemory = field(default_factory=SiteMemory)
    outgoing: OutgoingClient = field(default_factory=OutgoingClient)
    documents: DocumentCache = field(default_factory=DocumentCache)

    def __repr__(self) -> str:
        return f"<Site {self.settings.issuer}>"
