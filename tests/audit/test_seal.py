"""Each audit row is sealed when it is written, with a key that is not in the database."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import uuid4

import orjson
import pytest
from sqlalchemy import select

from authn.audit.events.people import SignedIn
from authn.audit.log import audit_events, record
from authn.db.transaction import reading, writing
from authn.people.ssin import BRUSSELS
from authn.secrets import Secrets, audit_seal
from authn.web.site import Site

EVENT = SignedIn(person_id=uuid4(), device_id=uuid4(), client_id="hospital", level="device")


def stored(site: Site, now: datetime) -> dict[str, Any]:
    """The row of an event that was recorded just now, as the database gives it back."""
    with writing(site.database) as connection:
        record(connection, site.secrets, EVENT, now, "ABCDEFGHJK")
    with reading(site.database) as connection:
        row = connection.execute(select(audit_events)).one()
    return {f"{name}": value for name, value in row._mapping.items()}  # orjson wants plain str


def seal_of(secrets: Secrets, row: dict[str, Any]) -> str:
    return audit_seal(secrets, orjson.dumps(row))


def parted(row: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """What is sealed, in the table's order, and the seal."""
    unsealed = ("id", "seal", *(() if row["actor_id"] else ("actor_id",)))
    return {name: value for name, value in row.items() if name not in unsealed}, row["seal"]


def test_a_seal_can_be_checked_from_what_is_stored(site: Site) -> None:
    content, seal = parted(stored(site, site.clock()))
    assert seal == seal_of(site.secrets, content)


def test_so_it_can_whatever_zone_the_clock_is_in(site: Site) -> None:
    content, seal = parted(stored(site, site.clock().astimezone(BRUSSELS)))
    assert seal == seal_of(site.secrets, content)


@pytest.mark.parametrize("name", ["occurred_at", "event", "reference", "person_id", "details"])
def test_a_row_that_was_changed_has_another(site: Site, name: str) -> None:
    content, seal = parted(stored(site, site.clock()))
    assert seal != seal_of(site.secrets, content | {name: "something else"})


def test_nobody_seals_without_the_key(site: Site) -> None:
    content, seal = parted(stored(site, site.clock()))
    for other in ("master_key", "token_key", "national_number_key"):
        wrong = replace(site.secrets, audit_key=getattr(site.secrets, other))
        assert seal != seal_of(wrong, content)
