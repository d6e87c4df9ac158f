"""Whether a true statement is also trusted: §7.1 steps 23 and 24
(https://www.w3.org/TR/webauthn-3/#sctn-registering-a-new-credential).

The trust anchors are those of the FIDO metadata's entry for this very model; what ends elsewhere is
worth as much as no attestation.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from webauthn.helpers.known_root_certs import (
    apple_webauthn_root_ca,
    google_hardware_attestation_root_2,
    google_hardware_attestation_root_5,
)

from authn.web.site import Site
from authn.webauthn.attestation.statement import AttestationStatement
from authn.webauthn.attestation.trust import ANDROID, APPLE, verify_attestation
from authn.webauthn.metadata.current import current_metadata
from authn.webauthn.policy import key_level
from tests.attestation import (
    AAGUID_EXTENSION,
    FORMATS,
    PACKED_SUBJECT,
    RS1,
    Maker,
    maker_authority,
    maker_root,
)
from tests.authenticator import RS256
from tests.citizen import activation_code
from tests.conftest import MovableClock
from tests.fido_metadata import Certified, certify, entry, install, signed_blob
from tests.webauthn.attestation.enrolment import (
    BRINGS_ITS_OWN_ROOT,
    LATER,
    ON_SQLITE,
    OTHER_KEY,
    OTHER_MODEL,
    PAST,
    Enrolment,
    attestation_of_the_device,
    authority,
    known,
    maker_of,
    nobodys_authority,
    other_root,
    under,
)
from tests.webauthn.test_registration import stored

pytestmark = pytest.mark.thorough


@pytest.mark.parametrize("format_", FORMATS)
def test_a_device_of_each_format_is_attested_and_signs_in(
    site: Site, enrolment: Enrolment, format_: str
) -> None:
    maker = maker_of(format_)
    known(site, maker)
    assert enrolment.register(maker).status_code == 200
    assert attestation_of_the_device(site) == (format_, True)
    [device] = stored(site)
    assert (device.attestation_key_id is not None) == (format_ == "fido-u2f")
    model = current_metadata(site).model(device.aaguid, device.attestation_key_id)
    assert model is not None
    assert (model.name, key_level(device, model)) == ("Key One", "certified")
    assert enrolment.screen.sign_in().status_code == 200


@ON_SQLITE
@pytest.mark.parametrize("signed_with", [RS256, RS1])
def test_a_tpm_certifies_a_key_of_rsa_too(
    site: Site, enrolment: Enrolment, signed_with: int
) -> None:
    known(site, maker_of("tpm"))
    maker = maker_of("tpm", algorithm=signed_with)
    assert enrolment.register(maker, algorithm=RS256).status_code == 200
    assert attestation_of_the_device(site) == ("tpm", True)


TRUSTED: dict[str, Maker] = {
    "no extension with an AAGUID": Maker("packed", extensions={AAGUID_EXTENSION: None}),
    "the root is in x5c as well": Maker("packed", x5c=lambda x5c: [*x5c, maker_root().der]),
    "an RSA attestation key": Maker(
        "packed",
        certified=rsa.generate_private_key(public_exponent=65537, key_size=2048),
    ),
}


@ON_SQLITE
@pytest.mark.parametrize("maker", TRUSTED.values(), ids=TRUSTED)
def test_what_is_as_good(site: Site, enrolment: Enrolment, maker: Maker) -> None:
    known(site, maker)
    assert enrolment.register(maker).status_code == 200
    assert attestation_of_the_device(site) == ("packed", True)


@ON_SQLITE
def test_an_anchor_may_be_an_intermediate(site: Site, enrolment: Enrolment) -> None:
    known(site, Maker("packed"), roots=[maker_authority().der])
    assert enrolment.register(Maker("packed")).status_code == 200
    assert attestation_of_the_device(site) == ("packed", True)


@ON_SQLITE
@pytest.mark.parametrize("self_signed", [True, False])
def test_an_anchor_may_be_the_attestation_certificate_itself(
    site: Site, enrolment: Enrolment, self_signed: bool
) -> None:
    leaf = Maker("packed", self_issued=self_signed).chain(OTHER_KEY, PACKED_SUBJECT, [])[0]
    maker = Maker("packed", certified=OTHER_KEY, x5c=lambda _: [leaf])
    known(site, maker, roots=[b"not a certificate", leaf])
    assert enrolment.register(maker).status_code == 200
    assert attestation_of_the_device(site) == ("packed", True)


@ON_SQLITE
def test_an_anchor_that_is_an_attestation_certificate_vouches_for_no_other(
    site: Site, enrolment: Enrolment
) -> None:
    """It is no authority: what its key signs is not certified by it."""
    leaf = certify("A Leaf", maker_root(), authority=False)
    maker = Maker("packed", issuers=(leaf, maker_root()))
    known(site, maker, roots=[leaf.der])
    assert enrolment.register(maker).status_code == 200
    assert attestation_of_the_device(site) == ("packed", False)


@ON_SQLITE
@pytest.mark.parametrize(
    ("root", "aaguid", "format_"),
    [
        (apple_webauthn_root_ca, APPLE, "apple"),
        (google_hardware_attestation_root_2, ANDROID, "android-key"),
        (google_hardware_attestation_root_5, ANDROID, "android-key"),
    ],
    ids=["Apple", "Google's old one", "Google's new one"],
)
def test_vendors_roots_are_known_without_metadata_for_their_own_models_and_format(
    site: Site, root: bytes, aaguid: UUID, format_: str
) -> None:
    """Nobody but the vendor can make a chain below them: the root stands for one here."""
    x5c = (x509.load_pem_x509_certificate(root).public_bytes(Encoding.DER),)
    empty = replace(current_metadata(site), by_aaguid={}, by_key_id={})

    def attested(format_: str, aaguid: UUID) -> bool:
        statement = AttestationStatement(format_, aaguid, x5c, b"")
        return verify_attestation(statement, empty, site.clock()).attested

    assert attested(format_, aaguid)
    assert not attested("packed", aaguid)
    assert not attested(format_, OTHER_MODEL)


def deep_chain() -> Sequence[Certified]:
    """A certificate that is no authority's, under one that is, with the leaf below it."""
    above = certify("Above", maker_root(), authority=True)
    end = certify("Test Maker Authority", above, authority=False)
    return end, above, maker_root()


UNTRUSTED: dict[str, dict[str, Any]] = {
    "another root": {"issuers": under(nobodys_authority())},
    "self-signed": {"self_issued": True},
    "self-signed root in x5c": BRINGS_ITS_OWN_ROOT,
    "expired": {"end": PAST},
    "not yet valid": {"begin": LATER},
    "no link in between": {"x5c": lambda x5c: x5c[:1]},
    "the wrong link in between": {"x5c": lambda x5c: [x5c[0], nobodys_authority().der]},
    "an authority that is none": {"issuers": under(authority(authority=False))},
    "an authority without basic constraints": {
        "issuers": under(authority(basic_constraints=False))
    },
    "an authority that may not sign certificates": {
        "issuers": under(authority(key_cert_sign=False))
    },
    "an authority that is over": {"issuers": under(authority(end=PAST))},
    "an authority that is to come": {"issuers": under(authority(begin=LATER))},
    "two authorities, the lower none": {"issuers": deep_chain()},
    "an unknown critical extension": {
        "extensions": {
            x509.ObjectIdentifier("1.2.3.4"): (
                x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"),
                True,
            )
        }
    },
}


@ON_SQLITE
@pytest.mark.parametrize("format_", ["packed", "tpm"])
@pytest.mark.parametrize("wrong", UNTRUSTED.values(), ids=UNTRUSTED)
def test_a_chain_that_does_not_end_at_the_makers_root_vouches_for_nothing(
    site: Site, enrolment: Enrolment, format_: str, wrong: dict[str, Any]
) -> None:
    maker = maker_of(format_, **wrong)
    known(site, maker, roots=[maker_root().der])
    assert enrolment.register(maker).status_code == 200
    assert attestation_of_the_device(site) == (format_, False)


@ON_SQLITE
@pytest.mark.parametrize("format_", ["packed", "tpm", "android-key", "fido-u2f"])
def test_a_root_that_the_metadata_does_not_name_vouches_for_nothing(
    site: Site, enrolment: Enrolment, format_: str
) -> None:
    known(site, maker_of(format_), roots=[other_root().der])
    assert enrolment.register(maker_of(format_)).status_code == 200
    assert attestation_of_the_device(site) == (format_, False)


@ON_SQLITE
@pytest.mark.parametrize("format_", ["packed", "tpm", "android-key", "fido-u2f"])
def test_a_model_that_the_metadata_does_not_know_is_not_vouched_for(
    site: Site, enrolment: Enrolment, format_: str
) -> None:
    """The same root is that of another model: it is none of this one."""
    install(site, signed_blob([entry("Another", OTHER_MODEL, roots=[maker_root().der])]))
    assert enrolment.register(maker_of(format_)).status_code == 200
    assert attestation_of_the_device(site) == (format_, False)


@ON_SQLITE
@pytest.mark.parametrize("aaguid", [ANDROID, APPLE], ids=["Android", "Apple"])
def test_a_model_of_one_format_is_not_vouched_for_in_another(
    site: Site, enrolment: Enrolment, aaguid: UUID
) -> None:
    """Android's entry lists the web's own authorities as well, for a format that is retired."""
    install(site, signed_blob([entry("A phone", aaguid, roots=[maker_root().der])]))
    assert enrolment.register(Maker("packed"), aaguid=aaguid).status_code == 200
    assert attestation_of_the_device(site) == ("packed", False)


@ON_SQLITE
@pytest.mark.parametrize(
    ("aaguid", "format_"), [(ANDROID, "android-key"), (APPLE, "apple")], ids=["Android", "Apple"]
)
def test_a_vendors_model_is_vouched_for_by_the_roots_in_its_entry(
    site: Site, enrolment: Enrolment, aaguid: UUID, format_: str
) -> None:
    roots = [b"not a certificate", maker_root().der]
    install(site, signed_blob([entry("A phone", aaguid, roots=roots)]))
    assert enrolment.register(Maker(format_), aaguid=aaguid).status_code == 200
    assert attestation_of_the_device(site) == (format_, True)


ENDS, BEGINS = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)


@ON_SQLITE
@pytest.mark.parametrize(
    ("days", "dates", "attested"),
    [
        (0, {"end": ENDS}, True),
        (90, {"end": ENDS}, False),
        (0, {"begin": BEGINS}, False),
        (90, {"begin": BEGINS}, True),
    ],
)
def test_dates_are_those_of_the_services_clock(
    site: Site,
    enrolment: Enrolment,
    clock: MovableClock,
    days: int,
    dates: dict[str, datetime],
    attested: bool,
) -> None:
    """It stands at 2 March 2026, whatever day it is for the machine."""
    maker = maker_of("packed", **dates)
    known(site, maker)
    clock.advance(days=days)
    _, code = activation_code(site)
    enrolment.token = enrolment.screen.activate(code)
    assert enrolment.register(maker).status_code == 200
    assert attestation_of_the_device(site) == ("packed", attested)
