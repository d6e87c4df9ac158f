"""The page for who may not obtain what an application can't do without, and the way back.

It says who may, and leads to another capacity of the person's where that one may.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from urllib.parse import urlencode

from starlette.responses import Response

from authn.clients.permissions import RefusedPermission, kinds_of
from authn.clients.resources import Resource, ResourceScope
from authn.errors import N_
from authn.login.acting import acting, choice_of
from authn.login.hallway import next_step
from authn.login.passage import Passage
from authn.login.permission_required import NOT_PERMITTED
from authn.login.permitted import note_refused, permission, permission_of, resources_asked
from authn.login.response import (
    BY_LOCATION,
    authorization_response,
    authorization_response_location,
)
from authn.login.waiting import passage_of, shown_to_another
from authn.profiles.words import ProfileSentence, in_words
from authn.web.request import Request, page, redirect
from authn.web.routing import WHEN_NEEDED, form_route, page_route

MOST_SHOWN = 5  # of a person's other capacities; the page of all has a search

WHO = {
    "citizen": N_("citizens, for themselves"),
    "organisation": N_("members of an organisation"),
    "mandate": N_("people who act for somebody by a mandate"),
    "child": N_("parents, for their child"),
    "quality": N_("health professionals"),
    "system": N_("systems without people"),
}
DISCIPLINES = {
    "physician": N_("physicians"),
    "pharmacist": N_("pharmacists"),
    "dentist": N_("dentists"),
    "nurse": N_("nurses"),
    "midwife": N_("midwives"),
    "physiotherapist": N_("physiotherapists"),
}


@dataclass(frozen=True, slots=True)
class MissingPermission:
    """Something that is refused, in words: what, where, why, who may have it ("" for anybody), and
    what the application says that it is for."""

    what: str
    where: str
    why: str
    who: str
    reason: str


def not_permitted(request: Request) -> Response:
    """What is missing and for whom it is; nothing of the person was shared."""
    passage = passage_of(request, request.query.get("request", ""))
    token = request.query["request"]
    if next_step(passage) != NOT_PERMITTED:
        return redirect("/login/continue?" + urlencode({"request": token}))
    return page(
        request,
        "login/not_permitted.html",
        person=passage.session,
        client=passage.client,
        capacity=in_words(acting(passage), request.translate).title,
        missing=list(_missing(passage)),
        others=_others(passage),
        request_token=token,
    )


def back(request: Request) -> Response:
    """Back to the application, which is told that the person may not have it; that is on record."""
    token = request.form.get("request", "")
    passage = passage_of(request, token)
    if next_step(passage) != NOT_PERMITTED:
        return redirect("/login/continue?" + urlencode({"request": token}))
    if shown_to_another(passage):
        return redirect(NOT_PERMITTED.path + "?" + urlencode({"request": token}))
    note_refused(passage)
    client, pending = passage.client, passage.pending
    if pending.response_mode not in BY_LOCATION:
        return authorization_response(request, client, pending, NOT_PERMITTED.parameters)
    # A page and not a redirect: browsers apply `form-action` to redirects after a POST.
    location = authorization_response_location(request, client, pending, NOT_PERMITTED.parameters)
    return page(request, "login/continue.html", client=client, location=location)


def _missing(passage: Passage) -> Iterable[MissingPermission]:
    """What is refused; of several things, those that the application can't do without."""
    refused = permission(passage).refused
    needs = passage.client.scope_reasons
    needed = [named for named in sorted(refused) if named[1] in needs]
    resources, language = resources_asked(passage), passage.request.language
    for identifier, scope in needed or [named for named in sorted(refused) if named[1]]:
        reasons = needs.get(scope, {})
        yield _in_words(
            passage.request,
            resources[identifier],
            scope,
            refused[identifier, scope],
            reasons.get(language) or reasons.get("en", ""),
        )


def _in_words(
    request: Request, resource: Resource, scope: str, refused: RefusedPermission, reason: str
) -> MissingPermission:
    rules = resource.scopes.get(scope)
    return MissingPermission(
        what=rules.sentence(request.language) if rules else resource.resource_name,
        where=resource.resource_name,
        why=request.translate(refused.sentence),
        who=", ".join(map(request.translate, who_may(rules))) if rules else "",
        reason=reason,
    )


def who_may(rules: ResourceScope) -> list[str]:
    """Who may have a scope, as message ids; none where anybody may."""
    who: list[str] = []
    for kind in kinds_of(rules):
        if kind == "quality" and rules.disciplines:
            who += [DISCIPLINES[each] for each in rules.disciplines if each in DISCIPLINES]
        elif kind in WHO:
            who.append(WHO[kind])
    return who


def _others(passage: Passage) -> list[ProfileSentence]:
    """Other capacities of the person's in which the application could go on, the first few."""
    profile, request = acting(passage), passage.request
    others = [each for each in choice_of(passage).candidates if each.id != profile.id]
    would_do = (each for each in others if not permission_of(passage, each).denied)
    return [in_words(each, request.translate) for each in islice(would_do, MOST_SHOWN)]


routes = [
    page_route("/login/not-permitted", not_permitted, writes=WHEN_NEEDED),
    form_route("/login/not-permitted", back),
]
