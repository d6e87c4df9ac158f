"""The page for a person who may not obtain what an application can't do without.

The page says who may, and leads to another capacity of the person that may.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from urllib.parse import urlencode

from starlette.responses import Response

from authn.clients.resource_servers.permissions import RefusedPermission, kinds_of_scope
from authn.clients.resource_servers.resources import Resource, ResourceScope
from authn.errors import N_
from authn.login.checks.capacity import acting_profile, find_capacity_choice
from authn.login.checks.permission import (
    NOT_PERMITTED,
    find_permission,
    find_permission_of_profile,
    find_requested_resources,
    record_refused_permissions,
)
from authn.login.interaction import next_step
from authn.login.pending import Interaction, find_interaction, is_form_of_another_person
from authn.login.response import (
    BY_LOCATION,
    authorization_response,
    authorization_response_location,
)
from authn.profiles.available import ProfileSentence, describe_profile
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
    """A refused scope in words: what, at which resource, why, who may have the scope ("" for
    anybody), and the reason that the application gives for asking."""

    what: str
    where: str
    why: str
    who: str
    reason: str


def not_permitted_page(request: Request) -> Response:
    """The page that says what may not be obtained and who may."""
    interaction = find_interaction(request, request.query.get("request", ""))
    token = request.query["request"]
    if next_step(interaction) != NOT_PERMITTED:
        return redirect("/login/continue?" + urlencode({"request": token}))
    return page(
        request,
        "login/not_permitted.html",
        person=interaction.session,
        client=interaction.client,
        capacity=describe_profile(acting_profile(interaction), request.translate).title,
        missing=list(_missing(interaction)),
        others=_others(interaction),
        request_token=token,
    )


def leave_not_permitted(request: Request) -> Response:
    """Answers the application that the person may not obtain the scopes, and records that."""
    token = request.form.get("request", "")
    interaction = find_interaction(request, token)
    if next_step(interaction) != NOT_PERMITTED:
        return redirect("/login/continue?" + urlencode({"request": token}))
    if is_form_of_another_person(interaction):
        return redirect(NOT_PERMITTED.path + "?" + urlencode({"request": token}))
    record_refused_permissions(interaction)
    client, pending = interaction.client, interaction.pending
    if pending.response_mode not in BY_LOCATION:
        return authorization_response(request, client, pending, NOT_PERMITTED.parameters)
    # A page and not a redirect: browsers apply `form-action` to redirects after a POST.
    location = authorization_response_location(request, client, pending, NOT_PERMITTED.parameters)
    return page(request, "login/continue.html", client=client, location=location)


def _missing(interaction: Interaction) -> Iterable[MissingPermission]:
    """The refused scopes: those that the application can't do without, if any, else all."""
    refused = find_permission(interaction).refused
    needs = interaction.client.scope_reasons
    needed = [named for named in sorted(refused) if named[1] in needs]
    resources, language = find_requested_resources(interaction), interaction.request.language
    for identifier, scope in needed or [named for named in sorted(refused) if named[1]]:
        reasons = needs.get(scope, {})
        yield _in_words(
            interaction.request,
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
        who=", ".join(map(request.translate, permitted_people_texts(rules))) if rules else "",
        reason=reason,
    )


def permitted_people_texts(rules: ResourceScope) -> list[str]:
    """The groups of people who may have a scope, as message ids; none where anybody may."""
    who: list[str] = []
    for kind in kinds_of_scope(rules):
        if kind == "quality" and rules.disciplines:
            who += [DISCIPLINES[each] for each in rules.disciplines if each in DISCIPLINES]
        elif kind in WHO:
            who.append(WHO[kind])
    return who


def _others(interaction: Interaction) -> list[ProfileSentence]:
    """The first few other capacities of the person in which the application could go on."""
    profile, request = acting_profile(interaction), interaction.request
    others = [
        each for each in find_capacity_choice(interaction).candidates if each.id != profile.id
    ]
    would_do = (each for each in others if not find_permission_of_profile(interaction, each).denied)
    return [describe_profile(each, request.translate) for each in islice(would_do, MOST_SHOWN)]


routes = [
    page_route("/login/not-permitted", not_permitted_page, writes=WHEN_NEEDED),
    form_route("/login/not-permitted", leave_not_permitted),
]
