"""What becomes of the grants of somebody who turns out to be another."""

from sqlalchemy import bindparam, select, update

from authn.devices.tables import devices
from authn.grants.tables import grants
from authn.people.merge import PersonMerge

# By way of the devices, which have moved before: by them there is an index.
_REVOKE = (
    update(grants)
    .where(
        grants.c.device_id.in_(select(devices.c.id).where(devices.c.person_id == bindparam("to"))),
        grants.c.person_id == bindparam("merged"),
        grants.c.revoked_at.is_(None),
    )
    .values(revoked_at=bindparam("now"))
)


def end_grants(merger: PersonMerge) -> list[str]:
    """Every grant is revoked with its tokens, offline ones too; the rows stay whose they were.

    They name a `sub` by which the application may not know the person any more.
    """
    parameters = {
        "merged": merger.merged.id,
        "to": merger.kept.id,
        "now": merger.occasion.now,
    }
    revoked = merger.connection.execute(_REVOKE, parameters).rowcount
    return [f"Grants of applications that end: {revoked}."]
