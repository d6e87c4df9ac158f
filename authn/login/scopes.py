"""What an application asks, in words, with the values that it would get."""

from collections.abc import Iterable
from datetime import date
from typing import Any
from uuid import UUID

from authn.consents.scopes import SCOPES, Known
from authn.errors import N_
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
LABELS = {
    "name": N_("Name"),
    "birthdate": N_("Date of birth"),
    "locale": N_("Language"),
    "ssin": N_("National number"),
}


def describe_scopes(
    request: Request, person_id: UUID, scopes: Iterable[str]
) -> list[dict[str, Any]]:
    """For each scope its title and the present values of its claims, in the registry's order."""
    person = find_person(request.connection, person_id)
    assert person is not None, "whoever is signed in exists"
    asked = set(scopes)
    ssin = None
    if "ssin" in asked:
        ssin = display(current_ssin(request.connection, request.secrets, person_id))
    known = Known(person, subject="", ssin=ssin)
    return [
        {
            "name": scope,
            "title": request.translate(TITLES[scope]),
            "values": [
                (request.translate(LABELS[name]), _shown(request, name, value))
                for name, claim in claims.items()
                if name in LABELS and (value := claim(known)) is not None
            ],
        }
        for scope, claims in SCOPES.items()
        if scope in asked
    ]


def _shown(request: Request, claim: str, value: str) -> str:
    """The value as people write it."""
    if claim == "birthdate" and len(value) == len("YYYY-MM-DD"):
        return request.site.pages.date(date.fromisoformat(value), request.language)
    if claim == "locale":
        return request.site.pages.language_name(value, request.language)
    return value
