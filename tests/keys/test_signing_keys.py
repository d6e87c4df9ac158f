"""The signing keys: one for each algorithm, whoever starts first, and no use to who has a dump."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from authn.db.transaction import reading
from authn.errors import CommandError
from authn.jose import ALGORITHMS, export_private_key
from authn.keys.signing_keys import Keys, current_keys, ensure_signing_keys, list_keys, load_keys
from authn.keys.tables import signing_keys
from authn.secrets import new_token
from authn.web.site import Site
from tests.conftest import MovableClock
from tests.together import at_once


def loaded(site: Site) -> Keys:
    with reading(site.database) as connection:
        return load_keys(connection, site.secrets)


def test_there_is_one_active_key_for_each_algorithm(site: Site) -> None:
    ensure_signing_keys(site.database, site.secrets, site.clock())
    keys = loaded(site)
    assert set(keys.active) == set(ALGORITHMS)
    assert {key.kid for key in keys.active.values()} == set(keys.by_kid)


def test_a_second_start_makes_no_other_key(site: Site) -> None:
    ensure_signing_keys(site.database, site.secrets, site.clock())
    before = loaded(site).by_kid.keys()
    ensure_signing_keys(site.database, site.secrets, site.clock())
    assert loaded(site).by_kid.keys() == before


def test_processes_that_start_at_once_agree_on_the_keys(site: Site) -> None:
    at_once(lambda: ensure_signing_keys(site.database, site.secrets, site.clock()), threads=4)
    with reading(site.database) as connection:
        assert sorted(key.alg for key in list_keys(connection)) == sorted(ALGORITHMS)


def test_without_keys_the_sentence_says_what_to_do(site: Site) -> None:
    with pytest.raises(CommandError, match="authn serve"):
        loaded(site)


def test_a_dump_of_the_database_holds_no_private_key(site: Site) -> None:
    ensure_signing_keys(site.database, site.secrets, site.clock())
    private = [json.loads(export_private_key(key))["d"] for key in loaded(site).by_kid.values()]
    with reading(site.database) as connection:
        rows = str(connection.execute(select(signing_keys)).all())
    assert not any(d in rows for d in private)
    assert '"d"' not in rows


def test_another_master_key_does_not_open_them(site: Site) -> None:
    ensure_signing_keys(site.database, site.secrets, site.clock())
    stranger = replace(site.secrets, master_key=new_token(24).encode()[:32])
    with reading(site.database) as connection, pytest.raises(CommandError, match="master key"):
        load_keys(connection, stranger)


def test_the_key_set_has_the_public_halves(site: Site) -> None:
    ensure_signing_keys(site.database, site.secrets, site.clock())
    keys = json.loads(loaded(site).jwks)["keys"]
    assert {key["alg"] for key in keys} == set(ALGORITHMS)
    assert {key["use"] for key in keys} == {"sig"}
    assert not any("d" in key for key in keys)


def test_a_process_reads_the_keys_once_a_minute(site: Site, clock: MovableClock) -> None:
    ensure_signing_keys(site.database, site.secrets, site.clock())
    with reading(site.database) as connection:
        first = current_keys(site, connection, clock())
        assert current_keys(site, connection, clock() + timedelta(seconds=59)) is first
        assert current_keys(site, connection, clock() + timedelta(seconds=60)) is not first
