"""From where a browser is: a city in words from an operator's database, or the same network.

MaxMind DB files (https://maxmind.github.io/MaxMind-DB/): a real one is written for these tests.
"""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmdb_writer import MMDBWriter
from netaddr import IPSet  # type: ignore[import-untyped]

from authn.errors import CommandError
from authn.secrets import Secrets
from authn.settings import Settings
from authn.web.place import PlaceDatabase, network_hash, open_places, read_address, same_network

KEYS = Secrets(b"m" * 32, b"n" * 32, b"t" * 32, b"a" * 32)
GHENT = {
    "city": {"names": {"en": "Ghent", "fr": "Gand", "de": "Gent"}},
    "country": {"iso_code": "BE", "names": {"en": "Belgium"}},
}
ODD_ROWS: dict[str, Any] = {
    "11.0.0.0/24": {"country": {"iso_code": "BE"}},
    "11.0.1.0/24": {"city": {"names": {"en": "Nowhere"}}},
    "11.0.2.0/24": {"city": "Ghent", "country": {"iso_code": "BE"}},
    "11.0.3.0/24": {"city": {"names": ["Ghent"]}, "country": "BE"},
    "11.0.4.0/24": {"city": {"names": {"en": "Gh\nent"}}, "country": {"iso_code": "BE"}},
    "11.0.5.0/24": {"city": {"names": {"en": "G" * 500}}, "country": {"iso_code": "BE"}},
    "11.0.6.0/24": {"city": {"names": {"en": 7}}, "country": {"iso_code": "ZZZZ"}},
    "11.0.7.0/24": {"country": {"iso_code": ["BE"]}},
}


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> PlaceDatabase:
    """A database with one city, and rows that are odd."""
    return open_places(Settings(place_database=written(tmp_path_factory.mktemp("places"))))


def written(folder: Path) -> Path:
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type="Test-City")
    writer.insert_network(IPSet(["9.9.9.0/24", "2620:fe::/48", "10.0.0.0/8"]), GHENT)
    for network, row in ODD_ROWS.items():
        writer.insert_network(IPSet([network]), row)
    path = folder / "city.mmdb"
    writer.to_db_file(str(path))
    return path


@pytest.mark.parametrize("address", ["9.9.9.9", "::ffff:9.9.9.9", "2620:fe::fe"])
def test_a_place_is_a_city_and_a_country_in_each_language(
    places: PlaceDatabase, address: str
) -> None:
    assert places.find(address) == {
        "nl": "Ghent, België",
        "fr": "Gand, Belgique",
        "de": "Gent, Belgien",
        "en": "Ghent, Belgium",
    }


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "127.0.0.1", "10.1.2.3", "192.168.1.5", "::1", "fe80::1%eth0", "testclient", ""],
)
def test_an_address_that_is_unknown_or_private_is_nowhere(
    places: PlaceDatabase, address: str
) -> None:
    assert places.find(address) == {}


@pytest.mark.parametrize(
    ("address", "english"),
    [
        ("11.0.0.1", "Belgium"),
        ("11.0.1.1", None),
        ("11.0.2.1", "Belgium"),
        ("11.0.3.1", None),
        ("11.0.4.1", "Belgium"),
        ("11.0.5.1", "Belgium"),
        ("11.0.6.1", None),
        ("11.0.7.1", None),
    ],
)
def test_of_an_odd_row_as_much_is_said_as_can_be_read(
    places: PlaceDatabase, address: str, english: str | None
) -> None:
    assert places.find(address).get("en") == english


def test_without_a_database_nobody_is_anywhere() -> None:
    assert open_places(Settings()).find("9.9.9.9") == {}


def test_an_empty_setting_is_no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTHN_PLACE_DATABASE", "")
    assert open_places(Settings()).database is None


@pytest.mark.parametrize("content", [None, b"", b"no database", b"\xab\xcd\xefMaxMind.com"])
def test_a_file_that_is_no_database_is_refused_at_start(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "places.mmdb"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CommandError, match=r"AUTHN_PLACE_DATABASE"):
        open_places(Settings(place_database=path))


def test_a_damaged_database_knows_nothing_and_breaks_nothing(tmp_path: Path) -> None:
    path = written(tmp_path)
    content = bytearray(path.read_bytes())
    end_of_tree = content.find(b"\x00" * 16)
    content[end_of_tree:-400] = b"\xff" * len(content[end_of_tree:-400])
    path.write_bytes(content)
    damaged = open_places(Settings(place_database=path))
    assert damaged.find("9.9.9.9") == {}


@given(st.text(max_size=60))
def test_what_is_no_address_is_none(text: str) -> None:
    address = read_address(text)
    assert address is None or str(address)
    assert PlaceDatabase().find(text) == {}
    network_hash(KEYS, text, "a")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("9.9.9.9", "9.9.9.9", True),
        ("9.9.9.9", "::ffff:9.9.9.9", True),
        ("9.9.9.9", "9.9.9.10", False),
        ("192.168.1.2", "192.168.1.2", True),
        ("2a02:a03f:1:2::1", "2a02:a03f:1:2:ffff::9", True),
        ("2a02:a03f:1:2::1", "2a02:a03f:1:3::1", False),
        ("2a02:a03f:1:2::1", "9.9.9.9", None),
        ("testclient", "testclient", None),
    ],
)
def test_the_same_network_is_an_address_or_a_64(one: str, other: str, same: bool | None) -> None:
    hashes = [network_hash(KEYS, address, "invitation") for address in (one, other)]
    assert same_network(*hashes) is same


def test_a_network_hash_tells_nothing_without_the_key_or_of_another_subject() -> None:
    kept = network_hash(KEYS, "9.9.9.9", "a")
    assert kept is not None
    assert "9.9.9.9" not in kept
    assert kept != network_hash(KEYS, "9.9.9.9", "b")
    others = Secrets(b"m" * 32, b"n" * 32, b"x" * 32, b"a" * 32)
    assert kept != network_hash(others, "9.9.9.9", "a")
