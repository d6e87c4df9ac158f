"""What becomes of the contact addresses of somebody who turns out to be another."""

from sqlalchemy import update

from authn.audit.device_events import AddressRemoved
from authn.audit.log import record
from authn.notices import kinds
from authn.notices.address import same_address
from authn.notices.addresses import addresses_of, confirmed_addresses, remove_address
from authn.notices.notices import tell
from authn.notices.tables import contact_addresses
from authn.people.merge import PersonMerge


def move_addresses(merger: PersonMerge) -> list[str]:
    """The confirmed addresses are told things of the person who stays, and of this first of all.

    One that waits for its link, or that the other has too, is removed. There may be more than three
    by this: nothing that somebody is told by is taken from them.
    """
    occasion, merged, kept = merger.occasion, merger.merged, merger.kept
    known = confirmed_addresses(occasion.connection, occasion.secrets, kept.id)
    for each in addresses_of(occasion.connection, occasion.secrets, merged.id, occasion.now):
        twice = any(same_address(each.address, other) for other in known)
        if twice or each.confirmed_at is None:
            remove_address(occasion.connection, each, occasion.now)
            event = AddressRemoved(person_id=merged.id, address_id=str(each.id))
            record(occasion.connection, occasion.secrets, event, occasion.now, occasion.reference)
    moved = occasion.connection.execute(
        update(contact_addresses)
        .where(
            contact_addresses.c.person_id == merged.id,
            contact_addresses.c.confirmed_at.is_not(None),
            contact_addresses.c.removed_at.is_(None),
        )
        .values(person_id=kept.id)
    ).rowcount
    told = tell(occasion, kept.id, kinds.PersonsMergedNotice())
    return [f"Contact addresses that move: {moved}.", f"Mails that tell of it: {told}."]
