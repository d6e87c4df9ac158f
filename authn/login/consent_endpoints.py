"""Allowing an application what it asks, all of it or some; or not."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode
from uuid import UUID

from starlette.responses import Response

from authn.audit.events import ConsentDeclined, ConsentGiven
from authn.audit.log import record
from authn.consents.asked import allow, allowed_names, scope_in
from authn.consents.ends import DEFAULT, WORDS, ends_at
from authn.consents.scopes import OPENID, PROFILE, SSIN
from authn.errors import N_, InvalidRequest
from authn.grants.authorization_request import DEVICE
from authn.login.acting import acting, choice_of, keep_to_choice
from authn.login.agreed import ConsentQuestion, ask_again, question
from authn.login.capacity import ChosenCapacity, WithProfile, capacity_in_words, enterprise_number
from authn.login.hallway import CONSENT, decline, next_location, next_step, proceed
from authn.login.passage import Passage
from authn.login.pending import pending_token
from authn.login.scopes import ScopeMarks, in_words
from authn.login.waiting import passage_of, shown_to_another
from authn.people.persons import find_person
from authn.sessions.sessions import Session
from authn.sources.twins import organisation_of
from authn.web.request import Request, page, redirect
from authn.web.routing import form_route, page_route

SAYS_IT_NEEDS_IT = N_("It says that it needs this.")
NEEDED_TO_SIGN_IN = N_("Without this you can't sign in there.")
# The field of a box, before the name that it is for; a box that is not ticked is not sent.
TICKED = "allow:"


@dataclass(frozen=True, slots=True)
class ConsentOrganisation:
    """On whose behalf an application asks; `name` is "" where only the number is known."""

    name: str
    number: str


def consent(request: Request) -> Response:
    """The page that says who asks what, with the values it would get."""
    passage = passage_of(request, request.query.get("request", ""))
    step = next_step(passage)
    if step is None:
        return redirect("/login/continue?" + _named(passage))
    asked = question(passage) if step == CONSENT else None
    if asked is None:
        return proceed(request, passage.pending, passage.client, passage.session)
    assert passage.session is not None
    keep_to_choice(passage)
    left, client = asked.left, passage.client
    marks = _marks(passage, asked)
    return page(
        request,
        "login/consent.html",
        person=passage.session,
        client=client,
        asked=in_words(request, passage.session.person_id, left, asked.request, marks),
        shown=" ".join(sorted(left)),
        organisation=_organisation(passage),
        capacity=_capacity(passage, passage.session, asked),
        another_capacity=len(choice_of(passage).candidates) > 1,
        profile_id=acting(passage).consent_id,
        ends=WORDS,
        default_end=DEFAULT,
        request_token=request.query["request"],
    )


def _marks(passage: Passage, asked: ConsentQuestion) -> ScopeMarks:
    """What can't be left out, and why; and what the person left out when they were last asked."""
    language, reasons = passage.request.language, passage.client.scope_reasons

    def reason(name: str) -> str:
        said = reasons.get(scope_in(name), {})
        own = said.get(language) or said.get("en", "")
        if own:
            return own
        words = NEEDED_TO_SIGN_IN if name == OPENID else SAYS_IT_NEEDS_IT
        return passage.request.translate(words)

    return ScopeMarks(
        needed={name: reason(name) for name in asked.needed},
        unticked={name for name, answer in asked.former.items() if not answer.allowed},
    )


def _organisation(passage: Passage) -> ConsentOrganisation | None:
    number = passage.client.organisation
    if not number:
        return None
    known = organisation_of(passage.request.connection, passage.request.secrets, number)
    return ConsentOrganisation(known.name if known else "", enterprise_number(number))


def _capacity(passage: Passage, session: Session, asked: ConsentQuestion) -> ChosenCapacity | None:
    """In which capacity the person acts; None where this application knows no other than that of
    citizen."""
    if not passage.client.profile_kinds:
        return None
    person = find_person(passage.request.connection, session.person_id)
    assert person is not None, "whoever is signed in exists"
    scopes = asked.request.scope.split()
    told = WithProfile(named=PROFILE in scopes, numbered=SSIN in scopes)
    return capacity_in_words(passage.request, acting(passage), person, told)


def decide(request: Request) -> Response:
    """The decision is on record, and a page leads back to the application.

    A page and not a redirect: browsers apply `form-action` to redirects after a POST.
    """
    passage = passage_of(request, request.form.get("request", ""))
    if next_step(passage) not in (None, CONSENT):
        return proceed(request, passage.pending, passage.client, passage.session)
    if passage.session is None:  # whatever the person says, the client can get no code
        location = next_location(passage)
        return page(request, "login/continue.html", client=passage.client, location=location)
    if shown_to_another(passage) or _shown_in_another_capacity(passage):
        return redirect("/consent?" + _named(passage))
    decision = request.form.get("decision", "")
    if decision not in ("allow", "decline"):
        raise InvalidRequest("invalid_request", N_("Please choose: allow or decline."))
    location = (_allowed if decision == "allow" else _declined)(passage, passage.session)
    if passage.pending.response_mode == DEVICE:
        return redirect(location)  # no application opens here: a page of ours is the last one
    return page(request, "login/continue.html", client=passage.client, location=location)


def _allowed(passage: Passage, session: Session) -> str:
    """Where to go on; what was ticked holds from now on, and the rest is not asked again.

    What the page did not show yet is asked next. Where nothing at all is left for the application,
    the person has declined.
    """
    request, asked = passage.request, question(passage)
    if asked is None or not asked.left:
        return next_location(passage)
    answered = asked.left & frozenset(request.form.get("shown", "").split())
    ticked = {name for name in answered if TICKED + name in request.form} | (
        answered & asked.needed
    )
    left_out = answered - ticked
    if not ticked and not allowed_names(asked.names, asked.answers):
        return _declined(passage, session)
    profile_id, expires_at = acting(passage).consent_id, _ends_at(request)
    allow(
        request.connection,
        session.person_id,
        profile_id,
        asked.request,
        ticked,
        request.now,
        declined=left_out,
        expires_at=expires_at,
    )
    event = ConsentGiven(
        person_id=session.person_id,
        device_id=session.device_id,
        client_id=passage.client.client_id,
        scopes=" ".join(sorted(ticked)),
        declined=" ".join(sorted(left_out)),
        profile_id=_text(acting(passage).id),
        expires_at=expires_at.isoformat() if expires_at else "",
    )
    record(request.connection, request.secrets, event, request.now, request.reference)
    ask_again(passage)
    return next_location(passage)


def _ends_at(request: Request) -> datetime | None:
    try:
        return ends_at(request.form.get("ends", DEFAULT), request.now)
    except KeyError:
        raise InvalidRequest("invalid_request", N_("Please choose for how long.")) from None


def _declined(passage: Passage, session: Session) -> str:
    """Back to the application, which is told; nothing is remembered but that it was so."""
    request, asked = passage.request, question(passage)
    event = ConsentDeclined(
        person_id=session.person_id,
        device_id=session.device_id,
        client_id=passage.client.client_id,
        scopes=" ".join(sorted(asked.left if asked else ())),
    )
    record(request.connection, request.secrets, event, request.now, request.reference)
    return decline(passage)


def _shown_in_another_capacity(passage: Passage) -> bool:
    """Whether the person chose another capacity since the page was shown: it asked for that one."""
    return passage.request.form.get("profile") != str(acting(passage).consent_id)


def _text(profile_id: UUID | None) -> str:
    return str(profile_id) if profile_id else ""


def _named(passage: Passage) -> str:
    return urlencode({"request": pending_token(passage.request, passage.pending)})


routes = [
    page_route("/consent", consent, writes=True),
    form_route("/consent", decide),
]
