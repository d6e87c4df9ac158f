"""What an application asks, in words, with the values that it would get."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from authn.clients.resources import Resource, find_resources
from authn.consents.asked import CLAIM, scopes_at_resources
from authn.consents.authorization_details import TYPES, Detail, DetailDescription, locations_of
from authn.consents.scopes import CLAIMS, SCOPES, SSIN, KnownScopes
from authn.errors import N_
from authn.grants.authorization_request import AuthorizationRequest
from authn.grants.grants import OFFLINE_ACCESS
from authn.people.numbers import current_ssin
from authn.people.persons import find_person
from authn.people.ssin import display
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
    """One thing that is allowed by itself, under its name of `consents.asked`.

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
class AtResource:
    """What is asked at one resource, which may learn in which capacity the person acts."""

    where: str
    items: list[ScopeItem]
    reads_profile: bool = False

    @property
    def sentences(self) -> tuple[str, ...]:
        """What each of them is, in words."""
        return tuple(each.title for each in self.items)


@dataclass(frozen=True, slots=True)
class ScopeSentence:
    """Everything that is asked: what is seen, what is done, and what is done this once."""

    seen: list[ScopeItem]
    offline: ScopeItem | None = None
    done: list[AtResource] = field(default_factory=list)
    once: list[DetailDescription] = field(default_factory=list)

    @property
    def lasting(self) -> bool:
        """Whether anything is asked that an answer is remembered of."""
        return bool(self.seen or self.done or self.offline)

    @property
    def optional(self) -> bool:
        """Whether anything can be left out."""
        lasting = [*self.seen, *(item for each in self.done for item in each.items)]
        return any(not each.needed for each in lasting) or self.offline is not None


@dataclass(frozen=True, slots=True)
class ScopeMarks:
    """How the names are marked on the page that asks for them: which of them can't be left out,
    with a reason or "", and which are not ticked beforehand."""

    needed: Mapping[str, str] = field(default_factory=dict)
    unticked: Collection[str] = ()

    def on(self, name: str) -> dict[str, Any]:
        """The members of `ScopeItem` that are marks."""
        return {
            "needed": name in self.needed,
            "reason": self.needed.get(name, ""),
            "ticked": name not in self.unticked,
        }


UNMARKED = ScopeMarks()


def in_words(
    request: Request,
    person_id: UUID | None,
    names: Collection[str],
    pending: AuthorizationRequest | None = None,
    marks: ScopeMarks = UNMARKED,
) -> ScopeSentence:
    """What these names of `consents.asked` mean, in the order of the registry.

    The request that asks them, if one does, knows its details. Without values where no person is
    given.
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
            [("", shown(request, name, value))]
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


def _known(request: Request, person_id: UUID, with_ssin: bool) -> KnownScopes:
    person = find_person(request.connection, person_id)
    assert person is not None, "whoever is signed in exists"
    ssin = None
    if with_ssin:
        ssin = display(current_ssin(request.connection, request.secrets, person_id))
    return KnownScopes(person, subject="", ssin=ssin)


def _values(request: Request, known: KnownScopes | None, claims: Mapping[str, Any]) -> Values:
    """The values of a scope; one that is alone needs no label beside the title."""
    if known is None:
        return []
    labelled = [name for name in claims if name in LABELS]
    return [
        (request.translate(LABELS[name]) if len(labelled) > 1 else "", shown(request, name, value))
        for name in labelled
        if (value := claims[name](known)) is not None
    ]


def _at_resources(request: Request, names: Iterable[str], marks: ScopeMarks) -> list[AtResource]:
    """What is asked at resources: scopes of theirs, or to speak to them at all."""
    asked = scopes_at_resources(names)
    if not asked:
        return []
    return [
        AtResource(
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
    name, said = f"{resource.resource}#{scope}", resource.scopes[scope]
    explanation = said.explanation.get(request.language) or said.explanation.get("en", "")
    return ScopeItem(name, said.sentence(request.language), [], explanation, **marks.on(name))


def _this_once(request: Request, details: tuple[Detail, ...]) -> list[DetailDescription]:
    if not details:
        return []
    resources = find_resources(request.connection, locations_of(details))
    return [
        described(each, resources, request.language)
        for each in details
        if (described := TYPES[each["type"]].described)
    ]


def shown(request: Request, claim: str, value: str) -> str:
    """The value of a claim as people write it."""
    if claim == "birthdate" and len(value) == len("YYYY-MM-DD"):
        return request.site.pages.date(date.fromisoformat(value), request.language)
    if claim == "locale":
        return request.site.pages.language_name(value, request.language)
    return value
