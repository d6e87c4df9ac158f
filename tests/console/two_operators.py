"""What one operator asks and a second one agrees to, as tests read it."""

from typing import Any
from uuid import UUID

from httpx2 import Response
from sqlalchemy import select

from authn.console.operator_request_rows import OperatorRequest, request_from_row
from authn.console.tables import operator_requests
from authn.db.transaction import reading
from authn.web.site import Site
from tests.console.desk import DeskScreen
from tests.console.test_operator_clients import filled, form_of, path_of

REQUESTS = "/desk/requests"
WHY = {"why": "They send letters by number", "ticket": "T-7"}
NUMBERS = {"may_read_ssin": "on", "scope": "openid profile ssin"}


def ask_for(operator: DeskScreen, **fields: str) -> Response:
    """The answer once an operator asked for a new application that reads national numbers."""
    page = filled(operator, **{"client_id": "hospital", **NUMBERS, **fields})
    return sent(operator, page)


def sent(operator: DeskScreen, page: Response, **why: str) -> Response:
    """The answer once the operator confirmed what the page shows, and said why."""
    return operator.act(path_of(page), **{**form_of(page.text), **WHY, **why})


def asked(answer: Response) -> UUID:
    """The request that waits by it."""
    assert answer.status_code == 200, answer.text
    location = answer.json()["location"]
    assert location.startswith(f"{REQUESTS}/"), location
    return UUID(location.rpartition("/")[2])


def agree(by: DeskScreen, request: UUID) -> Response:
    """The answer to who agrees, with their key."""
    return by.act(f"{REQUESTS}/{request}/approve")


def every_request(site: Site) -> list[OperatorRequest]:
    """All of them, the oldest first."""
    order = (operator_requests.c.asked_at, operator_requests.c.id)
    with reading(site.database) as connection:
        rows = connection.execute(select(operator_requests).order_by(*order)).all()
    return [request_from_row(row) for row in rows]


def states(site: Site) -> list[Any]:
    """How each of them stands."""
    return [each.state for each in every_request(site)]
