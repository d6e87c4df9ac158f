"""The queue of foreign identities: seen, a number proposed, looked at again, matched, parted.

What an identity says of its holder is shown for a reason alone, each time on record and counted. A
page that shows it once more, to correct a number, knows by its token that it was.
"""

from collections.abc import Mapping
from functools import partial
from typing import Final
from uuid import UUID

from starlette.responses import Response

from authn.console.confirming import confirm_at_desk, desk_confirmation_options
from authn.console.desk import DeskSession, about_person, about_person_script, at_desk
from authn.console.document_checks import DOCUMENTS, check_document, checks
from authn.console.reason import WrongReason, read_why, reasons
from authn.console.registration_find import find_citizen
from authn.console.registration_identities import (
    check_of,
    do_match,
    do_part,
    match_asked,
    match_confirmed,
    see_identity,
)
from authn.console.routes import desk_form, desk_page, desk_script
from authn.console.shown import desk_answer
from authn.console.targets import nothing_here
from authn.enrolment.returning import began_return
from authn.enrolment.this_browser import page_token, read_page_token
from authn.errors import NotFound, Refusal
from authn.federation.foreign_identities import (
    ForeignIdentity,
    find_identity,
    identities_of,
    waiting_identities,
)
from authn.federation.upstreams import upstreams
from authn.people.tables import Person
from authn.web.request import Request, json_answer, redirect

IDENTITIES: Final = "/desk/registration/identities"
SEEN: Final = "identity-seen"  # what the token of a page is signed for that shows an identity


@at_desk("match-identity")
def identities(request: Request, desk: DeskSession) -> Response:
    """What waits to be matched; whose names they are is seen one by one."""
    waiting = waiting_identities(request.connection, request.secrets)
    return desk_answer(
        request,
        desk,
        "console/registration_identities.html",
        waiting=waiting,
        upstreams=_upstreams(request),
    )


@at_desk("match-identity")
def identity(request: Request, desk: DeskSession) -> Response:
    """Why the registrar looks at this identity; one that leads to a person is shown beside them."""
    known = _known(request)
    if known.person_id is not None:
        return redirect(f"/desk/registration/{known.person_id}/match/{known.id}")
    return _why_page(request, desk, known, {}, [])


@at_desk("match-identity")
def identity_shown(request: Request, desk: DeskSession) -> Response:
    """What it says of its holder, now that a reason was given, and the question for a number."""
    known = _known(request)
    if known.person_id is not None:
        return redirect(f"/desk/registration/{known.person_id}/match/{known.id}")
    try:
        why = read_why(request, request.form)
    except WrongReason as wrong:
        errors = [{"field": wrong.field, "text": request.translate(wrong.description)}]
        return _why_page(request, desk, known, request.form, errors)
    found = see_identity(request, desk, known.id, why)
    content = {"identity": str(found.id), "desk": str(desk.id)}
    token = page_token(request, SEEN, content, request.settings.desk_reason_lifetime)
    return _identity_page(request, desk, found, token, [])


@at_desk("match-identity")
def number_proposed(request: Request, desk: DeskSession) -> Response:
    """On to a second look, at both beside each other; or the page again."""
    found = _known(request)
    token = request.form.get("seen", "")
    if found.person_id is not None or not _was_seen(request, desk, found, token):
        return redirect(f"{IDENTITIES}/{found.id}")
    try:
        person = find_citizen(request, desk, request.form.get("ssin", ""))
    except NotFound as refusal:
        errors = [{"field": "ssin", "text": request.translate(refusal.description)}]
        return _identity_page(request, desk, found, token, errors)
    return redirect(f"/desk/registration/{person.id}/match/{found.id}")


@about_person("match-identity")
def second_look(request: Request, desk: DeskSession, person: Person) -> Response:
    """The identity and the person beside each other, before the one leads to the other.

    What leads to somebody else is not shown: the reason is for this one.
    """
    return _match_page(request, desk, person, {}, [])


@about_person("check-identity")
def identity_checked(request: Request, desk: DeskSession, person: Person) -> Response:
    """The document is checked, without which nothing is matched; or the page again."""
    again = partial(_match_page, request, desk, person)
    return check_document(request, desk, person, _match_path(request, person), again)


@about_person_script("match-identity")
def match_options(request: Request, desk: DeskSession, person: Person) -> Response:
    """Options to confirm that this one identity is this one person's."""
    target = _target(request, person)
    return json_answer(desk_confirmation_options(request, desk, "match-identity", target))


@about_person_script("match-identity")
def part_options(request: Request, desk: DeskSession, person: Person) -> Response:
    """Options to confirm that it is not, which matches nothing."""
    target = _parted(request, person)
    return json_answer(desk_confirmation_options(request, desk, "match-identity", target))


@about_person_script("match-identity")
def matched(request: Request, desk: DeskSession, person: Person) -> Response:
    """The identity leads to the person; or waits for a colleague, who must agree."""
    desk = confirm_at_desk(request, desk, "match-identity", _target(request, person))
    do_match(request, desk, person, request.path_params["identity"])
    return json_answer({"location": _match_path(request, person)})


@about_person_script("match-identity")
def parted(request: Request, desk: DeskSession, person: Person) -> Response:
    """The identity leads to nobody any more."""
    desk = confirm_at_desk(request, desk, "match-identity", _parted(request, person))
    do_part(request, desk, person, request.path_params["identity"])
    return json_answer({"location": _match_path(request, person)})


@about_person("match-identity")
def of_person(request: Request, desk: DeskSession, person: Person) -> Response:
    """The foreign identities that lead to this person."""
    found = identities_of(request.connection, request.secrets, person.id)
    return desk_answer(
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
    return desk_answer(
        request,
        desk,
        "console/registration_identity_why.html",
        status=422 if errors else 200,
        known=known,
        upstreams=_upstreams(request),
        reasons=reasons(request),
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
    return desk_answer(
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
    found = _known(request)
    if found.person_id in (None, person.id):
        found = see_identity(request, desk, found.id)
    return desk_answer(
        request,
        desk,
        "console/registration_match.html",
        status=422 if errors else 200,
        citizen=person,
        identity=found,
        matched=found.person_id == person.id,
        elsewhere=found.person_id not in (None, person.id),
        began=began_return(request, person.id, desk.person_id),
        asked=match_asked(request, desk, person, found.id),
        code=check_of(request, desk, person),
        documents=DOCUMENTS,
        checks=checks(request),
        sent=sent,
        errors=errors,
    )


def _upstreams(request: Request) -> dict[str, str]:
    """What each upstream is called."""
    return {each.id: each.name for each in upstreams(request.settings)}


def _was_seen(request: Request, desk: DeskSession, found: ForeignIdentity, token: str) -> bool:
    """Whether this session at the desk was shown the identity, for a reason that holds still."""
    try:
        content = read_page_token(request, SEEN, token)
    except Refusal:
        return False
    return (content["identity"], content["desk"]) == (str(found.id), str(desk.id))


def _known(request: Request) -> ForeignIdentity:
    identity_id: UUID = request.path_params["identity"]
    found = find_identity(request.connection, request.secrets, identity_id)
    if found is None:
        raise nothing_here()
    return found


def _target(request: Request, person: Person) -> str:
    return match_confirmed(person, request.path_params["identity"]).target


def _parted(request: Request, person: Person) -> str:
    return f"part {_target(request, person)}"


def _match_path(request: Request, person: Person) -> str:
    return f"/desk/registration/{person.id}/match/{request.path_params['identity']}"


_ONE = IDENTITIES + "/{identity:uuid}"
_MATCH = "/desk/registration/{id:uuid}/match/{identity:uuid}"
routes = [
    desk_page(IDENTITIES, identities),
    desk_page(_ONE, identity),
    desk_form(_ONE, identity_shown),
    desk_form(f"{_ONE}/propose", number_proposed),
    desk_page("/desk/registration/{id:uuid}/match", of_person),
    desk_page(_MATCH, second_look),
    desk_form(f"{_MATCH}/check", identity_checked),
    desk_script(f"{_MATCH}/options", match_options, writes=False),
    desk_script(_MATCH, matched),
    desk_script(f"{_MATCH}/part/options", part_options, writes=False),
    desk_script(f"{_MATCH}/part", parted),
]
