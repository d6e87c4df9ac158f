"""My capacities: what the sources say, and changing the one that an application has.

Why a change is not told to the application: it holds what it was given, in the capacity in which it
was given it. What it asks for next it gets in the new one, as another session of its own.
"""

from starlette.responses import Response

from authn.account.capacities import about, end_what_was_given, given_here, held, in_use
from authn.account.signed_in import signed_in
from authn.audit.log import record
from authn.audit.profile_events import ProfileChosen
from authn.clients.clients import Client, find_client
from authn.errors import N_, NotFound
from authn.login.acting import by_consent_id, candidates_at, kinds_at, unchecked_at
from authn.login.offered import UNCHECKED_WORDS, chosen_of, offer, value_of
from authn.login.profile_choices import newest_in_session, note_switch
from authn.login.profile_endpoints import GONE
from authn.profiles.profile import NO_PROFILE, Profile
from authn.sessions.sessions import Session, touch
from authn.web.request import Request, page, redirect
from authn.web.routing import WHEN_NEEDED, form_route, page_route

IN_THE_ACCOUNT = "account"
FLASHES = {
    "changed": N_("The application gets the new capacity when it asks the next time."),
    "ended": N_(
        "What the application had has ended. It gets the new capacity when you sign in there again."
    ),
}


@signed_in
def capacities(request: Request, session: Session) -> Response:
    """In which capacities the person may act, who says so, and where each is in use."""
    return _capacities_page(request, session)


@signed_in
def searched(request: Request, session: Session) -> Response:
    """The same page, with those that fit the search."""
    return _capacities_page(request, session, request.form.get("search", ""))


@signed_in
def change(request: Request, session: Session) -> Response:
    """The page on which another capacity is chosen for an application of this session."""
    client = _client(request, session)
    return _change_page(request, session, client, candidates_at(request, session, client))


@signed_in
def changed(request: Request, session: Session) -> Response:
    """The application's next request is answered in the capacity chosen; of a search, the page."""
    client = _client(request, session)
    profiles = candidates_at(request, session, client)
    if request.form.get("person") != str(session.person_id):
        return redirect(f"/profiles/{client.client_id}")
    if "search" in request.form:
        return _change_page(request, session, client, profiles, search=request.form["search"])
    profile = chosen_of(profiles, request.form.get("profile", ""))
    if profile is None:
        return _change_page(request, session, client, profiles, error=GONE)
    _note(request, session, client, profile)
    ended = 0
    if "end" in request.form:
        here = given_here(request, session)
        ended = end_what_was_given(
            request,
            [
                each
                for each in here
                if each.client_id == client.client_id and each.profile_id != profile.id
            ],
        )
    touch(request.connection, session, request.now)
    return redirect(f"/profiles?done={'ended' if ended else 'changed'}")


def _note(request: Request, session: Session, client: Client, profile: Profile) -> None:
    note_switch(request.connection, session, client.client_id, profile, request.now)
    event = ProfileChosen(
        person_id=session.person_id,
        device_id=session.device_id,
        client_id=client.client_id,
        kind=profile.kind,
        profile_id=profile.id,
        where=IN_THE_ACCOUNT,
    )
    record(request.connection, request.secrets, event, request.now, request.reference)


def _capacities_page(request: Request, session: Session, search: str = "") -> Response:
    profiles, open_questions = held(request, session)
    flash = FLASHES.get(request.query.get("done", ""), "")
    return page(
        request,
        "account/capacities.html",
        current_path="/profiles",  # of a search too, for the language switch
        person=session,
        offer=offer(profiles, request.translate, session.name, search=search.strip()),
        about={value_of(each): about(request, each) for each in profiles if each.id},
        unchecked=[request.translate(UNCHECKED_WORDS[each]) for each in open_questions],
        in_use=in_use(request, session),
        flash=request.translate(flash) or None,
    )


def _change_page(
    request: Request,
    session: Session,
    client: Client,
    profiles: list[Profile],
    *,
    search: str = "",
    error: str = "",
) -> Response:
    here = [each for each in given_here(request, session) if each.client_id == client.client_id]
    chosen = newest_in_session(request.connection, session)
    newest = chosen.get(client.client_id, here[0].profile_id if here else None)
    return page(
        request,
        "account/change_capacity.html",
        status=422 if error else 200,
        current_path=f"/profiles/{client.client_id}",
        person=session,
        client=client,
        offer=offer(
            profiles,
            request.translate,
            session.name,
            last=by_consent_id(profiles, newest or NO_PROFILE),
            search=search.strip(),
        ),
        given=bool(here),
        error=request.translate(error),
        unchecked=[
            request.translate(UNCHECKED_WORDS[each])
            for each in unchecked_at(request, session, kinds_at(client))
        ],
    )


def _client(request: Request, session: Session) -> Client:
    """The application in the address; raises `NotFound` unless it has something of this session."""
    client = find_client(request.connection, request.path_params["client_id"])
    if client is not None and client.profile_kinds:
        here = {each.client_id for each in given_here(request, session)}
        if client.client_id in here | newest_in_session(request.connection, session).keys():
            return client
    raise NotFound("not_found", N_("You are not signed in to this application here."))


routes = [
    page_route("/profiles", capacities, writes=WHEN_NEEDED),
    form_route("/profiles", searched),
    page_route("/profiles/{client_id}", change, writes=WHEN_NEEDED),
    form_route("/profiles/{client_id}", changed),
]
