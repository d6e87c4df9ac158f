"""The endpoints of the emergency block: after losing devices, by mail or by an upstream identity.

Open to everybody. No answer reveals whether a person or an address is known.
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
    begin_emergency_block,
    find_addressee,
    find_block,
    send_emergency_link,
    use_emergency_link,
)
from authn.enrolment.recovery_tables import EmergencyBlock
from authn.enrolment.visitor import page_token, read_page_token, short_name
from authn.errors import N_, InvalidRequest, NotFound, Unavailable
from authn.federation.proof import IdentityProof, read_proof, spend_proof
from authn.federation.upstreams import upstreams
from authn.notices.mail_address import read_address
from authn.people.persons import find_person
from authn.people.ssin import InvalidSsin, parse_ssin, today_in_brussels
from authn.people.tables import Person
from authn.web.logs import logger
from authn.web.request import Request, page, redirect
from authn.web.routing import NO_DATABASE, form_route, page_route

BLOCK: Final = "block"  # the purpose of the proof of identity
BLOCKED = "blocked"  # the purpose of the token of the page about a block
BLOCKED_LIFETIME = timedelta(hours=1)
# The answer leaves before the look-up: without this limit nothing would slow a flood down.
MOST_LOOK_UPS = 50
LOOK_UPS = threading.BoundedSemaphore(MOST_LOOK_UPS)


def lost_devices_page(request: Request) -> Response:
    """Shows the three ways after losing devices, the quickest first."""
    return page(
        request,
        "enrolment/lost.html",
        upstreams=upstreams(request.settings),
        help_contact=request.settings.help_contact,
    )


def emergency_mail_page(request: Request) -> Response:
    """Shows the form for national number and mail address."""
    return _render_mail_page(request, {}, [])


def request_emergency_link(request: Request) -> Response:
    """Answers alike whatever was typed, if valid at all; the link is sent in the background.

    The answer leaves before anything is looked up: neither its words nor its time reveal whether
    number and address belong together. A pair that doesn't writes nothing.
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
        return _render_mail_page(request, typed, errors)
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
    """Sends the link if number and address belong together, and few were sent recently."""
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


def emergency_link_page(request: Request) -> Response:
    """Shows the page behind the link, whose button blocks."""
    return page(request, "enrolment/lost_link.html", hours=_hours(BLOCKED_BY_MAIL))


def block_by_emergency_link(request: Request) -> Response:
    """Blocks all devices of the person of a link, on the proof of their mailbox alone."""
    return _redirect_to_blocked_page(
        request, use_emergency_link(request, request.form.get("link", ""))
    )


def emergency_block_page(request: Request) -> Response:
    """Shows the question whether to block everything, after a proof of identity."""
    token = request.query.get("proof", "")
    person = _person(request, read_proof(request, token, BLOCK))
    return page(request, "enrolment/lost_block.html", proof=token, name=short_name(person))


def block_by_identity(request: Request) -> Response:
    """Blocks all devices of a person by a proof of identity, until account recovery."""
    proof = read_proof(request, request.form.get("proof", ""), BLOCK)
    spend_proof(request, proof)
    return _redirect_to_blocked_page(
        request, begin_emergency_block(request, proof.person_id, "upstream")
    )


def blocked_page(request: Request) -> Response:
    """Shows until when everything is blocked, and how to recover."""
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


def _redirect_to_blocked_page(request: Request, block: EmergencyBlock | None) -> Response:
    content = {"block": str(block.id) if block else ""}
    token = page_token(request, BLOCKED, content, BLOCKED_LIFETIME)
    return redirect("/lost/blocked?" + urlencode({"block": token}))


def _render_mail_page(
    request: Request, values: dict[str, str], errors: list[dict[str, str]]
) -> Response:
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
    page_route("/lost", lost_devices_page),
    page_route("/lost/mail", emergency_mail_page),
    form_route("/lost/mail", request_emergency_link, writes=NO_DATABASE),
    page_route("/lost/link", emergency_link_page),
    form_route("/lost/link", block_by_emergency_link),
    page_route("/lost/block", emergency_block_page),
    form_route("/lost/block", block_by_identity),
    page_route("/lost/blocked", blocked_page),
]
