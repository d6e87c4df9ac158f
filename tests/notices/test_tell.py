"""Telling a person: to each confirmed address, in the transaction of the act, in their language."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from authn.db.transaction import reading, writing
from authn.errors import Expired, Refusal
from authn.notices import kinds
from authn.notices.contact_addresses import (
    MOST_ADDRESSES,
    REMEMBERED,
    add_address,
    confirm_address,
    confirmed_addresses,
    contact_addresses,
    forget_old_addresses,
    list_contact_addresses,
)
from authn.notices.notices import tell, tell_address
from authn.web.site import Site
from tests.citizen import HANNE, KARIM, activation_code, enrolled
from tests.conftest import MovableClock
from tests.mailbox import confirm_for, mails
from tests.occasion import job
from tests.together import at_once

pytestmark = pytest.mark.usefixtures("register")
NOTICE = kinds.DeviceResumedNotice(uuid4(), "Laptop")


def test_without_a_confirmed_address_nothing_is_written(site: Site) -> None:
    person, _ = activation_code(site)
    with writing(site.database) as connection:
        add_address(connection, site.secrets, person.id, "hanne@example.org", site.clock())
        assert tell(job(site, connection), person.id, NOTICE) == 0
    assert mails(site) == []


def test_each_confirmed_address_gets_one_in_the_language_of_the_person(site: Site) -> None:
    hanne, _ = activation_code(site, HANNE)
    karim, _ = activation_code(site, KARIM)
    confirm_for(site, hanne, "hanne@example.org")
    confirm_for(site, hanne, "second@example.org")
    confirm_for(site, karim, "karim@example.org")
    with writing(site.database) as connection:
        assert tell(job(site, connection), hanne.id, NOTICE) == 2
        assert tell(job(site, connection), karim.id, NOTICE) == 1
    found = {mail.to: mail.message["Content-Language"] for mail in mails(site)}
    assert found == {
        "hanne@example.org": "nl",
        "second@example.org": "nl",
        "karim@example.org": "fr",
    }
    assert "Dag Hanne," in mails(site, "hanne@example.org")[0].text


def test_nobody_is_told_of_an_act_that_was_rolled_back(site: Site) -> None:
    person, _ = activation_code(site)
    confirm_for(site, person)
    with pytest.raises(RuntimeError), writing(site.database) as connection:
        tell(job(site, connection), person.id, NOTICE)
        raise RuntimeError
    assert mails(site) == []


def test_one_address_alone_can_be_told(site: Site) -> None:
    person, _ = activation_code(site)
    confirm_for(site, person, "hanne@example.org")
    confirm_for(site, person, "second@example.org")
    link = "http://localhost:8000/lost/link#abc"
    with writing(site.database) as connection:
        notice = kinds.EmergencyLinkNotice(link)
        tell_address(job(site, connection), "second@example.org", "de", notice, person.id)
    (mail,) = mails(site)
    assert mail.to == "second@example.org"
    assert link in mail.text
    assert mail.text.startswith("Guten Tag,")


def test_a_new_device_is_told_of_with_its_browser(site: Site, client: TestClient) -> None:
    person, _ = activation_code(site)
    confirm_for(site, person)
    client.headers["User-Agent"] = "Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/140.0"
    enrolled(site, client)
    (mail,) = mails(site)
    assert mail.notice == "device-added"
    assert "Met: Firefox op Windows" in mail.text


def test_an_address_is_encrypted_at_rest(site: Site) -> None:
    person, _ = activation_code(site)
    confirm_for(site, person)
    with reading(site.database) as connection:
        rows = str(connection.execute(select(contact_addresses)).all())
        known = confirmed_addresses(connection, site.secrets, person.id)
    assert "example" not in rows
    assert known == ["hanne@example.org"]


def test_an_address_is_confirmed_once_and_for_a_day(site: Site, clock: MovableClock) -> None:
    person, _ = activation_code(site)
    with writing(site.database) as connection:
        _, secret = add_address(connection, site.secrets, person.id, "a@example.org", clock())
        _, late = add_address(connection, site.secrets, person.id, "b@example.org", clock())
        assert confirmed_addresses(connection, site.secrets, person.id) == []
        confirm_address(connection, site.secrets, secret, clock())
        assert confirmed_addresses(connection, site.secrets, person.id) == ["a@example.org"]
        with pytest.raises(Expired):
            confirm_address(connection, site.secrets, secret, clock())
        with pytest.raises(Expired):
            confirm_address(connection, site.secrets, "", clock())
    clock.advance(days=1)
    with pytest.raises(Expired), writing(site.database) as connection:
        confirm_address(connection, site.secrets, late, clock())


def test_two_confirmations_at_once_are_one(site: Site) -> None:
    person, _ = activation_code(site)
    with writing(site.database) as connection:
        _, secret = add_address(connection, site.secrets, person.id, "a@example.org", site.clock())

    def confirm() -> bool:
        with writing(site.database) as connection:
            confirm_address(connection, site.secrets, secret, site.clock())
        return True

    found = at_once(confirm)
    assert found.count(True) == 1
    assert sum(isinstance(each, Expired) for each in found) == len(found) - 1


def test_many_at_once_are_never_more_than_three(site: Site) -> None:
    person, _ = activation_code(site)
    names = iter("abcdefgh")

    def add() -> bool:
        with writing(site.database) as connection:
            address = f"{next(names)}@example.org"
            add_address(connection, site.secrets, person.id, address, site.clock())
        return True

    found = at_once(add)
    assert found.count(True) == MOST_ADDRESSES
    with reading(site.database) as connection:
        known = list_contact_addresses(connection, site.secrets, person.id, site.clock())
    assert len(known) == MOST_ADDRESSES


def test_so_many_mails_a_day_go_to_addresses_that_nobody_confirmed(
    site: Site, clock: MovableClock
) -> None:
    """Nobody can be flooded through us."""
    person, _ = activation_code(site)
    added = 0
    with pytest.raises(Refusal, match="too_many_addresses"):
        for number in range(20):
            with writing(site.database) as connection:
                address = f"{number}@example.org"
                add_address(connection, site.secrets, person.id, address, clock())
                connection.execute(contact_addresses.update().values(removed_at=clock()))
            added += 1
    assert added == 6


def test_cleanup_forgets_what_was_removed_or_never_confirmed(
    site: Site, clock: MovableClock
) -> None:
    person, _ = activation_code(site)
    confirm_for(site, person, "kept@example.org")
    with writing(site.database) as connection:
        add_address(connection, site.secrets, person.id, "never@example.org", clock())
        assert forget_old_addresses(connection, clock() + REMEMBERED) == 0
        assert forget_old_addresses(connection, clock() + REMEMBERED + timedelta(seconds=1)) == 1
        known = confirmed_addresses(connection, site.secrets, person.id)
        assert known == ["kept@example.org"]
