"""/desk/registration/identities: foreign identities that wait, and the matches of a person.

A registrar sees an identity for a reason, proposes a number, compares both, and matches them. Each
look at an identity is recorded and counted, but for showing it again to correct a number (a signed
token proves that it was seen).
"""

from collections.abc import Mapping
from functools import partial
from typing import Final
from uuid import UUID

from starlette.responses import Response

from authn.console.act_rules import not_found_error
from authn.console.confirmations import confirm_at_desk, desk_confirmation_options
from authn.console.desk_pages import render_desk_page
from authn.console.document_checks import DOCUMENTS, answer_document_form, list_document_checks
from authn.console.reason import WrongReason, list_reasons, read_reason
from authn.console.registration_find import find_citizen
from authn.console.registration_identities import (
    find_recent_check,
    match_approval_state,
    match_identity_at_desk,
    match_to_confirm,
    see_identity,
    unmatch_identity_at_desk,
)
from authn.console.staff_endpoints import (
    DeskSession,
    desk_endpoint,
    desk_form,
    desk_page,
    desk_script,
    person_endpoint,
    person_script_endpoint,
)
from authn.enrolment.returning import has_begun_recovery
from authn.enrolment.visitor import page_token, read_page_token
from authn.errors import NotFound, Refusal
from authn.federation.foreign_identities import (
    ForeignIdentity,
    find_identity,
    list_identities_of_person,
    list_waiting_identities,
)
from authn.federation.upstreams import upstreams
from authn.people.tables import Person
from authn.web.request import Request, json_answer, redirect

IDENTITIES: Final = "/desk/registration/identities"
SEEN: Final = "identity-seen"  # the purpose of the token of a page that shows an identity


@desk_endpoint("match-identity")
def list_identities(request: Request, desk: DeskSession) -> Response:
    """The foreign identities that wait to be matched, without names."""
    waiting = list_waiting_identities(request.connection, request.secrets)
    return render_desk_page(
        request,
        desk,
        "console/registration_identities.html",
        waiting=waiting,
        upstreams=_upstream_names(request),
    )


@desk_endpoint("match-identity")
def show_identity(request: Request, desk: DeskSession) -> Response:
    """The question why the registrar looks at this identity; a matched one is shown elsewhere."""
    known = _require_identity(request)
    if known.person_id is not None:
        return redirect(f"/desk/registration/{known.person_id}/match/{known.id}")
    return _why_page(request, desk, known, {}, [])


@desk_endpoint("match-identity")
def reveal_identity(request: Request, desk: DeskSession) -> Response:
    """The names in the identity, after a reason was given, and the question for a number."""
    known = _require_identity(request)
    if known.person_id is not None:
        return redirect(f"/desk/registration/{known.person_id}/match/{known.id}")
    try:
        why = read_reason(request, request.form)
    except WrongReason as wrong:
        errors = [{"field": wrong.field, "text": request.translate(wrong.description)}]
        return _why_page(request, desk, known, request.form, errors)
    found = see_identity(request, desk, known.id, why)
    content = {"identity": str(found.id), "desk": str(desk.id)}
    token = page_token(request, SEEN, content, request.settings.desk_reason_lifetime)
    return _identity_page(request, desk, found, token, [])


@desk_endpoint("match-identity")
def propose_number(request: Request, desk: DeskSession) -> Response:
    """A redirect to the comparison with the person found; or the page again with its error."""
    found = _require_identity(request)
    token = request.form.get("seen", "")
    if found.person_id is not None or not _was_seen(request, desk, found, token):
        return redirect(f"{IDENTITIES}/{found.id}")
    try:
        person = find_citizen(request, desk, request.form.get("ssin", ""))
    except NotFound as refusal:
        errors = [{"field": "ssin", "text": request.translate(refusal.description)}]
        return _identity_page(request, desk, found, token, errors)
    return redirect(f"/desk/registration/{person.id}/match/{found.id}")


@person_endpoint("match-identity")
def show_match(request: Request, desk: DeskSession, person: Person) -> Response:
    """The identity and the person beside each other; not shown if matched to somebody else."""
    return _match_page(request, desk, person, {}, [])


@person_endpoint("check-identity")
def check_identity(request: Request, desk: DeskSession, person: Person) -> Response:
    """The document check that a match needs is recorded; or the page again with its errors."""
    again = partial(_match_page, request, desk, person)
    return answer_document_form(request, desk, person, _match_path(request, person), again)


@person_script_endpoint("match-identity")
def match_options(request: Request, desk: DeskSession, person: Person) -> Response:
    """Options to confirm a match."""
    target = _match_target(request, person)
    return json_answer(desk_confirmation_options(request, desk, "match-identity", target))


@person_script_endpoint("match-identity")
def unmatch_options(request: Request, desk: DeskSession, person: Person) -> Response:
    """Options to confirm that a match is undone."""
    target = _unmatch_target(request, person)
    return json_answer(desk_confirmation_options(request, desk, "match-identity", target))


@person_script_endpoint("match-identity")
def confirm_match(request: Request, desk: DeskSession, person: Person) -> Response:
    """The identity is matched to the person, or waits for the approval of a colleague."""
    desk = confirm_at_desk(request, desk, "match-identity", _match_target(request, person))
    match_identity_at_desk(request, desk, person, request.path_params["identity"])
    return json_answer({"location": _match_path(request, person)})


@person_script_endpoint("match-identity")
def confirm_unmatch(request: Request, desk: DeskSession, person: Person) -> Response:
    """The match is undone."""
    desk = confirm_at_desk(request, desk, "match-identity", _unmatch_target(request, person))
    unmatch_identity_at_desk(request, desk, person, request.path_params["identity"])
    return json_answer({"location": _match_path(request, person)})


@person_endpoint("match-identity")
def list_matches_of_person(request: Request, desk: DeskSession, person: Person) -> Response:
    """The foreign identities that are matched to a person."""
    found = list_identities_of_person(request.connection, request.secrets, person.id)
    return render_desk_page(
        request,
        desk,
        "console/registration_matches.html",
        citizen=person,
        identities=found,
    )


def _why_page(
    request: Request,
    desk: DeskSession,
    known: ForeignIdentity,
    sent: Mapping[str, str],
    errors: list[dict[str, str]],
) -> Response:
    return render_desk_page(
        request,
        desk,
        "console/registration_identity_why.html",
        status=422 if errors else 200,
        known=known,
        upstreams=_upstream_names(request),
        reasons=list_reasons(request),
        sent=sent,
        errors=errors,
    )


def _identity_page(
    request: Request,
    desk: DeskSession,
    found: ForeignIdentity,
    token: str,
    errors: list[dict[str, str]],
) -> Response:
    return render_desk_page(
        request,
        desk,
        "console/registration_identity.html",
        status=422 if errors else 200,
        identity=found,
        seen=token,
        errors=errors,
    )


def _match_page(
    request: Request,
    desk: DeskSession,
    person: Person,
    sent: Mapping[str, str],
    errors: list[dict[str, str]],
) -> Response:
    found = _require_identity(request)
    if found.person_id in (None, person.id):
        found = see_identity(request, desk, found.id)
    return render_desk_page(
        request,
        desk,
        "console/registration_match.html",
        status=422 if errors else 200,
        citizen=person,
        identity=found,
        matched=found.person_id == person.id,
        elsewhere=found.person_id not in (None, person.id),
        began=has_begun_recovery(request, person.id, desk.person_id),
        asked=match_approval_state(request, desk, person, found.id),
        code=find_recent_check(request, desk, person),
        documents=DOCUMENTS,
        checks=list_document_checks(request),
        sent=sent,
        errors=errors,
    )


def _upstream_names(request: Request) -> dict[str, str]:
    """The names of the upstreams by id."""
    return {each.id: each.name for each in upstreams(request.settings)}


def _was_seen(request: Request, desk: DeskSession, found: ForeignIdentity, token: str) -> bool:
    """Whether this session was shown the identity, for a reason that still holds."""
    try:
        content = read_page_token(request, SEEN, token)
    except Refusal:
        return False
    return (content["identity"], content["desk"]) == (str(found.id), str(desk.id))


def _require_identity(request: Request) -> ForeignIdentity:
    identity_id: UUID = request.path_params["identity"]
    found = find_identity(request.connection, request.secrets, identity_id)
    if found is None:
        raise not_found_error()
    return found


def _match_target(request: Request, person: Person) -> str:
    return match_to_confirm(person, request.path_params["identity"]).target


def _unmatch_target(request: Request, person: Person) -> str:
    return f"part {_match_target(request, person)}"


def _match_path(request: Request, person: Person) -> str:
    return f"/desk/registration/{person.id}/match/{request.path_params['identity']}"


_ONE = IDENTITIES + "/{identity:uuid}"
_MATCH = "/desk/registration/{id:uuid}/match/{identity:uuid}"
routes = [
    desk_page(IDENTITIES, list_identities),
    desk_page(_ONE, show_identity),
    desk_form(_ONE, reveal_identity),
    desk_form(f"{_ONE}/propose", propose_number),
    desk_page("/desk/registration/{id:uuid}/match", list_matches_of_person),
    desk_page(_MATCH, show_match),
    desk_form(f"{_MATCH}/check", check_identity),
    desk_script(f"{_MATCH}/options", match_options, writes=False),
    desk_script(_MATCH, confirm_match),
    desk_script(f"{_MATCH}/part/options", unmatch_options, writes=False),
    desk_script(f"{_MATCH}/part", confirm_unmatch),
]
