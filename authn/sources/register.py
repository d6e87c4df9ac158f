"""The citizen with a number, from whichever national register is configured.

The real one is asked before a transaction is opened, the embedded one is read inside it: so a
look-up has two steps. A number that was cancelled is nobody's in both.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import Connection

from authn.people.citizen import Citizen
from authn.secrets import Secrets
from authn.settings import Settings
from authn.sources.asking import Sources
from authn.sources.configured import is_embedded
from authn.sources.embedded import EmbeddedRegister


@dataclass(frozen=True, slots=True)
class RegisterLookup:
    """What is known of one number: `citizen` inside a transaction tells who it is."""

    citizen: Callable[[Connection], Citizen | None] = field(repr=False)


def look_up(sources: Sources, settings: Settings, secrets: Secrets, ssin: str) -> RegisterLookup:
    """The look-up of a number (canonical form): asks a real register, now, in no transaction.

    Raises `SourceDown`.
    """
    if is_embedded(settings, "national_register"):
        return RegisterLookup(
            lambda connection: EmbeddedRegister(connection, secrets).citizen(ssin)
        )
    heard = sources.citizen(ssin)
    return RegisterLookup(lambda _: heard)
