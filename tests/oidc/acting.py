"""Somebody who acts in a capacity, in tests: their profiles, and tokens in each of them."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import update

from authn.clients.tables import resources
from authn.db.transaction import reading, writing
from authn.grants.authorization_request import AuthorizationRequest
from authn.grants.codes import issue_code
from authn.people.persons import Citizen, find_or_create_person
from authn.people.tables import Person
from authn.profiles.available import available_profiles
from authn.profiles.kinds import BY_QUESTION
from authn.profiles.profile import CITIZEN, Profile
from authn.profiles.refreshing import refresh_from_sources
from authn.secrets import new_token
from authn.sources.facts import Fact, NaturalPerson
from authn.web.site import Site
from tests.capacities import (
    ENTERPRISE,
    EVERY_KIND,
    HOSPITAL,
    LEA,
    MARIE,
    Asking,
    child,
    knows,
    mandate,
    member,
    open_to,
    physician,
)
from tests.oidc.relying_party import CHALLENGE, Holder, RelyingParty

# What Hanne is, by a word of its own for each.
FACTS: dict[str, Fact] = {
    "quality": physician(),
    "organisation": member(HOSPITAL),
    "mandate": mandate(MARIE),
    "mandate of an enterprise": mandate(ENTERPRISE, number="M-2"),
    "child": child(LEA),
}
CAPACITIES = ("citizen", *FACTS)
# Those in which she acts for another person.
FOR_ANOTHER = {"mandate": MARIE, "child": LEA}


@dataclass(frozen=True, slots=True)
class Acting:
    """Somebody signed in, an application that knows every kind of capacity, and theirs by word."""

    site: Site
    rp: RelyingParty
    holder: Holder
    profiles: dict[str, Profile]

    def code(self, word: str = "citizen", **request: Any) -> str:
        """A code for what the person allowed in this capacity."""
        with writing(self.site.database) as connection:
            return issue_code(
                connection,
                asked(self.site, self.rp, **request),
                self.rp.client,
                self.holder.session,
                self.site.clock(),
                profile_id=self.profiles[word].id,
            )

    def tokens(self, word: str = "citizen", **request: Any) -> dict[str, Any]:
        """What /token answered to such a code."""
        answer = self.rp.redeem(self.code(word, **request))
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens


def asked(
    site: Site, rp: RelyingParty, *, scope: str = "openid profile", **more: Any
) -> AuthorizationRequest:
    """A request of this application, as it was checked."""
    return AuthorizationRequest(
        request_id=new_token(),
        client_id=rp.client.client_id,
        redirect_uri=rp.redirect_uri,
        scope=scope,
        state="",
        nonce="",
        code_challenge=CHALLENGE,
        response_mode="query",
        prompt=(),
        max_age=None,
        ui_locales="",
        subject_hint="",
        arrived_at=site.clock(),
        **more,
    )


def is_known(site: Site, named: NaturalPerson) -> Person:
    """The national register has told of them before."""
    citizen = Citizen(named.ssin, named.given_name, named.family_name, None, "fr")
    with writing(site.database) as connection:
        return find_or_create_person(connection, site.secrets, citizen, site.clock())


def profiles_of(site: Site, person: Person) -> list[Profile]:
    """In which capacities the person may act, as the sources say now."""
    with writing(site.database) as connection:
        refresh_from_sources(Asking(connection, site), person.id, tuple(BY_QUESTION))
    with reading(site.database) as connection:
        return available_profiles(connection, site.secrets, site.settings, person.id, site.clock())


def acting(site: Site, rp: RelyingParty, holder: Holder, ssin: str) -> Acting:
    """The holder is all that `FACTS` says, and the application is open to each kind."""
    for named in FOR_ANOTHER.values():
        is_known(site, named)
    knows(site, ssin, *FACTS.values())
    open_to(site, rp.client.client_id, *EVERY_KIND)
    found = profiles_of(site, holder.person)
    words = {
        word: next(each for each in found if each.fact == fact) for word, fact in FACTS.items()
    }
    return Acting(site, rp, holder, {"citizen": CITIZEN, **words})


def change_resource(site: Site, resource: str, **values: Any) -> None:
    """The operator has registered this of the resource."""
    with writing(site.database) as connection:
        connection.execute(
            update(resources).where(resources.c.resource == resource).values(**values)
        )
