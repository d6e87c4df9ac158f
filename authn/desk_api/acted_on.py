"""On whom a call of the desk's API acts, besides who makes it: known before anybody is locked."""

from uuid import UUID

from authn.console.approval_rows import find_approval
from authn.console.undo import read_done
from authn.errors import Refusal
from authn.web.request import Request


def acted_on(request: Request) -> set[UUID]:
    """The persons named by the path, by the approval in it, or by what is sent.

    Nothing is checked by this: an id that is nobody's locks nobody. Call it once the token is
    known to be good.
    """
    named = request.path_params.get("id")
    found = {named} if named else set()
    approval = find_approval(request, named) if named else None
    if approval is not None:
        found |= approval.involved
    sent = request.json
    if isinstance(merged := sent.get("merged"), str):
        found |= _id(merged)
    if isinstance(undo := sent.get("undo"), str):
        found |= _undone(request, undo)
    return found


def _id(text: str) -> set[UUID]:
    try:
        return {UUID(text)}
    except ValueError:
        return set()


def _undone(request: Request, token: str) -> set[UUID]:
    try:
        return {read_done(request.secrets, token, request.now).person_id}
    except Refusal:
        return set()
