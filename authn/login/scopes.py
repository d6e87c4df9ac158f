"""What an application asks, in words, with the values that it would get."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from authn.clients.resources import find_resources
from authn.consents.asked import CLAIM, scopes_at_resources
from authn.consents.authorization_details import TYPES, Described, Detail, locations_of
from authn.consents.scopes import CLAIMS, SCOPES, SSIN, Known
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


@dataclass(frozen=True, slots=True)
class Seen:
    """Something about the person: its title, and present values, each with a label or none."""

    title: str
    values: list[tuple[str, str]]
    needed: bool = False


@dataclass(frozen=True, slots=True)
class InWords:
    """Everything that is asked: what is seen, what is done, and what is done this once."""

    seen: list[Seen]
    offline: str = ""
    done: list[Described] = field(default_factory=list)
    once: list[Described] = field(default_factory=list)

    @property
    def lasting(self) -> bool:
        """Whether anything is asked that an answer is remembered of."""
        return bool(self.seen or self.done or self.offline)


def in_words(
    request: Request,
    person_id: UUID | None,
    names: Collection[str],
    pending: AuthorizationRequest | None = None,
) -> InWords:
    """What these names of `consents.asked` mean, in the order of the registry.

    The request that asks them, if one does, knows its details, and which claims it needs. Without
    values where no person is given.
    """
    essential = pending.essential_claims if pending else ()
    known = _known(request, person_id, SSIN in names) if person_id else None
    scopes = [
        Seen(request.translate(TITLES[scope]), _values(request, known, SCOPES[scope]))
        for scope in SCOPES
        if scope in names and scope != OFFLINE_ACCESS
    ]
    claims = [
        Seen(
            request.translate(CLAIM_TITLES[name]),
            [("", _shown(request, name, value))]
            if known and (value := claim(known)) is not None
            else [],
            needed=name in essential,
        )
        for name, claim in CLAIMS.items()
        if CLAIM + name in names
    ]
    return InWords(
        seen=[*scopes, *claims],
        offline=request.translate(TITLES[OFFLINE_ACCESS]) if OFFLINE_ACCESS in names else "",
        done=_at_resources(request, names),
        once=_this_once(request, pending.authorization_details if pending else ()),
    )


def _known(request: Request, person_id: UUID, with_ssin: bool) -> Known:
    person = find_person(request.connection, person_id)
    assert person is not None, "whoever is signed in exists"
    ssin = None
    if with_ssin:
        ssin = display(current_ssin(request.connection, request.secrets, person_id))
    return Known(person, subject="", ssin=ssin)


def _values(request: Request, known: Known | None, claims: dict[str, Any]) -> list[tuple[str, str]]:
    """The values of a scope; one that is alone needs no label beside the title."""
    if known is None:
        return []
    shown = [name for name in claims if name in LABELS]
    return [
        (request.translate(LABELS[name]) if len(shown) > 1 else "", _shown(request, name, value))
        for name in shown
        if (value := claims[name](known)) is not None
    ]


def _at_resources(request: Request, names: Iterable[str]) -> list[Described]:
    """What is asked at resources: scopes of theirs, or to speak to them at all."""
    asked = scopes_at_resources(names)
    if not asked:
        return []
    return [
        Described(
            resource.resource_name,
            tuple(
                resource.scopes[each].sentence(request.language)
                for each in asked[identifier]
                if each in resource.scopes
            ),
        )
        for identifier, resource in find_resources(request.connection, asked).items()
    ]


def _this_once(request: Request, details: tuple[Detail, ...]) -> list[Described]:
    if not details:
        return []
    resources = find_resources(request.connection, locations_of(details))
    return [TYPES[each["type"]].described(each, resources, request.language) for each in details]


def _shown(request: Request, claim: str, value: str) -> str:
    """The value as people write it."""
    if claim == "birthdate" and len(value) == len("YYYY-MM-DD"):
        return request.site.pages.date(date.fromisoformat(value), request.language)
    if claim == "locale":
        return request.site.pages.language_name(value, request.language)
    return value
