"""What an act has at hand: its transaction, and what must be known to write down what it did.

A `web.request.Request` is one; a command and a worker make a `Job`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from sqlalchemy import Connection

from authn.secrets import Secrets
from authn.settings import Settings


class Occasion(Protocol):
    """The connection of a writing transaction, settings, keys, moment and reference number.

    `agent` is what the browser calls itself that asked for the act, "" where none did.
    """

    @property
    def connection(self) -> Connection: ...

    @property
    def settings(self) -> Settings: ...

    @property
    def secrets(self) -> Secrets: ...

    @property
    def now(self) -> datetime: ...

    @property
    def reference(self) -> str: ...

    @property
    def agent(self) -> str: ...


NO_REFERENCE: Final = "-"


@dataclass(frozen=True, slots=True)
class Job:
    """The occasion of what no request asked for: a command, a worker."""

    connection: Connection
    settings: Settings
    secrets: Secrets
    now: datetime
    reference: str = NO_REFERENCE
    agent: str = ""
