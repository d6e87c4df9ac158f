"""/desk/operator/keys, notices, sources, policy and organisations: how the service itself does."""

from typing import Final
from urllib.parse import quote

from starlette.responses import Response

from authn.audit.log import record
from authn.audit.operator_events import OutboxDropped, OutboxRetried
from authn.console.confirming import confirm_at_desk, desk_confirmation_options
from authn.console.desk import DeskSession, at_desk, at_desk_script, nothing_here
from authn.console.operator_views import (
    find_entry,
    key_views,
    organisations_known,
    policies_in_force,
    source_views,
    upkeep_view,
)
from authn.console.outside import done_outside
from authn.console.routes import desk_form, desk_page, desk_script
from authn.console.shown import desk_answer
from authn.errors import N_, Forbidden, Unavailable
from authn.jose import generate_key
from authn.keys.rotation import AnotherRotation, KeyPairs, hand_over, pairs_of
from authn.keys.signing_keys import EVERY_ALGORITHM, keep_next, list_keys
from authn.outbox.outbox import drop, entries, retry
from authn.outbox.smtp import can_send
from authn.sources.asking import sources_of
from authn.sources.checking import check_sources
from authn.web.request import Request, json_answer, redirect

KEYS: Final = "/desk/operator/keys"
NOTICES: Final = "/desk/operator/notices"
SOURCES: Final = "/desk/operator/sources"
MOST_SHOWN: Final = 200
TOO_EARLY: Final = N_(
    "The next key was published a short while ago, and some applications have not read it yet."
)
"""Why a key is not rotated unless it is said that it must be now."""


@at_desk("see-keys")
def operator_keys(request: Request, desk: DeskSession) -> Response:
    """Every key with its age and what it is for."""
    keys = list_keys(request.connection)
    return desk_answer(
        request,
        desk,
        "console/operator_keys.html",
        keys=key_views(keys, request.settings, request.now),
        algorithms=[(alg, quote(alg, safe="")) for alg in EVERY_ALGORITHM if alg in pairs_of(keys)],
    )


@at_desk("rotate-keys")
def operator_key(request: Request, desk: DeskSession) -> Response:
    """What rotating the key of an algorithm does, before it asks."""
    pair = _pair(request)
    return desk_answer(
        request,
        desk,
        "console/operator_key.html",
        pair=pair,
        alg=quote(pair.next.alg, safe=""),
        known_at=pair.known_at(request.settings),
        early=_early(request, pair),
    )


@at_desk_script("rotate-keys")
def operator_key_options(request: Request, desk: DeskSession) -> Response:
    """Options to confirm it."""
    target = _rotation(request, _pair(request))
    return json_answer(desk_confirmation_options(request, desk, "rotate-keys", target))


@at_desk_script("rotate-keys")
def operator_key_rotated(request: Request, desk: DeskSession) -> Response:
    """The next key signs from now on, and another one is published after it."""
    pair = _pair(request)
    # Before anything is written: RSA takes its time, and nobody else may wait for it.
    successor = done_outside(request, f"key {pair.next.alg}", lambda: generate_key(pair.next.alg))
    present = confirm_at_desk(request, desk, "rotate-keys", _rotation(request, pair))
    if _early(request, pair) and request.json.get("at_once") != "on":
        raise Forbidden("too_early", TOO_EARLY)
    connection, secrets, now = request.connection, request.secrets, request.now
    try:
        with connection.begin_nested():  # all of it or nothing, and the confirmation is spent
            hand_over(connection, secrets, pair, now, request.reference, present.person_id)
            keep_next(connection, secrets, successor, now)
    except AnotherRotation:
        raise Unavailable from None
    return json_answer({"location": KEYS})


@at_desk("see-health")
def operator_notices(request: Request, desk: DeskSession) -> Response:
    """What is not told to others yet: what failed first. Never to whom, nor what it says."""
    found = entries(request.connection)
    return desk_answer(
        request,
        desk,
        "console/operator_notices.html",
        shown=found[:MOST_SHOWN],
        dead=sum(each.state == "dead" for each in found),
        waiting=sum(each.state != "dead" for each in found),
        no_mail=not can_send(request.settings),
    )


@at_desk("retry-notices")
def operator_notice_retried(request: Request, desk: DeskSession) -> Response:
    """One that failed is tried again, or each of them, from now on."""
    row = request.path_params.get("row")
    count = retry(request.connection, request.now, row)
    if count:
        event = OutboxRetried(actor_id=desk.person_id, rows=count, row=str(row or ""))
        record(request.connection, request.secrets, event, request.now, request.reference)
    return redirect(NOTICES)


@at_desk("retry-notices")
def operator_notice(request: Request, desk: DeskSession) -> Response:
    """What is lost when one is deleted, before it asks."""
    entry = find_entry(request.connection, request.path_params["row"])
    return desk_answer(request, desk, "console/operator_notice.html", entry=entry)


@at_desk_script("retry-notices")
def operator_notice_options(request: Request, desk: DeskSession) -> Response:
    """Options to confirm it."""
    target = str(find_entry(request.connection, request.path_params["row"]).id)
    return json_answer(desk_confirmation_options(request, desk, "retry-notices", target))


@at_desk_script("retry-notices")
def operator_notice_dropped(request: Request, desk: DeskSession) -> Response:
    """It is deleted, and nobody will ever be told."""
    entry = find_entry(request.connection, request.path_params["row"])
    present = confirm_at_desk(request, desk, "retry-notices", str(entry.id))
    if not drop(request.connection, entry.id):
        raise nothing_here()
    event = OutboxDropped(actor_id=present.person_id, row=str(entry.id), kind=entry.kind)
    record(request.connection, request.secrets, event, request.now, request.reference)
    return json_answer({"location": NOTICES})


@at_desk("see-health")
def operator_sources(request: Request, desk: DeskSession) -> Response:
    """Each authentic source, as this process knows it and as all people's questions went."""
    return _sources(request, desk)


@at_desk("see-health")
def operator_sources_checked(request: Request, desk: DeskSession) -> Response:
    """The same, each asked now about a number that is nobody's."""
    site = request.site
    checked = done_outside(
        request, "sources", lambda: check_sources(site.settings, sources_of(site))
    )
    return _sources(request, desk, {each.source: each for each in checked})


@at_desk("see-health")
def operator_policy(request: Request, desk: DeskSession) -> Response:
    """Which keys are good enough, how old the FIDO metadata is, how far the log is chained."""
    return desk_answer(
        request,
        desk,
        "console/operator_policy.html",
        policies=policies_in_force(request.settings, request.connection),
        upkeep=upkeep_view(request),
    )


@at_desk("see-clients")
def operator_organisations(request: Request, desk: DeskSession) -> Response:
    """The organisations whose systems are registered, with what is known of each."""
    found = organisations_known(request)
    return desk_answer(request, desk, "console/operator_organisations.html", found=found)


def _rotation(request: Request, pair: KeyPairs) -> str:
    """What is confirmed: which key takes the place of which, and whether it is too early."""
    early = " early" if _early(request, pair) else ""
    return f"{pair.active.kid} {pair.next.kid}{early}"


def _early(request: Request, pair: KeyPairs) -> bool:
    return request.now < pair.known_at(request.settings)


def _pair(request: Request) -> KeyPairs:
    pair = pairs_of(list_keys(request.connection)).get(request.path_params["alg"])
    if pair is None:
        raise nothing_here()
    return pair


def _sources(request: Request, desk: DeskSession, checked: object = None) -> Response:
    return desk_answer(
        request,
        desk,
        "console/operator_sources.html",
        sources=source_views(request),
        checked=checked or {},
    )


routes = [
    desk_page(KEYS, operator_keys),
    desk_page(f"{KEYS}/{{alg}}/rotate", operator_key),
    desk_script(f"{KEYS}/{{alg}}/rotate/options", operator_key_options, writes=False),
    desk_script(f"{KEYS}/{{alg}}/rotate", operator_key_rotated),
    desk_page(NOTICES, operator_notices),
    desk_form(f"{NOTICES}/retry", operator_notice_retried),
    desk_form(f"{NOTICES}/{{row:uuid}}/retry", operator_notice_retried),
    desk_page(f"{NOTICES}/{{row:uuid}}/drop", operator_notice),
    desk_script(f"{NOTICES}/{{row:uuid}}/drop/options", operator_notice_options, writes=False),
    desk_script(f"{NOTICES}/{{row:uuid}}/drop", operator_notice_dropped),
    desk_page(SOURCES, operator_sources),
    desk_form(f"{SOURCES}/check", operator_sources_checked),
    desk_page("/desk/operator/policy", operator_policy),
    desk_page("/desk/operator/organisations", operator_organisations),
]
