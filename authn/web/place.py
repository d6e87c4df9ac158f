"""From where a browser reaches us, roughly: a city and a country in words, or the same network.

An address is looked at while its request is answered and stored nowhere; what two requests have in
common is found by a keyed hash of the network. The words come from a database of the operator's own
in MaxMind's format (https://maxmind.github.io/MaxMind-DB/), whose rows may be wrong or odd: what
can't be read is no place.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import Any

import maxminddb
from babel import Locale

from authn.errors import CommandError
from authn.secrets import Secrets, derived_token
from authn.settings import Settings
from authn.web.languages import LANGUAGES, SOURCE_LANGUAGE

LONGEST_PLACE = 60  # characters of one place in words
NETWORK_OF_IPV4 = 32  # bits: a home has one address
NETWORK_OF_IPV6 = 64  # bits: what a home or an office is given (RFC 4291 §2.5.4)

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class PlaceDatabase:
    """Where an address is, as far as the operator's database knows; without one, nowhere."""

    database: maxminddb.Reader | None = None

    def find(self, address: str) -> dict[str, str]:
        """`Gent, België` in each of our languages; empty when nothing is known.

        An address of a private network, or of this machine, is nowhere.
        """
        parsed = read_address(address)
        if self.database is None or parsed is None or not parsed.is_global:
            return {}
        try:
            row = self.database.get(parsed)
        except (ValueError, maxminddb.InvalidDatabaseError):
            return {}  # IPv6 in a database of IPv4, or a database that is damaged
        places = {language: _in_words(row, language) for language in LANGUAGES}
        return places if all(places.values()) else {}


def open_places(settings: Settings) -> PlaceDatabase:
    """The operator's database, opened once; raises `CommandError` when it can't be read."""
    path = settings.place_database
    if path in (None, Path()):
        return PlaceDatabase()
    try:
        return PlaceDatabase(maxminddb.open_database(str(path)))
    except (OSError, maxminddb.InvalidDatabaseError):
        raise CommandError(
            f"The database of places {path} cannot be read: set AUTHN_PLACE_DATABASE to a .mmdb "
            "file, or to nothing."
        ) from None


def read_address(address: str) -> Address | None:
    """An IP address; an IPv4 one that is written as IPv6 is IPv4. None for anything else."""
    try:
        parsed = ip_address(address.partition("%")[0])  # without a zone (RFC 4007 §11)
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed


def network_hash(secrets: Secrets, address: str, subject: str) -> str | None:
    """What is kept of an address, to tell for this subject alone whether two are neighbours.

    Keyed: nobody tries all addresses on a dump of the database. None for what is no address.
    """
    parsed = read_address(address)
    if parsed is None:
        return None
    bits = NETWORK_OF_IPV6 if parsed.version == 6 else NETWORK_OF_IPV4
    network = ip_network(f"{parsed}/{bits}", strict=False)
    return f"{parsed.version}:{derived_token(secrets, 'network', f'{subject} {network}')}"


def same_network(one: str | None, other: str | None) -> bool | None:
    """Whether two hashes are of one network: an equal IPv4 address, or an IPv6 /64.

    None when that can't be told: one of them is not known, or they are of two versions, and a home
    has a network of each.
    """
    if one is None or other is None or one[0] != other[0]:
        return None
    return one == other


def _in_words(row: Any, language: str) -> str:
    """`Gent, België`, or the country alone; "" when not even that is known."""
    country = _country(_member(row, "country").get("iso_code"), language)
    names = _member(_member(row, "city"), "names")
    city = names.get(language) or names.get(SOURCE_LANGUAGE)
    if not country or not isinstance(city, str) or not city.isprintable():
        return country
    words = f"{city}, {country}"
    return words if len(words) <= LONGEST_PLACE else country


def _member(row: Any, name: str) -> Mapping[str, Any]:
    value = row.get(name) if isinstance(row, dict) else None
    return value if isinstance(value, dict) else {}


def _country(code: Any, language: str) -> str:
    """A country in words, from Babel: such databases lack Dutch."""
    territories = Locale.parse(language).territories
    name = territories.get(code, "") if isinstance(code, str) else ""
    return name if len(name) <= LONGEST_PLACE else ""
