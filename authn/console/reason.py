"""Why somebody of the staff looks at a person: read from a form, counted as a look, and kept."""

from collections.abc import Mapping
from typing import Final, NamedTuple
from uuid import UUID

from authn.audit.staff_events import DeskReasonGiven
from authn.console.desk_sessions import DeskClosedReason, DeskSession, keep_reason
from authn.console.looks import record_look
from authn.console.tables import LONGEST_REASON, LONGEST_TICKET
from authn.db.occasion import Occasion
from authn.errors import N_, InvalidRequest
from authn.people.ssin import contains_ssin, today_in_brussels
from authn.staff.reasons import reason_in_words, reasons_of
from authn.web.request import Request

REASON: Final = "reason"
EXPLANATION: Final = "explanation"
TICKET: Final = "ticket"

CHOOSE = N_("Choose why you look at this person.")
TOO_LONG = N_("Write it shorter.")
NO_NUMBER = N_("Write no national number here: it would be kept where it does not belong.")


class Reason(NamedTuple):
    """A reason that may be chosen, in the language of the page."""

    code: str
    words: str


class WrongReason(InvalidRequest):
    """What was said is no reason; `field` is the one to correct."""

    def __init__(self, field: str, description: str) -> None:
        super().__init__("invalid_reason", description)
        self.field = field


def reasons(request: Request) -> list[Reason]:
    """Every reason that an agent may choose."""
    settings, language = request.settings, request.language
    return [
        Reason(code, reason_in_words(settings, code, language, request.translate))
        for code in reasons_of(settings)
    ]


def read_why(occasion: Occasion, sent: Mapping[str, str]) -> DeskClosedReason:
    """What a form said of the reason; raises `WrongReason`."""
    why = DeskClosedReason(*(sent.get(name, "").strip() for name in (REASON, EXPLANATION, TICKET)))
    if why.reason not in reasons_of(occasion.settings):
        raise WrongReason(REASON, CHOOSE)
    for name, text, longest in (
        (EXPLANATION, why.explanation, LONGEST_REASON),
        (TICKET, why.ticket, LONGEST_TICKET),
    ):
        if len(text) > longest or not all(each.isprintable() or each in "\r\n" for each in text):
            raise WrongReason(name, TOO_LONG)
        if contains_ssin(text, today_in_brussels(occasion.now)):
            raise WrongReason(name, NO_NUMBER)
    return why


def give_reason(
    request: Request, desk: DeskSession, person_id: UUID, why: DeskClosedReason
) -> None:
    """The desk is about this person from now on, for this reason: on record, and counted.

    Raises `Forbidden` for an agent who has looked at too many people within an hour.
    """
    event = DeskReasonGiven(actor_id=desk.person_id, person_id=person_id, **why.on_record())
    record_look(request, desk, event)
    keep_reason(request.connection, desk, person_id, why, request.now)
