"""The FIDO metadata in force: read as far as it goes, looked up in memory, renewed by itself.

https://fidoalliance.org/specs/mds/fido-metadata-service-v3.1-ps-20250521.html
"""

import tracemalloc
import zlib
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, insert, select, update
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from authn.db.transaction import reading, writing
from authn.settings import Settings
from authn.web.site import Site
from authn.webauthn.metadata.blob import verify_blob
from authn.webauthn.metadata.current import (
    current_metadata,
    import_blob,
    load_metadata,
    packaged_metadata,
    refresh_and_report_stale,
    refresh_metadata,
)
from authn.webauthn.metadata.entries import Metadata, UnreadableMetadata, read_metadata
from authn.webauthn.metadata.large_json import read_large
from authn.webauthn.tables import fido_metadata
from tests.conftest import MovableClock
from tests.fido_metadata import (
    NUMBER,
    certify,
    day,
    entry,
    install,
    signed_blob,
    test_root,
    with_test_root,
)
from tests.occasion import job
from tests.screens import events
from tests.together import at_once

AAGUID = UUID("a5b1c2d3-0000-4000-8000-000000000001")
KEY_ID = "ab" * 20
DAY = date(2026, 3, 2)


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    """Those of a service that believes the tests' metadata."""
    return with_test_root(settings, tmp_path)


Status = str | tuple[str, date]


def read(*entries: Any, **members: Any) -> Metadata:
    document = {"no": 7, "nextUpdate": "2026-04-01", "entries": list(entries), **members}
    return read_metadata(orjson.dumps(document), "operator", DAY)


# The copy that comes along


def test_the_packaged_copy_is_read_whole() -> None:
    metadata = packaged_metadata()
    assert metadata.number >= 291
    assert metadata.skipped == 0
    assert len(metadata.by_aaguid) >= 348
    assert len(metadata.by_key_id) >= 200
    assert all(each.name for each in metadata.by_aaguid.values())


def test_a_model_that_was_revoked_is_revoked_from_that_day_on() -> None:
    windows = packaged_metadata().by_aaguid[UUID("ba86dc56-635f-4141-aef6-00227b1b9af6")]
    assert "REVOKED" not in windows.model_on(date(2023, 12, 19)).statuses
    assert "REVOKED" in windows.model_on(date(2023, 12, 20)).statuses


def test_reading_it_takes_little_memory() -> None:
    """The aim is 30 MB; what stays is a tenth of that."""
    packaged_metadata.cache_clear()
    tracemalloc.start()
    try:
        metadata = packaged_metadata()
        stays, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert metadata.by_aaguid
    assert peak < 25e6
    assert stays < 5e6


# Entries


def test_statuses_are_those_whose_day_has_come() -> None:
    statuses: list[Status] = ["FIDO_CERTIFIED_L1", ("REVOKED", DAY + timedelta(days=1))]
    metadata = read(entry("Key", AAGUID, statuses=statuses))
    model = metadata.model(AAGUID)
    assert model is not None
    assert model.statuses == {"FIDO_CERTIFIED_L1"}
    assert metadata.by_aaguid[AAGUID].model_on(DAY + timedelta(days=1)).statuses == {
        "FIDO_CERTIFIED_L1",
        "REVOKED",
    }


def test_an_update_does_not_undo_what_it_answers() -> None:
    """A key that was not updated looks like one that was."""
    statuses = [
        ("USER_KEY_REMOTE_COMPROMISE", DAY - timedelta(days=9)),
        ("UPDATE_AVAILABLE", DAY - timedelta(days=5)),
        ("FIDO_CERTIFIED_L2", DAY - timedelta(days=1)),
    ]
    model = read(entry("Key", AAGUID, statuses=statuses)).model(AAGUID)
    assert model is not None
    assert "USER_KEY_REMOTE_COMPROMISE" in model.statuses


def test_a_report_without_a_readable_date_is_in_effect() -> None:
    each = entry("Key", AAGUID)
    each["statusReports"] = [{"status": "REVOKED", "effectiveDate": "yesterday"}]
    model = read(each).model(AAGUID)
    assert model is not None and model.statuses == {"REVOKED"}


def test_a_fido_u2f_model_is_found_by_its_key_identifier_alone() -> None:
    u2f = entry("Old key", None, key_ids=[KEY_ID.upper()])
    metadata = read(u2f, entry("Key", AAGUID))
    found = metadata.model(UUID(int=0), KEY_ID)
    assert found is not None and found.name == "Old key"
    assert metadata.model(UUID(int=0)) is None
    assert metadata.model(UUID(int=0), "cd" * 20) is None
    # Who claims an AAGUID is not found by a key identifier.
    assert metadata.model(UUID(int=5), KEY_ID) is None


def test_the_all_zero_aaguid_is_nobodys() -> None:
    assert read(entry("Nobody", UUID(int=0))).by_aaguid == {}


def test_two_entries_for_one_model_say_what_both_say() -> None:
    first = entry("Key", AAGUID, roots=[b"first"])
    second = entry("Another name", AAGUID, roots=[b"second"], statuses=["REVOKED"])
    model = read(first, second).model(AAGUID)
    assert model is not None
    assert (model.name, model.roots) == ("Key", (b"first",))
    assert model.statuses == {"FIDO_CERTIFIED_L1", "REVOKED"}


def test_roots_are_read_as_they_are_published() -> None:
    der = certify("Root", None, authority=True).der
    each = entry("Key", AAGUID, roots=[der, der])
    certificates = each["metadataStatement"]["attestationRootCertificates"]
    certificates[0] = "\n ".join(certificates[0][at : at + 64] for at in range(0, 999, 64))
    certificates += ["*", "", None, 7, "A" * 100_000]
    model = read(each).model(AAGUID)
    assert model is not None and model.roots == (der,)


@pytest.mark.parametrize("odd", [None, 7, [], "entry", {}, {"metadataStatement": 7}])
def test_what_is_no_entry_is_skipped_and_counted(odd: object) -> None:
    metadata = read(odd, entry("Key", AAGUID))
    assert metadata.skipped == 1
    assert metadata.model(AAGUID) is not None


def test_an_entry_that_lacks_something_is_taken_as_far_as_it_goes() -> None:
    metadata = read({"aaguid": str(AAGUID), "metadataStatement": {}})
    model = metadata.model(AAGUID)
    assert model is not None
    assert (model.name, model.roots, model.statuses) == ("", (), frozenset())


NAMES = st.sampled_from(
    [
        "aaguid",
        "metadataStatement",
        "statusReports",
        "status",
        "effectiveDate",
        "description",
        "icon",
        "attestationRootCertificates",
        "attestationTypes",
        "attestationCertificateKeyIdentifiers",
        "other",
    ]
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.text(max_size=20)
    | st.sampled_from([str(AAGUID), "2026-01-01", "REVOKED", "AAAA", "data:image/png;base64,AA"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=12,
)
ENTRY = st.dictionaries(NAMES, JSON, max_size=5)


@given(entries=st.lists(JSON | ENTRY, max_size=5))
def test_any_entries_are_read_or_skipped(entries: list[Any]) -> None:
    metadata = read(*entries, entry("Key", AAGUID))
    assert metadata.skipped <= len(entries)
    model = metadata.model(AAGUID)
    assert model is not None and "FIDO_CERTIFIED_L1" in model.statuses


@given(payload=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_a_payload_or_refused(payload: bytes) -> None:
    with pytest.raises(UnreadableMetadata):
        read_metadata(payload, "operator", DAY)


@given(
    before=st.dictionaries(st.text(max_size=5), JSON, max_size=3),
    elements=st.lists(JSON, max_size=5),
    after=st.dictionaries(st.text(max_size=5), JSON, max_size=3),
    indented=st.booleans(),
)
def test_a_large_object_is_read_as_by_any_reader(
    before: dict[str, Any], elements: list[Any], after: dict[str, Any], indented: bool
) -> None:
    document = {**before, "entries": elements, **after}
    payload = orjson.dumps(document, option=orjson.OPT_INDENT_2 if indented else 0)
    seen: list[Any] = []
    members = read_large(payload, "entries", seen.append)
    whole = orjson.loads(payload)
    assert isinstance(members, dict) and {**members, "entries": seen} == whole


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b'{"entries":[1,]}',
        b'{"entries":[1 2]}',
        b'{"entries":[1',
        b'{"entries":[NaN]}',
        b'{"a":1,}',
        b'{"a" 1}',
        b"{1:2}",
        b"{} {}",
        b'{"a":' + b"[" * 100_000,
        b'{"a":"\xff"}',
    ],
    ids=lambda payload: repr(payload[:20]),
)
def test_a_large_object_that_is_not_json_is_refused(payload: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read_large(payload, "entries", lambda each: None)


# In force


def test_without_an_operators_blob_the_packaged_copy_is_in_force(site: Site) -> None:
    metadata = current_metadata(site)
    assert metadata.source == "package"
    assert metadata.by_aaguid is packaged_metadata().by_aaguid
    assert metadata.day == DAY
    with reading(site.database) as connection:
        assert load_metadata(connection, site.settings, site.clock()) == metadata


def test_a_blob_taken_over_is_in_force_for_every_process(site: Site) -> None:
    assert current_metadata(site).source == "package"
    other = Site(site.settings, site.secrets, site.database, site.clock, site.pages)
    install(site, signed_blob([entry("Key", AAGUID)]))
    assert current_metadata(site).number == NUMBER
    assert current_metadata(other).number == NUMBER  # which had not read any before
    assert current_metadata(other).model(AAGUID) is not None
    assert events(site) == [("fido_metadata.updated", None)]


def test_a_model_revoked_yesterday_is_revoked_today_in_a_running_process(
    site: Site, clock: MovableClock
) -> None:
    install(site, signed_blob([entry("Key", AAGUID)]))
    current_metadata(site)
    other = Site(site.settings, site.secrets, site.database, site.clock, site.pages)
    revoked = entry("Key", AAGUID, statuses=[("REVOKED", day(clock(), -1))])
    install(other, signed_blob([revoked], number=NUMBER + 1))
    refresh_and_report_stale(site, None)  # what the background does every ten minutes
    model = current_metadata(site).model(AAGUID)
    assert model is not None and model.statuses == {"REVOKED"}


def test_a_status_of_tomorrow_counts_tomorrow_without_reading_again(
    site: Site, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(site, signed_blob([entry("Key", AAGUID, statuses=[("REVOKED", day(clock(), 1))])]))
    monkeypatch.setattr(
        "authn.webauthn.metadata.current.reading", None
    )  # none of it asks the database
    model = current_metadata(site).model(AAGUID)
    assert model is not None and model.statuses == set()
    clock.advance(days=1)
    model = current_metadata(site).model(AAGUID)
    assert model is not None and model.statuses == {"REVOKED"}


def test_the_number_never_goes_backwards(site: Site) -> None:
    def outcome(number: int) -> str:
        blob = signed_blob([entry("Key", AAGUID)], number=number)
        verified = verify_blob(blob, [test_root().certificate], site.clock())
        with writing(site.database) as connection:
            return import_blob(job(site, connection), verified)

    packaged = packaged_metadata().number
    assert outcome(packaged - 1) == "older"
    assert outcome(packaged) == "present"
    assert outcome(packaged + 2) == "taken"
    assert outcome(packaged + 1) == "older"
    assert outcome(packaged + 2) == "present"
    assert outcome(packaged + 3) == "taken"
    assert _rows(site) == 1  # the ones before are of no use any more
    assert refresh_metadata(site).number == packaged + 3


def test_taken_over_twice_at_once_it_is_one_row(site: Site) -> None:
    blob = signed_blob([entry("Key", AAGUID)])
    verified = verify_blob(blob, [test_root().certificate], site.clock())

    def act() -> str:
        with writing(site.database) as connection:
            return import_blob(job(site, connection), verified)

    outcomes = at_once(act)
    assert sorted(map(str, outcomes)) == ["present"] * 7 + ["taken"]
    assert _rows(site) == 1
    assert events(site) == [("fido_metadata.updated", None)]


def _rows(site: Site) -> int:
    with reading(site.database) as connection:
        return connection.execute(select(func.count()).select_from(fido_metadata)).scalar_one()


@pytest.mark.parametrize("forged", ["compressed", "unsigned", "another root"])
def test_a_row_that_was_tampered_with_is_as_if_it_were_not_there(
    site: Site, forged: str, tmp_path: Path
) -> None:
    head, _, signature = signed_blob([]).split(b".")
    contents = {
        "compressed": b"no zlib stream",
        "unsigned": zlib.compress(head + b".e30." + signature),
        "another root": zlib.compress(signed_blob([entry("Key", AAGUID)])),
    }
    row = {
        "number": NUMBER,
        "next_update": "2039-01-01",
        "blob_compressed": contents[forged],
        "imported_at": site.clock(),
    }
    with writing(site.database) as connection:
        connection.execute(insert(fido_metadata).values(row))
    settings = site.settings
    if forged == "another root":
        settings = settings.model_copy(update={"mds_root": None})
    with capture_logs() as logs, reading(site.database) as connection:
        assert load_metadata(connection, settings, site.clock()).source == "package"
    assert [log["event"] for log in logs] == ["fido_metadata_refused"]


def test_a_blob_whose_signer_expired_since_is_still_in_force(
    site: Site, clock: MovableClock
) -> None:
    install(site, signed_blob([entry("Key", AAGUID)]))
    clock.advance(days=20 * 365)
    other = Site(site.settings, site.secrets, site.database, site.clock, site.pages)
    assert current_metadata(other).number == NUMBER
    assert current_metadata(other).stale


# Watched


def test_a_started_service_has_the_metadata_in_memory(site: Site, client: TestClient) -> None:
    assert site.memory.recall(Metadata, site.clock(), timedelta(hours=1)) is not None


@pytest.mark.parametrize(
    ("issuer", "level"),
    [("https://login.example", "warning"), ("http://localhost:8000", "info")],
)
def test_a_stale_copy_is_said_once_a_day(
    site: Site, clock: MovableClock, issuer: str, level: str
) -> None:
    site = replace(site, settings=site.settings.model_copy(update={"issuer": issuer}))
    with capture_logs() as logs:
        told = refresh_and_report_stale(site, None)
        assert (told, logs) == (None, [])
        clock.now = clock.now.replace(year=2040)
        told = refresh_and_report_stale(site, told)
        assert refresh_and_report_stale(site, told) == told
        clock.advance(days=1)
        refresh_and_report_stale(site, told)
    assert [(log["event"], log["log_level"]) for log in logs] == [
        ("fido_metadata_stale", level)
    ] * 2


def test_a_database_that_is_gone_does_not_end_the_watch(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = current_metadata(site)
    with monkeypatch.context() as gone, capture_logs() as logs:
        gone.setattr("authn.webauthn.metadata.current.newest_number", _gone)
        refresh_and_report_stale(site, None)
    assert [log["event"] for log in logs] == ["fido_metadata_unread"]
    assert current_metadata(site) == before


def _gone(connection: object) -> int:
    raise ConnectionError


def test_the_row_says_when_it_was_taken_over(site: Site, clock: MovableClock) -> None:
    """A chain is judged as of then, so the moment can't be moved to when the signer was valid."""
    install(site, signed_blob([entry("Key", AAGUID)]))
    with writing(site.database) as connection:
        long_ago = clock().replace(year=2001)
        connection.execute(update(fido_metadata).values(imported_at=long_ago))
    with capture_logs(), reading(site.database) as connection:
        assert load_metadata(connection, site.settings, clock()).source == "package"
