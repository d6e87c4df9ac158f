"""The relying party that this service is: RP ID, name, and the origins whose responses count.

Why: an origin that may answer can be used against every person who has a device. So there are no
others than the service's own and those that the operator's settings name, for sites and apps of the
operator (decisions 2.5); a client's registration adds none. An Android app signs under an origin of
its own, which is that of its certificate; an Apple app signs under the service's own. The pages of
a related site are not this service's: what a person signs there confirms one named act, and never
opens a session or enrols a key.
"""

from dataclasses import dataclass

from sqlalchemy import Connection

from authn.devices.devices import stored_rp_ids
from authn.errors import CommandError
from authn.settings import Settings


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """WebAuthn §4 "Relying Party".

    `origins` are those whose responses open a session or enrol a key; `act_origins` those whose
    assertions confirm a named act.
    """

    id: str
    name: str
    origins: frozenset[str]
    act_origins: frozenset[str]


def relying_party(settings: Settings) -> RelyingParty:
    """The relying party, as the settings say."""
    origins = frozenset((settings.issuer, *(app.origin for app in settings.android_apps)))
    return RelyingParty(
        id=settings.relying_party_id,
        name=settings.service_name,
        origins=origins,
        act_origins=origins.union(settings.related_origins),
    )


def check_rp_id(connection: Connection, settings: Settings) -> None:
    """The RP ID in force is the RP ID of some enrolled device, or there is no device yet.

    Raises `CommandError` otherwise: with another RP ID every device would be useless at once.
    """
    stored = stored_rp_ids(connection)
    if stored and settings.relying_party_id not in stored:
        known = ", ".join(sorted(stored))
        raise CommandError(
            f"The RP ID is {settings.relying_party_id}, but the enrolled devices belong to "
            f"{known}: none of them could sign in. Set AUTHN_RP_ID (or AUTHN_ISSUER) back."
        )
