"""Operators' codes: activation codes that a local operator asks for on the command line.

For a person who has or had a device, the code waits for a second member of staff as a code of the
desk does, in the same table. The person gets a notice at every address, with a link that cancels.
"""

from dataclasses import asdict
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import bindparam, insert, select

from authn.db.metadata import UtcDateTime
from authn.db.occasion import Occasion
from authn.enrolment.activation.lifecycle import issue_whole_code
from authn.enrolment.desk_codes.lifecycle import (
    OPEN_FOR,
    cancel_other_codes,
    change_desk_code_state,
    code_not_now_refusal,
)
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


def find_operator_code(occasion: Occasion, person_id: UUID) -> DeskCode | None:
    """The operator's code for a person that is neither issued nor cancelled; None without."""
    parameters = {"of_person": person_id, "now": occasion.now}
    row = occasion.connection.execute(_ASKED, parameters).first()
    return DeskCode(*row) if row else None


def ask_for_operator_code(occasion: Occasion, person_id: UUID) -> DeskCode:
    """An operator's code waits for approval, and the person gets a notice; earlier ones end.

    The caller has locked the person.
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
    cancel_other_codes(occasion, asked)
    tell(occasion, person_id, kinds.OperatorCodeNotice(asked.id))
    return asked


def issue_operator_code(occasion: Occasion, asked: DeskCode, person: Person) -> str:
    """The activation code for an operator's request, in its displayed form, shown once.

    The link of the notice withdraws it from now on. Raises `Forbidden` where the request was
    cancelled meanwhile.
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
    if not change_desk_code_state(occasion, asked.id, ("asked",), values):
        raise code_not_now_refusal("it changed meanwhile")
    return issued.code
