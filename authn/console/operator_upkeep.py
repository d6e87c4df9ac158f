"""/desk/operator/keys, notices, sources, policy and organisations: the state of the service."""

from typing import Final
from urllib.parse import quote

from starlette.responses import Response

from authn.audit.events.service import OutboxDropped, OutboxRetried
from authn.audit.log import record
from authn.console.confirmations import confirm_at_desk, desk_confirmation_options
from authn.console.desk_pages import render_desk_page
from authn.console.operator_upkeep_views import (
    key_views,
    known_organisations,
    policies_view,
    require_outbox_entry,
    source_views,
    upkeep_view,
)
from authn.console.outside_results import outside_result
from authn.console.staff_endpoints import (
    DeskSession,
    desk_endpoint,
    desk_form,
    desk_page,
    desk_script,
    desk_script_endpoint,
    not_found_error,
)
from authn.errors import N_, Forbidden, Unavailable
from authn.jose import generate_key
from authn.keys.rotation import AnotherRotation, KeyPairs, key_pairs, replace_active_key
from authn.keys.signing_keys import EVERY_ALGORITHM, list_keys, store_next_key
from authn.outbox.outbox import drop_unsent, list_unsent, retry_dead
from authn.outbox.smtp import can_send
from authn.sources.real_sources import shared_sources
from authn.sources.source_check import check_sources
from authn.web.request import Request, json_answer, redirect

KEYS: Final = "/desk/operator/keys"
NOTICES: Final = "/desk/operator/notices"
SOURCES: Final = "/desk/operator/sources"
MOST_SHOWN: Final = 200
TOO_EARLY: Final = N_(
    "The next key was published a short while ago, and some applications have not read it yet."
)
"""Why a key is not rotated unless the operator asks for it at once."""


@desk_endpoint("see-keys")
def show_keys(request: Request, desk: DeskSession) -> Response:
    """The list of signing keys, with age and use."""
    keys = list_keys(request.connection)
    return render_desk_page(
        request,
        desk,
        "console/operator_keys.html",
        keys=key_views(keys, request.settings, request.now),
        algorithms=[
            (alg, quote(alg, safe="")) for alg in EVERY_ALGORITHM if alg in key_pairs(keys)
        ],
    )


@desk_endpoint("rotate-keys")
def show_key_rotation(request: Request, desk: DeskSession) -> Response:
    """The page that asks to rotate the key of an algorithm."""
    pair = _require_key_pair(request)
    return render_desk_page(
        request,
        desk,
        "console/operator_key.html",
        pair=pair,
        alg=quote(pair.next.alg, safe=""),
        known_at=pair.known_at(request.settings),
        early=_is_too_early(request, pair),
    )


@desk_script_endpoint("rotate-keys")
def key_rotation_options(request: Request, desk: DeskSession) -> Response:
    """Options to confirm the rotation of a key."""
    target = _rotation_target(request, _require_key_pair(request))
    return json_answer(desk_confirmation_options(request, desk, "rotate-keys", target))


@desk_script_endpoint("rotate-keys")
def rotate_key(request: Request, desk: DeskSession) -> Response:
    """The next key signs from now on, and a new next key is published."""
    pair = _require_key_pair(request)
    # Before anything is written: making an RSA key is slow, and would keep others waiting.
    successor = outside_result(request, f"key {pair.next.alg}", lambda: generate_key(pair.next.alg))
    present = confirm_at_desk(request, desk, "rotate-keys", _rotation_target(request, pair))
    if _is_too_early(request, pair) and request.json.get("at_once") != "on":
        raise Forbidden("too_early", TOO_EARLY)
    connection, secrets, now = request.connection, request.secrets, request.now
    try:
        with connection.begin_nested():  # all of it or nothing, and the confirmation is spent
            replace_active_key(connection, secrets, pair, now, request.reference, present.person_id)
            store_next_key(connection, secrets, successor, now)
    except AnotherRotation:
        raise Unavailable from None
    return json_answer({"location": KEYS})


@desk_endpoint("see-health")
def show_notices(request: Request, desk: DeskSession) -> Response:
    """The outbox: rows that are not delivered yet, failed ones first, without recipient or text."""
    found = list_unsent(request.connection)
    return render_desk_page(
        request,
        desk,
        "console/operator_notices.html",
        shown=found[:MOST_SHOWN],
        dead=sum(each.state == "dead" for each in found),
        waiting=sum(each.state != "dead" for each in found),
        no_mail=not can_send(request.settings),
    )


@desk_endpoint("retry-notices")
def retry_notices(request: Request, desk: DeskSession) -> Response:
    """A failed row, or every failed row, is tried again from now on."""
    row = request.path_params.get("row")
    count = retry_dead(request.connection, request.now, row)
    if count:
        event = OutboxRetried(actor_id=desk.person_id, rows=count, row=str(row or ""))
        record(request.connection, request.secrets, event, request.now, request.reference)
    return redirect(NOTICES)


@desk_endpoint("retry-notices")
def show_notice_removal(request: Request, desk: DeskSession) -> Response:
    """The page that asks to delete a row of the outbox."""
    entry = require_outbox_entry(request.connection, request.path_params["row"])
    return render_desk_page(request, desk, "console/operator_notice.html", entry=entry)


@desk_script_endpoint("retry-notices")
def notice_removal_options(request: Request, desk: DeskSession) -> Response:
    """Options to confirm that a row of the outbox is deleted."""
    target = str(require_outbox_entry(request.connection, request.path_params["row"]).id)
    return json_answer(desk_confirmation_options(request, desk, "retry-notices", target))


@desk_script_endpoint("retry-notices")
def drop_notice(request: Request, desk: DeskSession) -> Response:
    """The row is deleted and never delivered."""
    entry = require_outbox_entry(request.connection, request.path_params["row"])
    present = confirm_at_desk(request, desk, "retry-notices", str(entry.id))
    if not drop_unsent(request.connection, entry.id):
        raise not_found_error()
    event = OutboxDropped(actor_id=present.person_id, row=str(entry.id), kind=entry.kind)
    record(request.connection, request.secrets, event, request.now, request.reference)
    return json_answer({"location": NOTICES})


@desk_endpoint("see-health")
def show_sources(request: Request, desk: DeskSession) -> Response:
    """The list of authentic sources, with their state and outcomes."""
    return _sources_page(request, desk)


@desk_endpoint("see-health")
def check_sources_now(request: Request, desk: DeskSession) -> Response:
    """The list of sources after asking each about a number that is nobody's."""
    site = request.site
    checked = outside_result(
        request, "sources", lambda: check_sources(site.settings, shared_sources(site))
    )
    return _sources_page(request, desk, {each.source: each for each in checked})


@desk_endpoint("see-health")
def show_policies(request: Request, desk: DeskSession) -> Response:
    """The policies in force, the age of the FIDO metadata, and the state of the audit chain."""
    return render_desk_page(
        request,
        desk,
        "console/operator_policy.html",
        policies=policies_view(request.settings, request.connection),
        upkeep=upkeep_view(request),
    )


@desk_endpoint("see-clients")
def show_organisations(request: Request, desk: DeskSession) -> Response:
    """The list of organisations whose systems are registered."""
    found = known_organisations(request)
    return render_desk_page(request, desk, "console/operator_organisations.html", found=found)


def _rotation_target(request: Request, pair: KeyPairs) -> str:
    """The target of the confirmation: both keys, and whether the rotation is early."""
    early = " early" if _is_too_early(request, pair) else ""
    return f"{pair.active.kid} {pair.next.kid}{early}"


def _is_too_early(request: Request, pair: KeyPairs) -> bool:
    return request.now < pair.known_at(request.settings)


def _require_key_pair(request: Request) -> KeyPairs:
    pair = key_pairs(list_keys(request.connection)).get(request.path_params["alg"])
    if pair is None:
        raise not_found_error()
    return pair


def _sources_page(request: Request, desk: DeskSession, checked: object = None) -> Response:
    return render_desk_page(
        request,
        desk,
        "console/operator_sources.html",
        sources=source_views(request),
        checked=checked or {},
    )


routes = [
    desk_page(KEYS, show_keys),
    desk_page(f"{KEYS}/{{alg}}/rotate", show_key_rotation),
    desk_script(f"{KEYS}/{{alg}}/rotate/options", key_rotation_options, writes=False),
    desk_script(f"{KEYS}/{{alg}}/rotate", rotate_key),
    desk_page(NOTICES, show_notices),
    desk_form(f"{NOTICES}/retry", retry_notices),
    desk_form(f"{NOTICES}/{{row:uuid}}/retry", retry_notices),
    desk_page(f"{NOTICES}/{{row:uuid}}/drop", show_notice_removal),
    desk_script(f"{NOTICES}/{{row:uuid}}/drop/options", notice_removal_options, writes=False),
    desk_script(f"{NOTICES}/{{row:uuid}}/drop", drop_notice),
    desk_page(SOURCES, show_sources),
    desk_form(f"{SOURCES}/check", check_sources_now),
    desk_page("/desk/operator/policy", show_policies),
    desk_page("/desk/operator/organisations", show_organisations),
]
