"""The embedded national register, and the look-up of a citizen in whichever register is configured.

A real register is asked before a transaction is opened, the embedded one is read inside: so a
look-up has two steps. In both, a number that was cancelled is nobody's.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from authn.db.reencryption import EncryptedColumn
from authn.people.persons import Citizen
from authn.secrets import Secrets, decrypt, encrypt, national_number_hash
from authn.settings import Settings
from authn.sources.questions import is_embedded
from authn.sources.real_sources import Sources
from authn.sources.tables import register_citizens, register_replacements, register_staged_rows

LONGEST_CHAIN = 32
"""How often a number can have been replaced: an import refuses circles, and look-ups end here."""


@dataclass(frozen=True, slots=True)
class EmbeddedRegister:
    """A `NationalRegister` in our own database, read in the transaction of `connection`."""

    connection: Connection
    secrets: Secrets

    def citizen(self, ssin: str) -> Citizen | None:
        """The citizen with a national number, present or replaced; None for a cancelled one."""
        entry = self.entry(ssin)
        return None if entry and entry.cancelled else entry

    def entry(self, ssin: str) -> Citizen | None:
        """The citizen with a national number, present, replaced or cancelled."""
        return self.entry_by_hash(national_number_hash(self.secrets, ssin))

    def entry_by_hash(self, ssin_hash: str) -> Citizen | None:
        """The citizen with a national number, found by its keyed hash."""
        present = self._present_hash(ssin_hash)
        row = self.connection.execute(
            select(register_citizens).where(register_citizens.c.ssin_hash == present)
        ).first()
        if row is None:
            return None
        return Citizen(
            ssin=decrypt_ssin(self.secrets, row.ssin_encrypted, row.ssin_hash),
            given_name=row.given_name,
            family_name=row.family_name,
            birthdate=row.birthdate,
            language=row.language,
            deceased=row.deceased,
            cancelled=row.cancelled,
            previous_ssins=self._replaced_by(row.ssin_hash),
        )

    def _present_hash(self, ssin_hash: str) -> str:
        for _ in range(LONGEST_CHAIN):
            successor = self.connection.execute(
                select(register_replacements.c.replaced_by_hash).where(
                    register_replacements.c.ssin_hash == ssin_hash
                )
            ).scalar()
            if successor is None:
                break
            ssin_hash = successor
        return ssin_hash

    def _replaced_by(self, ssin_hash: str) -> tuple[str, ...]:
        """The national numbers that a number replaced, newest first."""
        ssins: list[str] = []
        newest = [ssin_hash]
        for _ in range(LONGEST_CHAIN):
            rows = self.connection.execute(
                select(register_replacements)
                .where(register_replacements.c.replaced_by_hash.in_(newest))
                .order_by(register_replacements.c.ssin_hash)
            ).all()
            if not rows:
                break
            ssins += [decrypt_ssin(self.secrets, row.ssin_encrypted, row.ssin_hash) for row in rows]
            newest = [row.ssin_hash for row in rows]
        return tuple(ssins)


def is_empty(connection: Connection) -> bool:
    """Whether the embedded register has no citizens yet."""
    return connection.execute(select(register_citizens.c.ssin_hash).limit(1)).first() is None


def encrypt_ssin(secrets: Secrets, ssin: str, ssin_hash: str) -> bytes:
    """A national number encrypted for the register's tables, bound to its own hash."""
    return encrypt(secrets, ssin.encode("ascii"), _context(ssin_hash))


def decrypt_ssin(secrets: Secrets, ssin_encrypted: bytes, ssin_hash: str) -> str:
    """The national number that `encrypt_ssin` encrypted."""
    return decrypt(secrets, ssin_encrypted, _context(ssin_hash)).decode("ascii")


def _context(ssin_hash: str) -> str:
    return f"register:{ssin_hash}"


# The staged rows first: an import moves them, as they are, into the others.
ENCRYPTED = (
    EncryptedColumn(register_staged_rows.c.ssin_encrypted, lambda row: _context(row.ssin_hash)),
    EncryptedColumn(
        register_staged_rows.c.replaces_encrypted, lambda row: _context(row.replaces_hash)
    ),
    EncryptedColumn(register_citizens.c.ssin_encrypted, lambda row: _context(row.ssin_hash)),
    EncryptedColumn(register_replacements.c.ssin_encrypted, lambda row: _context(row.ssin_hash)),
)


@dataclass(frozen=True, slots=True)
class RegisterLookup:
    """The look-up of one number; `citizen`, called in a transaction, gives the citizen or None."""

    citizen: Callable[[Connection], Citizen | None] = field(repr=False)


def look_up_in_register(
    sources: Sources, settings: Settings, secrets: Secrets, ssin: str
) -> RegisterLookup:
    """The look-up of a number (canonical form); a real register is asked now, in no transaction.

    Raises `SourceDown`.
    """
    if is_embedded(settings, "national_register"):
        return RegisterLookup(
            lambda connection: EmbeddedRegister(connection, secrets).citizen(ssin)
        )
    citizen = sources.citizen(ssin)
    return RegisterLookup(lambda _: citizen)
