"""My device is lost: the three ways, and the emergency door by mail or by an upstream identity.

Open to everybody. What a page answers doesn't tell whether a person or an address is known.
"""

import threading
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError
from starlette.background import BackgroundTask
from starlette.responses import Response

from authn.db.occasion import Job
from authn.db.transaction import reading, writing
from authn.enrolment.emergency import (
    BLOCKED_BY_MAIL,
    find_addressee,
    find_block,
    send_emergency_link,
    use_emergency_door,
    use_emergency_link,
)
from authn.enrolment.recovery_tables import EmergencyBlock
from authn.enrolment.this_browser import page_token, read_page_token, short_name
from authn.errors import N_, InvalidRequest, NotFound, Unavailable
from authn.federation.proof import IdentityProof, read_proof, spend_proof
from authn.federation.upstreams import upstreams
from authn.notices.address import read_address
from authn.people.persons import find_person
from authn.people.ssin import InvalidSsin, parse_ssin, today_in_brussels
from authn.people.tables import Person
from authn.web.logs import logger
from authn.web.request import Request, page, redirect
from authn.web.routing import NO_DATABASE, form_route, page_route

BLOCK: Final = "block"  # what the upstream identity was proven for
BLOCKED = "blocked"  # the page that tells of a block
BLOCKED_LIFETIME = timedelta(hours=1)
# Whoever asks for a link is answered before it is looked for: nothing else would make them wait.
MOST_LOOK_UPS = 50
LOOK_UPS = threading.BoundedSemaphore(MOST_LOOK_UPS)


def lost(request: Request) -> Response:
    """The page with the three ways, the quickest first."""
    return page(
        request,
        "enrolment/lost.html",
        upstreams=upstreams(request.settings),
        help_contact=request.settings.help_contact,
    )


def lost_mail(request: Request) -> Response:
    """The page that asks for national number and mail address."""
    return _mail_page(request, {}, [])


def lost_mail_typed(request: Request) -> Response:
    """One answer, whatever was typed, if it can be read at all.

    It leaves before anything is looked up: neither its words nor the time that it takes tell
    whether the two go together. A pair that doesn't writes nothing.
    """
    typed = {name: request.form.get(name, "") for name in ("ssin", "address")}
    errors = []
    ssin = address = ""
    try:
        ssin = parse_ssin(typed["ssin"].strip(), today_in_brussels(request.now))
    except InvalidSsin:
        words = N_("This is not a national number. Check each of its 11 digits.")
        errors.append({"field": "ssin", "text": request.translate(words)})
    try:
        address = read_address(typed["address"])
    except InvalidRequest as refusal:
        errors.append({"field": "address", "text": request.translate(refusal.description)})
    if errors:
        return _mail_page(request, typed, errors)
    response = page(request, "enrolment/lost_mail_sent.html")
    if not LOOK_UPS.acquire(blocking=False):
        raise Unavailable(detail="too many emergency links are looked for")
    response.background = BackgroundTask(_look_up, request, ssin, address)
    return response


def _look_up(request: Request, ssin: str, address: str) -> None:
    try:
        _send_link_if_right(request, ssin, address)
    finally:
        LOOK_UPS.release()


def _send_link_if_right(request: Request, ssin: str, address: str) -> None:
    """The link is on its way if number and address go together, and few were sent lately."""
    site = request.site
    try:
        with reading(site.database) as connection:
            addressee = find_addressee(connection, site.secrets, ssin, address)
        if addressee is None:
            return
        with writing(site.database) as connection:
            job = Job(
                connection,
                site.settings,
                site.secrets,
                request.now,
                request.reference,
                request.agent,
            )
            send_emergency_link(job, addressee, request.language)
    except (SQLAlchemyError, Unavailable) as error:
        # Nobody waits for an answer any more; who gets no mail asks again.
        logger.error("emergency link not sent", reference=request.reference, exc_info=error)


def lost_link(request: Request) -> Response:
    """The page behind the link: it says what the button does, and the button alone does it."""
    return page(request, "enrolment/lost_link.html", hours=_hours(BLOCKED_BY_MAIL))


def lost_link_used(request: Request) -> Response:
    """Everything of the person is blocked, on the proof of their mailbox alone."""
    return _blocked(request, use_emergency_link(request, request.form.get("link", "")))


def lost_block(request: Request) -> Response:
    """The page that asks whether to block everything, once the identity is proven."""
    token = request.query.get("proof", "")
    person = _person(request, read_proof(request, token, BLOCK))
    return page(request, "enrolment/lost_block.html", proof=token, name=short_name(person))


def lost_block_confirmed(request: Request) -> Response:
    """Everything of the person is blocked, until they come back."""
    proof = read_proof(request, request.form.get("proof", ""), BLOCK)
    spend_proof(request, proof)
    return _blocked(request, use_emergency_door(request, proof.person_id, "upstream"))


def lost_blocked(request: Request) -> Response:
    """The page that says until when everything is blocked, and the way back."""
    content = read_page_token(request, BLOCKED, request.query.get("block", ""))
    block = find_block(request.connection, UUID(content["block"])) if content["block"] else None
    return page(
        request,
        "enrolment/lost_blocked.html",
        block=block,
        running=block is not None and block.runs_at(request.now),
        upstreams=upstreams(request.settings),
        help_contact=request.settings.help_contact,
    )


def _blocked(request: Request, block: EmergencyBlock | None) -> Response:
    content = {"block": str(block.id) if block else ""}
    token = page_token(request, BLOCKED, content, BLOCKED_LIFETIME)
    return redirect("/lost/blocked?" + urlencode({"block": token}))


def _mail_page(request: Request, values: dict[str, str], errors: list[dict[str, str]]) -> Response:
    return page(
        request,
        "enrolment/lost_mail.html",
        status=422 if errors else 200,
        values={"ssin": values.get("ssin", ""), "address": values.get("address", "")},
        errors=errors,
    )


def _person(request: Request, proof: IdentityProof) -> Person:
    person = find_person(request.connection, proof.person_id)
    if person is None:
        raise NotFound("not_found", N_("There is no such person."))
    return person


def _hours(duration: timedelta) -> int:
    return int(duration.total_seconds()) // 3600


routes = [
    page_route("/lost", lost),
    page_route("/lost/mail", lost_mail),
    form_route("/lost/mail", lost_mail_typed, writes=NO_DATABASE),
    page_route("/lost/link", lost_link),
    form_route("/lost/link", lost_link_used),
    page_route("/lost/block", lost_block),
    form_route("/lost/block", lost_block_confirmed),
    page_route("/lost/blocked", lost_blocked),
]
