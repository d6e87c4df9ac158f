"""The signing keys: one for each algorithm, whoever starts first, and no use to who has a dump."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from authn.db.transaction import reading, writing
from authn.errors import CommandError
from authn.jose import ALGORITHMS, KEY_ENCRYPTIONS, InvalidToken, generate_key, sign, verify
from authn.jose import export_private_key as exported
from authn.keys.signing_keys import (
    EVERY_ALGORITHM,
    SigningKeys,
    current_keys,
    decrypt_jwk,
    encrypt_jwk,
    ensure_signing_keys,
    list_keys,
    load_keys,
)
from authn.keys.tables import ACTIVE, NEXT, RETIRED, signing_keys
from authn.secrets import new_token
from authn.web.site import Site
from tests.conftest import MovableClock
from tests.together import at_once


def loaded(site: Site) -> SigningKeys:
    with reading(site.database) as connection:
        return load_keys(connection, site.secrets)


def test_there_is_one_active_key_for_each_algorithm_and_the_next_is_published(site: Site) -> None:
    ensure_signing_keys(site.database, site.secrets, site.clock())
    keys = loaded(site)
    assert set(keys.active) == set(ALGORITHMS)
    assert all(
        keys.active[alg].alg == alg and keys.active[alg].key.is_private for alg in ALGORITHMS
    )
    assert {key.kid for key in keys.active.values()} < set(keys.by_kid)
    assert len(keys.by_kid) == 2 * len(ALGORITHMS)
    assert len({key.kid for key in keys.decrypting}) == 2 * len(KEY_ENCRYPTIONS)
    with reading(site.database) as connection:
        stored = [(key.alg, key.state) for key in list_keys(connection)]
    assert sorted(stored) == sorted((alg, s) for alg in EVERY_ALGORITHM for s in (ACTIVE, NEXT))


def test_a_second_start_makes_no_other_key(site: Site) -> None:
    ensure_signing_keys(site.database, site.secrets, site.clock())
    before = loaded(site).by_kid.keys()
    ensure_signing_keys(site.database, site.secrets, site.clock())
    assert loaded(site).by_kid.keys() == before


def test_processes_that_start_at_once_agree_on_the_keys(site: Site) -> None:
    at_once(lambda: ensure_signing_keys(site.database, site.secrets, site.clock()), threads=4)
    with reading(site.database) as connection:
        stored = [(key.alg, key.state) for key in list_keys(connection)]
    assert sorted(stored) == sorted((alg, s) for alg in EVERY_ALGORITHM for s in (ACTIVE, NEXT))


def test_without_keys_the_sentence_says_what_to_do(site: Site) -> None:
    with pytest.raises(CommandError, match="authn serve"):
        loaded(site)


def test_a_dump_of_the_database_holds_no_private_key(site: Site) -> None:
    ensure_signing_keys(site.database, site.secrets, site.clock())
    with reading(site.database) as connection:
        rows = connection.execute(select(signing_keys)).all()
    private = [
        json.loads(decrypt_jwk(site.secrets, row.kid, row.jwk_encrypted))["d"] for row in rows
    ]
    assert len(private) == 2 * len(EVERY_ALGORITHM)
    assert not any(d in str(rows) for d in private)
    assert '"d"' not in str(rows)


def test_who_can_write_to_the_table_can_t_make_us_believe_a_key(site: Site) -> None:
    """It must be encrypted under the master key, and for its own row."""
    ensure_signing_keys(site.database, site.secrets, site.clock())
    stranger = generate_key("ES256")
    theirs = replace(site.secrets, master_key=b"x" * 32)
    moved = encrypt_jwk(site.secrets, "another row", exported(stranger))
    for jwk in (exported(stranger), encrypt_jwk(theirs, stranger.kid, exported(stranger)), moved):
        row = {
            "kid": stranger.kid,
            "alg": "ES256",
            "state": RETIRED,
            "jwk_encrypted": jwk,
            "created_at": site.clock(),
        }
        refused = pytest.raises(CommandError, match="cannot be decrypted")
        with refused, writing(site.database) as connection:
            connection.execute(signing_keys.insert(), row)
            load_keys(connection, site.secrets)
    with pytest.raises(InvalidToken):
        verify(sign(stranger, {}), loaded(site).by_kid, "JWT")


def test_another_master_key_does_not_open_them(site: Site) -> None:
    ensure_signing_keys(site.database, site.secrets, site.clock())
    stranger = replace(site.secrets, master_key=new_token(24).encode()[:32])
    with reading(site.database) as connection, pytest.raises(CommandError, match="master key"):
        load_keys(connection, stranger)


def test_the_key_set_has_the_public_halves(site: Site) -> None:
    ensure_signing_keys(site.database, site.secrets, site.clock())
    keys = json.loads(loaded(site).jwks)["keys"]
    assert sorted((key["alg"], key["use"]) for key in keys) == sorted(
        (alg, "sig" if alg in ALGORITHMS else "enc") for alg in EVERY_ALGORITHM for _ in range(2)
    )
    private = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
    assert not any(private & key.keys() for key in keys)


def test_the_key_set_is_the_same_every_time(site: Site) -> None:
    ensure_signing_keys(site.database, site.secrets, site.clock())
    assert len({loaded(site).jwks for _ in range(5)}) == 1


def test_a_process_reads_the_keys_once_a_minute(site: Site, clock: MovableClock) -> None:
    ensure_signing_keys(site.database, site.secrets, site.clock())
    with reading(site.database) as connection:
        first = current_keys(site, connection, clock())
        assert current_keys(site, connection, clock() + timedelta(seconds=59)) is first
        assert current_keys(site, connection, clock() + timedelta(seconds=60)) is not first
