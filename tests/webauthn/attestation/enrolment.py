"""Somebody who enrols an authenticator that attests, and authorities that nobody trusts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from httpx2 import Response

from authn.web.site import Site
from tests.attestation import (
    MODEL,
    Maker,
    maker_root,
)
from tests.authenticator import ES256, NO_MODEL, Authenticator
from tests.citizen import ORIGIN, Screen
from tests.fido_metadata import Certified, certify, entry, install, signed_blob
from tests.screens import ceremony
from tests.webauthn.test_registration import stored

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""What only parses and refuses needs no second engine."""

PAST, LATER = datetime(2021, 1, 1, tzinfo=UTC), datetime(2038, 1, 1, tzinfo=UTC)
OTHER_KEY = ec.generate_private_key(ec.SECP256R1())
OTHER_MODEL = UUID("a77e57ed-0000-4000-8000-000000000002")


def maker_of(format_: str, **wrong: Any) -> Maker:
    """A maker whose statements are true, but for what is said to be wrong."""
    if format_ == "fido-u2f":  # its one certificate has no authority between it and the root
        wrong = {"issuers": (maker_root(),), **wrong}
    return Maker(format_, **wrong)


def aaguid_of(maker: Maker) -> UUID:
    """That of the model; FIDO U2F has none."""
    return NO_MODEL if maker.format == "fido-u2f" else MODEL


def known(site: Site, maker: Maker, roots: Sequence[bytes] | None = None, **more: Any) -> None:
    """The metadata has an entry for the maker's model."""
    described = entry(
        "Key One",
        None if maker.format == "fido-u2f" else MODEL,
        roots=[maker.root.der] if roots is None else roots,
        key_ids=[maker.attestation_key_id()] if maker.format == "fido-u2f" else (),
        **more,
    )
    install(site, signed_blob([described]))


@dataclass(slots=True)
class Enrolment:
    """A screen on which a right code was typed."""

    screen: Screen
    token: str

    def register(self, maker: Maker | None, **lies: Any) -> Response:
        """The answer to the registration of an authenticator of this maker."""
        if maker and "aaguid" not in lies:
            lies["aaguid"] = aaguid_of(maker)
        aaguid = lies.pop("aaguid", MODEL)
        algorithm = lies.pop("algorithm", ES256)
        self.screen.authenticator = Authenticator(aaguid=aaguid, algorithm=algorithm, attests=maker)
        options = ceremony(self.screen, "/activate/options", {"enrolment": self.token})
        credential = self.screen.authenticator.create(options, ORIGIN, **lies)
        content = {
            "enrolment": self.token,
            "ceremony": options["ceremony"],
            "credential": credential,
            "client_extension_results": credential["clientExtensionResults"],
        }
        return self.screen.post_json("/activate/registration", content)


def attestation_of_the_device(site: Site) -> tuple[str, bool]:
    """Format and trust, as stored of the only device."""
    [device] = stored(site)
    return device.attestation_format, device.attested


@cache
def other_root() -> Certified:
    """Of the same name as the maker's root, with a key of its own."""
    return certify("Test Maker Root", None, authority=True)


def under(authority: Certified) -> Sequence[Certified]:
    """Authority and root, whether the one belongs to the other or not."""
    return authority, maker_root()


def authority(**wrong: Any) -> Certified:
    """One under the maker's root, with something wrong (see `certify`)."""
    return certify("Test Maker Authority", maker_root(), **{"authority": True, **wrong})


@cache
def nobodys_authority() -> Certified:
    """Of the right name; the other root's key signed it."""
    return certify("Test Maker Authority", other_root(), authority=True)


BRINGS_ITS_OWN_ROOT: dict[str, Any] = {
    "issuers": (nobodys_authority(), other_root()),
    "x5c": lambda x5c: [*x5c, other_root().der],
}
"""A whole chain, in x5c, up to a self-signed root that only the client knows."""
