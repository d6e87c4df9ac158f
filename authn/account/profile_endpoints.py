"""My capacities: what the sources say, and changing the capacity in use at an application.

Why the application is not notified of a change: what it was given stays, in the capacity in which
that was given. Its next request is answered in the new one, as another session.
"""

from starlette.responses import Response

from authn.account.capacities import (
    describe_source,
    end_grants,
    list_capacities,
    list_capacities_in_use,
    list_grants_of_session,
)
from authn.account.required_session import require_session
from authn.audit.events.capacities import ProfileChosen
from authn.audit.log import record
from authn.clients.clients import Client, find_client
from authn.errors import N_, NotFound
from authn.login.checks.capacity import (
    client_profile_kinds,
    find_by_consent_id,
    list_candidate_profiles,
    list_unchecked_questions,
)
from authn.login.pages.profile_endpoints import GONE
from authn.login.pages.profile_offers import (
    UNCHECKED_WORDS,
    build_profile_offer,
    find_chosen_profile,
    profile_form_value,
)
from authn.login.profile_choices import newest_profile_by_client, record_switch
from authn.profiles.profile import NO_PROFILE, Profile
from authn.sessions.sessions import Session, record_session_use
from authn.web.request import Request, page, redirect
from authn.web.routing import WHEN_NEEDED, form_route, page_route

IN_THE_ACCOUNT = "account"
FLASHES = {
    "changed": N_("The application gets the new capacity when it asks the next time."),
    "ended": N_(
        "What the application had has ended. It gets the new capacity when you sign in there again."
    ),
}


@require_session
def capacities_page(request: Request, session: Session) -> Response:
    """The page with the person's capacities, their sources, and where each is in use."""
    return _capacities_page(request, session)


@require_session
def search_capacities(request: Request, session: Session) -> Response:
    """The page of capacities with those that fit a search."""
    return _capacities_page(request, session, request.form.get("search", ""))


@require_session
def change_capacity_page(request: Request, session: Session) -> Response:
    """The page on which another capacity is chosen for an application of the session."""
    client = _client(request, session)
    return _change_page(request, session, client, list_candidate_profiles(request, session, client))


@require_session
def change_capacity(request: Request, session: Session) -> Response:
    """Stores the capacity for the application's next request; for a search, shows the page."""
    client = _client(request, session)
    profiles = list_candidate_profiles(request, session, client)
    if request.form.get("person") != str(session.person_id):
        return redirect(f"/profiles/{client.client_id}")
    if "search" in request.form:
        return _change_page(request, session, client, profiles, search=request.form["search"])
    profile = find_chosen_profile(profiles, request.form.get("profile", ""))
    if profile is None:
        return _change_page(request, session, client, profiles, error=GONE)
    _note(request, session, client, profile)
    ended = 0
    if "end" in request.form:
        here = list_grants_of_session(request, session)
        ended = end_grants(
            request,
            [
                each
                for each in here
                if each.client_id == client.client_id and each.profile_id != profile.id
            ],
        )
    record_session_use(request.connection, session, request.now)
    return redirect(f"/profiles?done={'ended' if ended else 'changed'}")


def _note(request: Request, session: Session, client: Client, profile: Profile) -> None:
    record_switch(request.connection, session, client.client_id, profile, request.now)
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
    profiles, open_questions = list_capacities(request, session)
    flash = FLASHES.get(request.query.get("done", ""), "")
    return page(
        request,
        "account/capacities.html",
        current_path="/profiles",  # of a search too, for the language switch
        person=session,
        offer=build_profile_offer(profiles, request.translate, session.name, search=search.strip()),
        about={
            profile_form_value(each): describe_source(request, each) for each in profiles if each.id
        },
        unchecked=[request.translate(UNCHECKED_WORDS[each]) for each in open_questions],
        in_use=list_capacities_in_use(request, session),
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
    held = [
        each
        for each in list_grants_of_session(request, session)
        if each.client_id == client.client_id
    ]
    chosen = newest_profile_by_client(request.connection, session)
    newest = chosen.get(client.client_id, held[0].profile_id if held else None)
    return page(
        request,
        "account/change_capacity.html",
        status=422 if error else 200,
        current_path=f"/profiles/{client.client_id}",
        person=session,
        client=client,
        offer=build_profile_offer(
            profiles,
            request.translate,
            session.name,
            last=find_by_consent_id(profiles, newest or NO_PROFILE),
            search=search.strip(),
        ),
        given=bool(held),
        error=request.translate(error),
        unchecked=[
            request.translate(UNCHECKED_WORDS[each])
            for each in list_unchecked_questions(request, session, client_profile_kinds(client))
        ],
    )


def _client(request: Request, session: Session) -> Client:
    """The application in the address; raises `NotFound` unless it has something of this session."""
    client = find_client(request.connection, request.path_params["client_id"])
    if client is not None and client.profile_kinds:
        here = {each.client_id for each in list_grants_of_session(request, session)}
        if client.client_id in here | newest_profile_by_client(request.connection, session).keys():
            return client
    raise NotFound("not_found", N_("You are not signed in to this application here."))


routes = [
    page_route("/profiles", capacities_page, writes=WHEN_NEEDED),
    form_route("/profiles", search_capacities),
    page_route("/profiles/{client_id}", change_capacity_page, writes=WHEN_NEEDED),
    form_route("/profiles/{client_id}", change_capacity),
]
