"""The queue of foreign identities: seen, compared, matched with a device in hand, parted again.

Domain 3.3; protocol 2.9 and, for who has or had a device, 3.3.
"""

from typing import Final
from uuid import UUID, uuid4

import pytest
from httpx2 import Response
from sqlalchemy import select

from authn.console.tables import approvals
from authn.db.transaction import reading, writing
from authn.federation.code_flow import Answered
from authn.federation.foreign_identities import (
    find_identity,
    keep_unmatched,
    waiting_identities,
)
from authn.federation.upstreams import Upstream
from authn.people.persons import find_person_by_ssin
from authn.people.tables import Person
from authn.web.site import Site
from tests.citizen import KARIM, SSIN
from tests.console.acting import rows
from tests.console.desk import CitizenAtHome, DeskScreen, asked_for_reason
from tests.occasion import job

QUEUE: Final = "/desk/registration/identities"
CLAIMS: Final = {
    "given_name": "<script>alert(1)</script>",
    "family_name": "Müller",
    "birthdate": "1980-04-12",
}

pytestmark = pytest.mark.usefixtures("register")


def upstream() -> Upstream:
    return Upstream(
        id="fas",
        kind="fas",
        name="CSAM",
        issuer="https://idp.example.org",
        client_id="authn",
        authentication="client_secret_basic",
        client_secret="",
        keys=(),
        scopes="openid",
        levels={},
        level_without_acr=None,
        minimum="substantial",
        national_number_claim="egovNRN",
        userinfo="json",
        id_token_encrypted=False,
        signatures=(),
        parameters={},
        without_number="match",
    )


@pytest.fixture
def identity(site: Site) -> UUID:
    """A foreign identity that waits."""
    with writing(site.database) as connection:
        answered = Answered({"sub": "somebody"}, CLAIMS)
        keep_unmatched(job(site, connection), upstream(), answered)
        (one,) = waiting_identities(connection, site.secrets)
    return one.id


def whose(site: Site, identity: UUID) -> UUID | None:
    with reading(site.database) as connection:
        found = find_identity(connection, site.secrets, identity)
    assert found
    return found.person_id


def proposed(registrar: DeskScreen, site: Site, identity: UUID, ssin: str = SSIN) -> Person:
    """The person whom the registrar proposed, with a reason given."""
    answer = registrar.post_form(f"{QUEUE}/{identity}/propose", ssin=ssin)
    assert answer.status_code == 303, answer.text
    with reading(site.database) as connection:
        person = find_person_by_ssin(connection, site.secrets, ssin)
    assert person
    assert answer.headers["location"] == path(person, identity)
    assert asked_for_reason(registrar.get(path(person, identity))) == str(person.id)
    registrar.give_reason(person.id, reason="came-to-desk", ticket="T-9")
    return person


def path(person: Person, identity: UUID) -> str:
    return f"/desk/registration/{person.id}/match/{identity}"


def test_the_queue_tells_no_names(registrar: DeskScreen, identity: UUID) -> None:
    page = registrar.get(QUEUE).text
    assert str(identity) in page
    assert "Müller" not in page
    assert "1980-04-12" not in page


def test_looking_at_one_is_on_record_and_counted(
    site: Site, registrar: DeskScreen, identity: UUID
) -> None:
    page = registrar.get(f"{QUEUE}/{identity}").text
    assert "Müller" in page
    assert "<script>alert" not in page
    (row,) = rows(site, "identity.seen")
    assert (row["actor_id"], row["identity"]) == (registrar.person.id, str(identity))


def test_it_is_matched_after_a_second_look_with_the_registrars_device(
    site: Site, registrar: DeskScreen, identity: UUID
) -> None:
    person = proposed(registrar, site, identity)
    page = registrar.get(path(person, identity)).text
    assert "Müller" in page
    assert person.family_name in page
    assert whose(site, identity) is None
    assert registrar.post_json(path(person, identity)).status_code == 400, "no device"
    assert registrar.act(path(person, identity)).status_code == 200
    assert whose(site, identity) == person.id
    (row,) = rows(site, "identity.matched")
    assert (row["actor_id"], row["person_id"], row["identity"], row["ticket"]) == (
        registrar.person.id,
        person.id,
        str(identity),
        "T-9",
    )
    assert str(identity) not in registrar.get(QUEUE).text
    assert str(identity) in registrar.get(f"/desk/registration/{person.id}/match").text


def test_a_match_is_taken_away_again(site: Site, registrar: DeskScreen, identity: UUID) -> None:
    person = proposed(registrar, site, identity)
    registrar.act(path(person, identity))
    assert registrar.act(f"{path(person, identity)}/part").status_code == 200
    assert whose(site, identity) is None
    assert registrar.act(f"{path(person, identity)}/part").status_code == 403
    assert len(rows(site, "identity.parted")) == 1
    assert str(identity) in registrar.get(QUEUE).text


def test_what_is_matched_to_one_is_not_matched_to_another(
    site: Site, registrar: DeskScreen, identity: UUID
) -> None:
    hanne = proposed(registrar, site, identity)
    registrar.act(path(hanne, identity))
    karim = proposed(registrar, site, identity, KARIM.ssin)
    assert registrar.act(path(karim, identity)).status_code == 403
    assert registrar.act(f"{path(karim, identity)}/part").status_code == 403
    assert whose(site, identity) == hanne.id


def approval(site: Site) -> UUID:
    with reading(site.database) as connection:
        found: UUID = connection.execute(select(approvals.c.id)).scalar_one()
    return found


def test_for_who_has_a_device_a_second_member_of_staff_agrees_first(
    site: Site,
    registrar: DeskScreen,
    supervisor: DeskScreen,
    citizen: CitizenAtHome,
    identity: UUID,
) -> None:
    person = proposed(registrar, site, identity)
    for _ in range(2):
        assert registrar.act(path(person, identity)).status_code == 200
    assert whose(site, identity) is None
    supervisor.give_reason(person.id)
    answer: Response = supervisor.act(f"/desk/approvals/{approval(site)}/approve")
    assert answer.status_code == 200, answer.text
    assert whose(site, identity) is None, "who asked carries it out"
    assert registrar.act(path(person, identity)).status_code == 200
    assert whose(site, identity) == person.id
    (row,) = rows(site, "identity.matched")
    assert row["approved_by"] == str(supervisor.person.id)


def test_a_confirmation_is_for_one_identity_and_one_person(
    site: Site, registrar: DeskScreen, identity: UUID
) -> None:
    person = proposed(registrar, site, identity)
    other = path(person, uuid4())
    options = registrar.post_json(f"{other}/options").json()
    credential = registrar.screen.authenticator.get(options, registrar.screen.origin)
    content = {"ceremony": options["ceremony"], "credential": credential}
    assert registrar.post_json(path(person, identity), content).status_code == 400
    assert whose(site, identity) is None


@pytest.mark.parametrize("typed", ["", "garbage", "81050003552", "9" * 5000])
def test_a_number_of_nobody_matches_nothing(
    site: Site, registrar: DeskScreen, identity: UUID, typed: str
) -> None:
    assert registrar.post_form(f"{QUEUE}/{identity}/propose", ssin=typed).status_code == 422
    assert whose(site, identity) is None


def test_an_identity_that_does_not_exist_is_no_page(registrar: DeskScreen) -> None:
    assert registrar.get(f"{QUEUE}/{uuid4()}").status_code == 404
    assert registrar.get(f"{QUEUE}/garbage").status_code == 404


def test_what_waits_is_counted_on_the_first_page(registrar: DeskScreen, identity: UUID) -> None:
    assert f'href="{QUEUE}"' in registrar.get("/desk").text
