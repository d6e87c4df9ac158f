"""Codes that are asked for at the machine of this service, for who has or had a device.

They wait for a second member of staff as those of a desk do, and are kept beside them. Whoever has
them told is told as of those: at every address, with a link that cancels it.
"""

from dataclasses import asdict
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import bindparam, insert, select

from authn.db.metadata import UtcDateTime
from authn.db.occasion import Occasion
from authn.enrolment.activation import issue_whole_code
from authn.enrolment.desk_codes import OPEN_FOR, cancel_others, not_now, step
from authn.enrolment.desk_tables import DeskCode, desk_codes
from authn.notices import kinds
from authn.notices.notices import tell
from authn.people.tables import Person

_ASKED: Final = (
    select(desk_codes)
    .where(
        desk_codes.c.person_id == bindparam("of_person"),
        desk_codes.c.registrar_id.is_(None),
        desk_codes.c.state == "asked",
        desk_codes.c.expires_at > bindparam("now", type_=UtcDateTime),
    )
    .order_by(desk_codes.c.checked_at.desc(), desk_codes.c.id)
    .limit(1)
)


def asked_at_machine(occasion: Occasion, person_id: UUID) -> DeskCode | None:
    """What was asked there for this person and is neither issued nor cancelled."""
    parameters = {"of_person": person_id, "now": occasion.now}
    row = occasion.connection.execute(_ASKED, parameters).first()
    return DeskCode(*row) if row else None


def ask_at_machine(occasion: Occasion, person_id: UUID) -> DeskCode:
    """A code is asked for, and the person is told; what was asked for before is cancelled.

    The person is locked by whoever calls this.
    """
    asked = DeskCode(
        id=uuid4(),
        person_id=person_id,
        registrar_id=None,
        document=None,
        state="asked",
        checked_at=occasion.now,
        second_half=None,
        address_id=None,
        opens_at=None,
        expires_at=occasion.now + OPEN_FOR,
        guarded=True,
        code_id=None,
        reference=occasion.reference,
    )
    occasion.connection.execute(insert(desk_codes), asdict(asked))
    cancel_others(occasion, asked)
    tell(occasion, person_id, kinds.OperatorCodeNotice(asked.id))
    return asked


def issue_asked(occasion: Occasion, asked: DeskCode, person: Person) -> str:
    """The code that was asked for, as it is shown once: what was told of cancels it from now on.

    Raises `Forbidden` where it was cancelled meanwhile.
    """
    issued = issue_whole_code(
        occasion.connection,
        occasion.secrets,
        occasion.settings,
        person,
        occasion.now,
        occasion.reference,
    )
    values = {"state": "printed", "code_id": issued.id, "printed_at": occasion.now}
    if not step(occasion, asked.id, ("asked",), values):
        raise not_now("it changed meanwhile")
    return issued.code
