"""The entries of a metadata BLOB: what its payload says of each model of authenticators.

FIDO Metadata Service v3.1 §3.1
(https://fidoalliance.org/specs/mds/fido-metadata-service-v3.1-ps-20250521.html). An entry that
lacks members is taken as far as it goes; an element that isn't an entry is skipped and counted.

Why a report of compromise is not undone by a later one: the specification means an
UPDATE_AVAILABLE, or a later certification, to answer the reports before it. That is true of
authenticators that were updated, but an assertion doesn't tell its firmware's version: a key that
was not updated looks the same. So every report in effect counts, until the Service takes it out of
the entry, or the operator takes its status out of the prohibited ones. The order of the reports
therefore doesn't matter, and it can't: the published entries aren't ordered.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal
from uuid import UUID

from authn.webauthn.metadata.large_json import read_large

NO_AAGUID = UUID(int=0)
LONGEST_NAME = 200
LARGEST_CERTIFICATE = 16 * 1024
MOST_OF_EACH = 200  # reports, roots and key identifiers of one entry
LARGEST_ICON = 88 * 1024  # of its data: URL; decoded it is at most 64 kB

Source = Literal["package", "operator"]

_STATUS = re.compile(r"[A-Za-z0-9_]{1,60}")
_KEY_ID = re.compile(r"[0-9a-f]{40}")


class UnreadableMetadata(Exception):
    """A payload is no metadata BLOB payload; one odd entry alone never raises this."""


@dataclass(frozen=True, slots=True)
class MetadataModel:
    """A model of authenticators, as the metadata describes the model on one day.

    `statuses` are those in effect, for it and against it, such as FIDO_CERTIFIED_L1 or REVOKED;
    `roots` are the certificates (DER) in which its attestations end: authorities, or the
    attestation certificates themselves; `attestation_types` are "basic_full", "basic_surrogate"
    (self attestation), "attca", "anonca", "ecdaa" or "none".
    """

    name: str
    statuses: frozenset[str]
    roots: tuple[bytes, ...]
    attestation_types: frozenset[str]


@dataclass(frozen=True, slots=True)
class MetadataEntry:
    """The kept members of an entry of the metadata.

    `reports` are statuses and since when, None for always. `icon` is a data: URL as it came, ""
    for none.
    """

    name: str
    reports: tuple[tuple[str, date | None], ...]
    roots: tuple[bytes, ...]
    attestation_types: frozenset[str]
    icon: str

    def model_on(self, day: date) -> MetadataModel:
        """The model on this day, with the statuses in effect."""
        statuses = [status for status, since in self.reports if since is None or since <= day]
        return MetadataModel(self.name, frozenset(statuses), self.roots, self.attestation_types)


@dataclass(frozen=True, slots=True)
class Metadata:
    """The content of a BLOB, on one day.

    FIDO2 models are found by AAGUID, those of FIDO U2F by key identifier. `skipped` counts the
    entries that could not be read.
    """

    number: int
    next_update: date
    source: Source
    day: date
    by_aaguid: Mapping[UUID, MetadataEntry]
    by_key_id: Mapping[str, MetadataEntry]
    skipped: int

    @property
    def stale(self) -> bool:
        """Whether a newer BLOB should have been imported."""
        return self.next_update < self.day

    def model(self, aaguid: UUID, attestation_key_id: str | None = None) -> MetadataModel | None:
        """The model with this AAGUID or key identifier; None when the metadata has no entry.

        `attestation_key_id` is the subject key identifier of a FIDO U2F attestation certificate,
        hexadecimal: only an authenticator without AAGUID is found by it.
        """
        if aaguid != NO_AAGUID:
            entry = self.by_aaguid.get(aaguid)
        else:
            entry = self.by_key_id.get(attestation_key_id or "")
        return entry.model_on(self.day) if entry else None


def read_metadata(payload: bytes | bytearray, source: Source, day: date) -> Metadata:
    """The metadata of a BLOB's payload; raises `UnreadableMetadata` without a number or a list."""
    reader = _Reader()
    try:
        members = read_large(payload, "entries", reader.add_entry)
    except ValueError:
        raise UnreadableMetadata("it is not a JSON object") from None
    if members is None:
        raise UnreadableMetadata("it has no list of entries")
    number, next_update = members.get("no"), _date(members.get("nextUpdate"))
    if type(number) is not int or not 0 <= number < 2**31:
        raise UnreadableMetadata("it has no number")
    if next_update is None:
        raise UnreadableMetadata("it doesn't say when the next one comes")
    return Metadata(
        number, next_update, source, day, reader.by_aaguid, reader.by_key_id, reader.skipped
    )


@dataclass(slots=True)
class _Reader:
    """Gathers the entries of a payload.

    The same certificate, and the same picture, is kept once: vendors have few for many models.
    """

    by_aaguid: dict[UUID, MetadataEntry] = field(default_factory=dict)
    by_key_id: dict[str, MetadataEntry] = field(default_factory=dict)
    certificates: dict[bytes, bytes] = field(default_factory=dict)
    icons: dict[str, str] = field(default_factory=dict)
    skipped: int = 0

    def add_entry(self, each: Any) -> None:
        """An element of the list is kept as far as it can be read, or skipped."""
        statement = each.get("metadataStatement") if isinstance(each, dict) else None
        if not isinstance(statement, dict):
            self.skipped += 1
            return
        entry = self._entry(each, statement)
        if aaguid := _aaguid(each) or _aaguid(statement):
            self.by_aaguid[aaguid] = _merge_entries(self.by_aaguid.get(aaguid), entry)
        for key_id in _key_ids(each) | _key_ids(statement):
            self.by_key_id[key_id] = _merge_entries(self.by_key_id.get(key_id), entry)

    def _entry(self, each: Mapping[str, Any], statement: Mapping[str, Any]) -> MetadataEntry:
        roots = [self.certificates.setdefault(der, der) for der in _certificates(statement)]
        types = _list(statement, "attestationTypes")
        icon = statement.get("icon")
        if not isinstance(icon, str) or len(icon) > LARGEST_ICON:
            icon = ""
        return MetadataEntry(
            name=_name(statement),
            reports=tuple(_reports(each)),
            roots=tuple(dict.fromkeys(roots)),
            attestation_types=frozenset(name for name in types if isinstance(name, str)),
            icon=self.icons.setdefault(icon, icon),
        )


def _merge_entries(first: MetadataEntry | None, second: MetadataEntry) -> MetadataEntry:
    """Of two entries for one model, the first with the reports of both."""
    if first is None:
        return second
    reports = tuple(dict.fromkeys((*first.reports, *second.reports)))
    return MetadataEntry(first.name, reports, first.roots, first.attestation_types, first.icon)


def _list(fields: Mapping[str, Any], name: str) -> list[Any]:
    value = fields.get(name)
    return value[:MOST_OF_EACH] if isinstance(value, list) else []


def _name(statement: Mapping[str, Any]) -> str:
    """The description: one line of visible characters, "" when there is none."""
    description = statement.get("description")
    if not isinstance(description, str):
        return ""
    line = " ".join(description[: 2 * LONGEST_NAME].split())[:LONGEST_NAME]
    return line if line.isprintable() else ""


def _reports(each: Mapping[str, Any]) -> Iterator[tuple[str, date | None]]:
    """§3.1.3: a report without a date is in effect as long as it is there."""
    for report in _list(each, "statusReports"):
        status = report.get("status") if isinstance(report, dict) else None
        if isinstance(status, str) and _STATUS.fullmatch(status):
            yield status, _date(report.get("effectiveDate"))


def _certificates(statement: Mapping[str, Any]) -> Iterator[bytes]:
    for text in _list(statement, "attestationRootCertificates"):
        if not isinstance(text, str) or len(text) > 2 * LARGEST_CERTIFICATE:
            continue
        try:
            # Without white space: the published ones are wrapped, some as PEM is.
            der = base64.b64decode("".join(text.split()), validate=True)
        except (ValueError, binascii.Error):
            continue
        if 0 < len(der) <= LARGEST_CERTIFICATE:
            yield der


def _key_ids(fields: Mapping[str, Any]) -> set[str]:
    texts = _list(fields, "attestationCertificateKeyIdentifiers")
    key_ids = {text.lower() for text in texts if isinstance(text, str)}
    return {key_id for key_id in key_ids if _KEY_ID.fullmatch(key_id)}


def _aaguid(fields: Mapping[str, Any]) -> UUID | None:
    text = fields.get("aaguid")
    try:
        aaguid = UUID(text) if isinstance(text, str) else NO_AAGUID
    except ValueError:
        return None
    return None if aaguid == NO_AAGUID else aaguid


def _date(value: object) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
