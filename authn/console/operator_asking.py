"""An operator asks a second one, with why: from the pages that show what would be given."""

from typing import Any, Final

from authn.console.desk import DeskSession
from authn.console.desk_sessions import Desk
from authn.console.operator_request_rows import OperatorRequest, OperatorRequestInput
from authn.console.operator_requests import ask
from authn.console.operator_second import is_there_a_second
from authn.console.reason import NO_NUMBER, TOO_LONG
from authn.console.tables import LONGEST_REASON, LONGEST_TICKET
from authn.console.targets import note_refused
from authn.db.occasion import Occasion
from authn.errors import N_, Forbidden, InvalidRequest
from authn.people.ssin import contains_ssin, today_in_brussels
from authn.web.request import Request

REQUESTS: Final = "/desk/requests"
# Beside what the page showed: in their own words, for who decides.
WHY: Final = "why"
TICKET: Final = "ticket"
NO_WHY: Final = N_("Say why this is needed: who decides about it reads that.")
NO_SECOND: Final = N_(
    "There is no second operator. It can be done at the machine of this service, with a reason "
    "and a ticket: then every operator and supervisor is told."
)


def asked_here(request: Request, desk: DeskSession, wanted: OperatorRequestInput) -> dict[str, Any]:
    """What the script is answered: where the request is, which waits for a second one now.

    Raises `Forbidden` where nobody else could decide, and `InvalidRequest` without a reason.
    """
    if not is_there_a_second(request.connection, desk.person_id, wanted.decider):
        note_refused(request, desk, "change-clients", "no second operator")
        raise Forbidden("no_second_operator", NO_SECOND)
    said = {name: str(request.json.get(name, "")) for name in (WHY, TICKET)}
    asked = ask(request, desk, wanted, *reason_of(request, said[WHY], said[TICKET]))
    return {"location": path_of(asked)}


def path_of(asked: OperatorRequest) -> str:
    """Its page."""
    return f"{REQUESTS}/{asked.id}"


def reason_of(occasion: Occasion, why: str, ticket: str) -> tuple[str, str]:
    """Why, and the ticket, as they are kept; raises `InvalidRequest`."""
    why, ticket = why.strip(), ticket.strip()
    if not why:
        raise InvalidRequest("invalid_reason", NO_WHY)
    for text, longest in ((why, LONGEST_REASON), (ticket, LONGEST_TICKET)):
        if len(text) > longest or not text.isprintable():
            raise InvalidRequest("invalid_reason", TOO_LONG)
        if contains_ssin(text, today_in_brussels(occasion.now)):
            raise InvalidRequest("invalid_reason", NO_NUMBER)
    return why, ticket


def about_second(request: Request, desk: Desk, wanted: OperatorRequestInput) -> dict[str, Any]:
    """What the page that shows it says about a second one."""
    there = is_there_a_second(request.connection, desk.person_id, wanted.decider)
    return {"gives": wanted.gives, "second": there}
