"""The scopes and claims that an application asks, in words, with the values to be shared."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from authn.clients.resource_servers.resources import Resource, find_resources
from authn.consents.authorization_details import TYPES, Detail, DetailDescription, list_locations
from authn.consents.consent_names import CLAIM, scopes_at_resources
from authn.consents.scopes import CLAIMS, SCOPES, SSIN, ClaimSources
from authn.errors import N_
from authn.grants.authorization_request import AuthorizationRequest
from authn.grants.grants import OFFLINE_ACCESS
from authn.people.numbers import current_ssin
from authn.people.persons import find_person
from authn.people.ssin import format_ssin
from authn.web.request import Request

TITLES = {
    "openid": N_("Recognise you when you come back"),
    "profile": N_("Your name, date of birth and language"),
    "ssin": N_("Your national number"),
    "offline_access": N_("Go on having access while you are signed out"),
}
# The claims of a scope that are shown with it; the others are in these.
LABELS = {
    "name": N_("Name"),
    "birthdate": N_("Date of birth"),
    "locale": N_("Language"),
    "ssin": N_("National number"),
}
# A claim that is asked by itself.
CLAIM_TITLES = {
    "name": N_("Your name"),
    "given_name": N_("Your given name"),
    "family_name": N_("Your family name"),
    "birthdate": N_("Your date of birth"),
    "locale": N_("Your language"),
    "ssin": N_("Your national number"),
}
TO_ASK_IT = N_("Ask it something in your name")

Values = list[tuple[str, str]]
"""What would be seen, each with a label or none ("")."""


@dataclass(frozen=True, slots=True)
class ScopeItem:
    """A scope, claim or resource that is allowed by itself (`name` as in `consent_names`).

    `needed` is whether the client can't do without it, and `reason` why, where it says so; any
    other can be left out, and is `ticked` beforehand or not.
    """

    name: str
    title: str
    values: Values = field(default_factory=list)
    explanation: str = ""
    needed: bool = False
    reason: str = ""
    ticked: bool = True


@dataclass(frozen=True, slots=True)
class ScopesAtResource:
    """The scopes that are asked at one resource; `reads_profile`: also learns the capacity."""

    where: str
    items: list[ScopeItem]
    reads_profile: bool = False

    @property
    def sentences(self) -> tuple[str, ...]:
        """The title of each scope."""
        return tuple(each.title for each in self.items)


@dataclass(frozen=True, slots=True)
class ScopeSentence:
    """All that is asked, in words: `seen` data, `done` at resources, details this `once`."""

    seen: list[ScopeItem]
    offline: ScopeItem | None = None
    done: list[ScopesAtResource] = field(default_factory=list)
    once: list[DetailDescription] = field(default_factory=list)

    @property
    def lasting(self) -> bool:
        """Whether anything is asked whose answer is stored."""
        return bool(self.seen or self.done or self.offline)

    @property
    def optional(self) -> bool:
        """Whether anything can be left out."""
        lasting = [*self.seen, *(item for each in self.done for item in each.items)]
        return any(not each.needed for each in lasting) or self.offline is not None


@dataclass(frozen=True, slots=True)
class ScopeMarks:
    """How names are marked on the consent page.

    `needed` can't be left out, each with a reason or ""; `unticked` are not ticked beforehand."""

    needed: Mapping[str, str] = field(default_factory=dict)
    unticked: Collection[str] = ()

    def on(self, name: str) -> dict[str, Any]:
        """The marks of a name, as members of `ScopeItem`."""
        return {
            "needed": name in self.needed,
            "reason": self.needed.get(name, ""),
            "ticked": name not in self.unticked,
        }


UNMARKED = ScopeMarks()


def describe_scopes(
    request: Request,
    person_id: UUID | None,
    names: Collection[str],
    pending: AuthorizationRequest | None = None,
    marks: ScopeMarks = UNMARKED,
) -> ScopeSentence:
    """The names of `consents.consent_names` in words, in the order of the registry of scopes.

    `pending` adds its authorization details. There are no values without a person.
    """
    known = _known(request, person_id, SSIN in names) if person_id else None
    translate = request.translate
    scopes = [
        ScopeItem(
            scope, translate(TITLES[scope]), _values(request, known, claims), **marks.on(scope)
        )
        for scope, claims in SCOPES.items()
        if scope in names
    ]
    claims = [
        ScopeItem(
            CLAIM + name,
            translate(CLAIM_TITLES[name]),
            [("", format_claim(request, name, value))]
            if known and (value := claim(known)) is not None
            else [],
            **marks.on(CLAIM + name),
        )
        for name, claim in CLAIMS.items()
        if CLAIM + name in names
    ]
    return ScopeSentence(
        seen=[each for each in [*scopes, *claims] if each.name != OFFLINE_ACCESS],
        offline=next((each for each in scopes if each.name == OFFLINE_ACCESS), None),
        done=_at_resources(request, names, marks),
        once=_this_once(request, pending.authorization_details if pending else ()),
    )


def _known(request: Request, person_id: UUID, with_ssin: bool) -> ClaimSources:
    person = find_person(request.connection, person_id)
    assert person is not None, "whoever is signed in exists"
    ssin = None
    if with_ssin:
        ssin = format_ssin(current_ssin(request.connection, request.secrets, person_id))
    return ClaimSources(person, subject="", ssin=ssin)


def _values(request: Request, known: ClaimSources | None, claims: Mapping[str, Any]) -> Values:
    """The values of a scope; a single value has no label beside the title."""
    if known is None:
        return []
    labelled = [name for name in claims if name in LABELS]
    return [
        (
            request.translate(LABELS[name]) if len(labelled) > 1 else "",
            format_claim(request, name, value),
        )
        for name in labelled
        if (value := claims[name](known)) is not None
    ]


def _at_resources(
    request: Request, names: Iterable[str], marks: ScopeMarks
) -> list[ScopesAtResource]:
    """The names that are of resources, by resource."""
    asked = scopes_at_resources(names)
    if not asked:
        return []
    return [
        ScopesAtResource(
            resource.resource_name,
            [
                _scope_at(request, resource, each, marks)
                for each in asked[identifier]
                if each in resource.scopes
            ]
            or [ScopeItem(identifier, request.translate(TO_ASK_IT), **marks.on(identifier))],
            resource.reads_profile,
        )
        for identifier, resource in find_resources(request.connection, asked).items()
    ]


def _scope_at(request: Request, resource: Resource, scope: str, marks: ScopeMarks) -> ScopeItem:
    name, rules = f"{resource.resource}#{scope}", resource.scopes[scope]
    explanation = rules.explanation.get(request.language) or rules.explanation.get("en", "")
    return ScopeItem(name, rules.sentence(request.language), [], explanation, **marks.on(name))


def _this_once(request: Request, details: tuple[Detail, ...]) -> list[DetailDescription]:
    if not details:
        return []
    resources = find_resources(request.connection, list_locations(details))
    return [
        describe(each, resources, request.language)
        for each in details
        if (describe := TYPES[each["type"]].describe)
    ]


def format_claim(request: Request, claim: str, value: str) -> str:
    """The value of a claim as people write it."""
    if claim == "birthdate" and len(value) == len("YYYY-MM-DD"):
        return request.site.pages.date(date.fromisoformat(value), request.language)
    if claim == "locale":
        return request.site.pages.language_name(value, request.language)
    return value
