"""What an auditor's search takes with a million events on record: its first page, each filter."""

from collections.abc import Callable
from uuid import UUID

from httpx2 import Response

from tests.console.desk import DeskScreen

Take = Callable[[int], Response]


def audit_pages(auditor: DeskScreen, person_id: UUID, actor_id: UUID) -> dict[str, Take]:
    """By what is measured: the first page of what is found."""
    filters = {
        "everything": "",
        "a day": "since=2026-01-01",
        "an event": "event=session.signed-in",
        "an event that never happened": "event=assertion.redeemed",
        "a person": f"person={person_id}",
        "a member of staff": f"actor={actor_id}",
        "an application": "application=demo",
        "a reference": "reference=ABCDEFGHJK",
        "an event of an application": "event=session.signed-in&application=demo",
        "an event of a person": f"event=session.signed-in&person={person_id}",
    }
    return {f"audit, {what}": _first_page(auditor, asked) for what, asked in filters.items()}


def _first_page(auditor: DeskScreen, asked: str) -> Take:
    return lambda _: auditor.get(f"/desk/audit?{asked}" if asked else "/desk/audit")
