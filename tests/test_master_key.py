"""The master key is replaced while the service runs, and nothing that it encrypted is lost."""

import base64
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr
from sqlalchemy import select, update
from typer.testing import CliRunner

from authn.cli.service.secrets import ENCRYPTED, app
from authn.console.approvals import request_approval
from authn.console.desk_sessions import Desk, LookReason
from authn.db import reencryption
from authn.db.metadata import metadata
from authn.db.occasion import Job
from authn.db.reencryption import EncryptedColumn, count_old_values, reencrypt
from authn.db.transaction import reading, writing
from authn.errors import CommandError
from authn.federation.foreign_identities import unmatched_identities
from authn.keys.signing_keys import ensure_signing_keys, load_keys
from authn.notices.contact_addresses import add_address
from authn.outbox.outbox import enqueue
from authn.people.persons import find_or_create_person
from authn.people.tables import person_ssins
from authn.profiles.answer import apply_answer
from authn.secrets import (
    Secrets,
    create_secrets,
    decrypt,
    encrypt,
    load_secrets,
    new_token,
    replace_master_key,
    token_hash,
)
from authn.settings import PREFIX, Settings
from authn.sources.embedded.facts import fact_rows
from authn.sources.facts import FactPeriod, Quality
from authn.sources.tables import (
    register_citizens,
    register_replacements,
    register_staged_rows,
    source_facts,
    source_staged_facts,
)
from authn.staff.members import Staff
from authn.web.site import Site
from tests.citizen import HANNE, KARIM
from tests.commands import SECRET_SETTINGS

pytestmark = pytest.mark.thorough

Run = Callable[..., str]

NEW = b"n" * 32


def columns() -> set[str]:
    return {
        f"{table.name}.{column.name}"
        for table in metadata.tables.values()
        for column in table.columns
        if column.name.endswith("_encrypted")
    }


def exchanged(secrets: Secrets) -> Secrets:
    """The keys with another master key, and the former one to read with."""
    return replace(secrets, master_key=NEW, other_master_key=secrets.master_key)


def alone(secrets: Secrets) -> Secrets:
    """The same once the former master key is gone."""
    return replace(secrets, other_master_key=b"")


def values(site: Site, secrets: Secrets) -> dict[str, list[bytes]]:
    """All that is encrypted, decrypted, by column."""
    found = {}
    with reading(site.database) as connection:
        for each in ENCRYPTED:
            rows = connection.execute(select(each.column.table)).all()
            found[f"{each.column.table.name}.{each.column.name}"] = sorted(
                decrypt(secrets, row._mapping[each.column], each.context(row))
                for row in rows
                if row._mapping[each.column]
            )
    return found


def left(site: Site, secrets: Secrets) -> int:
    with reading(site.database) as connection:
        return sum(count_old_values(connection, secrets, each) for each in ENCRYPTED)


@pytest.fixture
def filled(site: Site, register: None) -> Site:
    """Every column that the master key encrypts holds something."""
    now = site.clock()
    ensure_signing_keys(site.database, site.secrets, now)
    with writing(site.database) as connection:
        for citizen in (HANNE, KARIM):
            person = find_or_create_person(connection, site.secrets, citizen, now)
            add_address(connection, site.secrets, person.id, "hanne@example.org", now)
            enqueue(Job(connection, site.settings, site.secrets, now), "mail", {"to": "hanne"})
        row_id = uuid4()
        identity = {
            "id": row_id,
            "upstream": "fas",
            "identity_hash": token_hash("somebody"),
            "claims_encrypted": encrypt(site.secrets, b"{}", f"unmatched_identities:{row_id}"),
            "arrived_at": now,
        }
        connection.execute(unmatched_identities.insert(), identity)
        # An import that waits; and a number that replaced another.
        staged = {
            "import_id": uuid4(),
            "line": 1,
            "staged_at": now,
            "given_name": "A",
            "family_name": "B",
            "language": "nl",
            "deceased": False,
            "cancelled": False,
            "ssin_hash": "1",
            "ssin_encrypted": encrypt(site.secrets, b"one", "register:1"),
            "replaces_hash": "2",
            "replaces_encrypted": encrypt(site.secrets, b"two", "register:2"),
        }
        unreplaced = {"line": 2, "replaces_hash": None, "replaces_encrypted": None}
        connection.execute(register_staged_rows.insert(), [staged, staged | unreplaced])
        replaced = {"ssin_hash": "2", "replaced_by_hash": "1"}
        replaced["ssin_encrypted"] = encrypt(site.secrets, b"two", "register:2")  # type: ignore[assignment]
        connection.execute(register_replacements.insert(), replaced)
        # A fact that was answered, one that can be, and one that waits.
        fact = Quality("nurse", "10000000000", FactPeriod(date(2020, 1, 1)))
        person = find_or_create_person(connection, site.secrets, HANNE, now)
        keeper = (connection, site.secrets, site.settings)
        apply_answer(*keeper, person.id, "qualities", [fact], now)
        for row in fact_rows(site.secrets, "qualities", HANNE.ssin, fact):
            connection.execute(source_facts.insert(), row | {"imported_at": now})
            waiting = row | {"imported_at": now, "import_id": uuid4()}
            connection.execute(source_staged_facts.insert(), waiting)
        asking = Desk(
            Staff(person.id, frozenset({"agent"}), frozenset({"Ghent"})), LookReason("check")
        )
        occasion = Job(connection, site.settings, site.secrets, now)
        request_approval(occasion, asking, "unlink-last", person.id, {"device_id": str(uuid4())})
    return site


@pytest.mark.one_engine
def test_every_encrypted_column_is_known() -> None:
    known = {f"{each.column.table.name}.{each.column.name}" for each in ENCRYPTED}
    assert known == columns()


def test_everything_is_written_anew_and_the_former_key_needed_no_more(filled: Site) -> None:
    before, keys = values(filled, filled.secrets), exchanged(filled.secrets)
    assert all(before.values()), before
    assert values(filled, keys) == before  # the former key is read with, meanwhile
    assert left(filled, keys) == sum(map(len, before.values()))
    for each in ENCRYPTED:
        reencrypt(filled.database, keys, each, lambda count: None)
    assert left(filled, keys) == 0
    assert values(filled, alone(keys)) == before
    with pytest.raises(CommandError, match="master key"):
        values(filled, filled.secrets)
    with reading(filled.database) as connection:
        load_keys(connection, alone(keys))


def test_it_goes_on_where_it_was_stopped(filled: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reencryption, "BATCH", 2)
    keys = exchanged(filled.secrets)
    (citizens,) = (each for each in ENCRYPTED if each.column.table is register_citizens)
    done: list[int] = []

    def stop(count: int) -> None:
        done.append(count)
        if len(done) == 2:
            raise KeyboardInterrupt

    with reading(filled.database) as connection:
        total = count_old_values(connection, keys, citizens)
    with pytest.raises(KeyboardInterrupt):
        reencrypt(filled.database, keys, citizens, stop)
    with reading(filled.database) as connection:
        assert count_old_values(connection, keys, citizens) == total - 4
    again: list[int] = []
    reencrypt(filled.database, keys, citizens, again.append)
    assert sum(again) == total - 4
    with reading(filled.database) as connection:
        assert count_old_values(connection, keys, citizens) == 0


def test_a_value_that_is_written_at_the_same_moment_is_not_lost(filled: Site) -> None:
    keys = exchanged(filled.secrets)
    (ssins,) = (each for each in ENCRYPTED if each.column.table is person_ssins)

    def meanwhile(row: Any) -> str:
        """Between the reading and the writing of each row, a running process changes it."""
        context = ssins.context(row)
        fresh = encrypt(filled.secrets, b"meanwhile", context)
        with writing(filled.database) as connection:
            connection.execute(
                update(person_ssins).where(person_ssins.c.id == row.id).values(ssin_encrypted=fresh)
            )
        return context

    reencrypt(filled.database, keys, EncryptedColumn(ssins.column, meanwhile), lambda count: None)
    assert set(values(filled, keys)["person_ssins.ssin_encrypted"]) == {b"meanwhile"}
    with reading(filled.database) as connection:
        assert count_old_values(connection, keys, ssins) == 2  # for the next round
    reencrypt(filled.database, keys, ssins, lambda count: None)
    assert set(values(filled, keys)["person_ssins.ssin_encrypted"]) == {b"meanwhile"}
    with reading(filled.database) as connection:
        assert count_old_values(connection, keys, ssins) == 0


def test_a_value_under_neither_key_is_said_and_left(filled: Site) -> None:
    keys = replace(exchanged(filled.secrets), other_master_key=b"x" * 32)
    with pytest.raises(CommandError, match="cannot be decrypted"):
        reencrypt(filled.database, keys, ENCRYPTED[0], lambda count: None)
    assert values(filled, filled.secrets)


@pytest.mark.one_engine
def test_what_was_encrypted_before_there_were_marks_is_read_with_either_key(site: Site) -> None:
    nonce = os.urandom(12)
    old = b"1" + nonce + AESGCM(site.secrets.master_key).encrypt(nonce, b"text", b"here")
    assert decrypt(site.secrets, old, "here") == b"text"
    assert decrypt(exchanged(site.secrets), old, "here") == b"text"
    with pytest.raises(CommandError):
        decrypt(alone(exchanged(site.secrets)), old, "here")


@pytest.mark.one_engine
@pytest.mark.parametrize("ciphertext", [b"", b"1", b"2", b"1" * 13, b"2" * 40, b"3" * 40])
def test_what_is_no_ciphertext_is_refused(site: Site, ciphertext: bytes) -> None:
    for keys in (site.secrets, exchanged(site.secrets)):
        with pytest.raises(CommandError, match="cannot be decrypted"):
            decrypt(keys, ciphertext, "here")


@pytest.mark.one_engine
def test_a_ciphertext_tells_by_which_key_and_not_the_key(site: Site) -> None:
    one, other = (encrypt(site.secrets, b"text", "here") for _ in range(2))
    assert one[:5] == other[:5] != encrypt(exchanged(site.secrets), b"text", "here")[:5]
    assert site.secrets.master_key[:4] not in one
    with pytest.raises(CommandError):
        decrypt(site.secrets, one, "there")


# The commands


@pytest.fixture
def run(site: Site, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`authn secrets …` with the settings of this test; what it refuses is raised."""
    for name in SECRET_SETTINGS:
        value = getattr(site.settings, name).get_secret_value()
        monkeypatch.setenv(PREFIX + name.upper(), value)
    monkeypatch.setenv(f"{PREFIX}DATA_DIRECTORY", str(site.settings.data_directory))
    return lambda *words: CliRunner().invoke(app, words, catch_exceptions=False).output


def test_a_new_master_key_is_made_and_everything_is_written_anew(
    filled: Site, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = values(filled, filled.secrets)
    monkeypatch.delenv(f"{PREFIX}MASTER_KEY")
    folder = filled.settings.data_directory / "secrets"
    folder.mkdir(parents=True)
    former = base64.urlsafe_b64encode(filled.secrets.master_key).decode()
    (folder / "master_key").write_text(former)
    assert "Restart the service" in run("new-master-key")
    output = run("reencrypt")
    assert f"{sum(map(len, before.values())):,}" in output
    assert str(folder / "other_master_key") in output
    assert "Written anew: 0" in run("reencrypt")
    (folder / "other_master_key").unlink()
    monkeypatch.setenv(f"{PREFIX}OTHER_MASTER_KEY", "")
    on_file = filled.settings.model_copy(update={"master_key": SecretStr("")})
    assert values(filled, load_secrets(on_file)) == before


def test_without_a_second_key_there_is_nothing_to_write(filled: Site, run: Run) -> None:
    output = run("reencrypt")
    assert "Written anew: 0" in output
    assert "no more" not in output


def test_a_process_that_goes_on_with_the_former_key_is_noticed(
    filled: Site, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    former = filled.settings.master_key.get_secret_value()
    monkeypatch.setenv(f"{PREFIX}OTHER_MASTER_KEY", former)
    monkeypatch.setenv(f"{PREFIX}MASTER_KEY", new_token())

    def encrypt_and_be_overwritten(keys: Secrets, plaintext: bytes, context: str) -> bytes:
        room, _, row_id = context.partition(":")
        if room == "person_ssins":
            fresh = encrypt(filled.secrets, plaintext, context)
            statement = update(person_ssins).where(person_ssins.c.id == UUID(row_id))
            with writing(filled.database) as connection:
                connection.execute(statement, {"ssin_encrypted": fresh})
        return encrypt(keys, plaintext, context)

    monkeypatch.setattr(reencryption, "encrypt", encrypt_and_be_overwritten)
    with pytest.raises(CommandError, match="restart every process"):
        run("reencrypt")


@pytest.mark.one_engine
def test_a_master_key_that_is_a_setting_is_not_replaced_by_a_file(site: Site, run: Run) -> None:
    with pytest.raises(CommandError, match="AUTHN_OTHER_MASTER_KEY"):
        run("new-master-key")
    assert not (site.settings.data_directory / "secrets").exists()


@pytest.fixture
def on_file(tmp_path: Path) -> Settings:
    settings = Settings(data_directory=tmp_path / "data")
    create_secrets(settings)
    return settings


@pytest.mark.one_engine
def test_the_former_key_is_on_file_until_the_end(on_file: Settings) -> None:
    former = load_secrets(on_file)
    assert former.other_master_key == b""
    replace_master_key(on_file)
    after = load_secrets(on_file)
    assert after.other_master_key == former.master_key != after.master_key
    assert after.token_key == former.token_key
    folder = on_file.data_directory / "secrets"
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert "master_key.new" not in {path.name for path in folder.iterdir()}
    with pytest.raises(CommandError, match="already"):
        replace_master_key(on_file)
    assert load_secrets(on_file) == after


@pytest.mark.one_engine
def test_a_crash_in_the_midst_of_it_loses_nothing(on_file: Settings) -> None:
    folder, former = on_file.data_directory / "secrets", load_secrets(on_file)
    os.link(folder / "master_key", folder / "other_master_key")
    (folder / "master_key.new").write_text("half of")
    assert load_secrets(on_file).master_key == former.master_key
    replace_master_key(on_file)
    after = load_secrets(on_file)
    assert after.other_master_key == former.master_key != after.master_key


@pytest.mark.one_engine
def test_the_other_master_key_is_none_of_the_other_three(on_file: Settings) -> None:
    folder = on_file.data_directory / "secrets"
    (folder / "other_master_key").write_text((folder / "token_key").read_text())
    with pytest.raises(CommandError, match="the same"):
        load_secrets(on_file)
    (folder / "other_master_key").write_text("short")
    with pytest.raises(CommandError, match="other master key must be 32 bytes"):
        load_secrets(on_file)
