"""Who we are in a ceremony: RP ID, origin and name, from one place."""

from dataclasses import dataclass

from sqlalchemy import Connection

from authn.devices.devices import stored_rp_ids
from authn.errors import CommandError
from authn.settings import Settings


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """WebAuthn §4 "Relying Party". `origin` is the only one that a response may name."""

    id: str
    origin: str
    name: str


def relying_party(settings: Settings) -> RelyingParty:
    """The relying party that this service is."""
    return RelyingParty(settings.relying_party_id, settings.issuer, settings.service_name)


def check_rp_id(connection: Connection, settings: Settings) -> None:
    """The RP ID in force is one that devices were enrolled with, or there are none yet.

    Raises `CommandError` otherwise: with another RP ID every device would be useless at once.
    """
    stored = stored_rp_ids(connection)
    if stored and settings.relying_party_id not in stored:
        known = ", ".join(sorted(stored))
        raise CommandError(
            f"The RP ID is {settings.relying_party_id}, but the enrolled devices belong to "
            f"{known}: none of them could sign in. Set AUTHN_RP_ID (or AUTHN_ISSUER) back."
        )
