"""Test vectors of the specification itself (https://www.w3.org/TR/webauthn-3/#sctn-test-vectors).

Of its fourteen registrations those that this service asks for: a key of ES256, none, self and full
attestation in the format `packed`. Its TPM has a manufacturer that doesn't exist, its Android
statement no root, and its other keys are of algorithms that aren't asked for.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.secrets import read_token, sign_token
from authn.settings import Settings
from authn.web.site import Site
from authn.webauthn.challenges import LIFETIME
from tests.authenticator import base64url
from tests.citizen import Screen, activation_code
from tests.fido_metadata import entry, install, signed_blob, with_test_root
from tests.screens import ceremony, events, problem
from tests.webauthn.test_registration import stored

pytestmark = [pytest.mark.thorough, pytest.mark.one_engine]

ORIGIN = "https://example.org"


@dataclass(frozen=True, slots=True)
class Vector:
    """A registration of the specification; all hexadecimal."""

    challenge: str
    credential_id: str
    client_data_json: str
    attestation_object: str


# §16.1: the certificate of the vectors' own attestation authority
AUTHORITY = (
    "30820207308201ada003020102021100ed7f905d8bd0b414d1784913170a90b6300a06082a8648ce3d04030230"
    "62311e301c06035504030c15576562417574686e207465737420766563746f7273310c300a060355040a0c0357"
    "334331253023060355040b0c1c41757468656e74696361746f72204174746573746174696f6e204341310b3009"
    "0603550406130241413020170d3234303130313030303030305a180f33303234303130313030303030305a3062"
    "311e301c06035504030c15576562417574686e207465737420766563746f7273310c300a060355040a0c035733"
    "4331253023060355040b0c1c41757468656e74696361746f72204174746573746174696f6e204341310b300906"
    "03550406130241413059301306072a8648ce3d020106082a8648ce3d030107034200043269300e5ff7b699015f"
    "70cf80a8763bf705bc2e2af0c1b39cff718b7c35880ca30f319078d91b03389a006fdfc8a1dcd84edfa07d30aa"
    "13474a248a0dab5baaa3423040300f0603551d130101ff040530030101ff300e0603551d0f0101ff0404030201"
    "06301d0603551d0e0416041445aff715b0dd786741fee996ebc16547a3931b1e300a06082a8648ce3d04030203"
    "480030450220483063b6bb08dcc83da33a02c11d2f42203176893554d138c614a36908724cc8022100f5ef2c91"
    "2d4500b3e2f5b591d0622491e9f220dfd1f9734ec484bb7e90887663"
)
NONE_ES256 = Vector(
    challenge="00c30fb78531c464d2b6771dab8d7b603c01162f2fa486bea70f283ae556e130",
    credential_id="f91f391db4c9b2fde0ea70189cba3fb63f579ba6122b33ad94ff3ec330084be4",
    client_data_json=(
        "7b2274797065223a22776562617574686e2e637265617465222c226368616c6c656e6765223a22414d4d507434"
        "557878475453746e63647134313759447742466938767049612d7077386f4f755657345441222c226f72696769"
        "6e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c73652c"
        "22657874726144617461223a22636c69656e74446174614a534f4e206d617920626520657874656e6465642077"
        "697468206164646974696f6e616c206669656c647320696e20746865206675747572652c207375636820617320"
        "746869733a20426b5165446a646354427258426941774a544c453551227d"
    ),
    attestation_object=(
        "a363666d74646e6f6e656761747453746d74a068617574684461746158a4bfabc37432958b063360d3ad6461c9"
        "c4735ae7f8edd46592a5e0f01452b2e4b559000000008446ccb9ab1db374750b2367ff6f3a1f0020f91f391db4"
        "c9b2fde0ea70189cba3fb63f579ba6122b33ad94ff3ec330084be4a5010203262001215820afefa16f97ca9b2d"
        "23eb86ccb64098d20db90856062eb249c33a9b672f26df61225820930a56b87a2fca66334b03458abf879717c1"
        "2cc68ed73290af2e2664796b9220"
    ),
)
PACKED_SELF_ES256 = Vector(
    challenge="7869c2b772d4b58eba9378cf8f29e26cf935aa77df0da89fa99c0bdc0a76f7e5",
    credential_id="455ef34e2043a87db3d4afeb39bbcb6cc32df9347c789a865ecdca129cbef58c",
    client_data_json=(
        "7b2274797065223a22776562617574686e2e637265617465222c226368616c6c656e6765223a2265476e437433"
        "4c55745936366b336a506a796e6962506b31716e666644616966715a774c33417032392d55222c226f72696769"
        "6e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c73652c"
        "22657874726144617461223a22636c69656e74446174614a534f4e206d617920626520657874656e6465642077"
        "697468206164646974696f6e616c206669656c647320696e20746865206675747572652c207375636820617320"
        "746869733a205539685458764b453255526b4d6e625f307859485667227d"
    ),
    attestation_object=(
        "a363666d74667061636b65646761747453746d74a263616c672663736967584630440220067a20754ab925005d"
        "bf378097c92120031581c73228d1fb4f5b881bcd7da98302207fc7b147558c7c0eba3af18bd9d121fa3d3a26d1"
        "7fe3f220272178f473b6006d68617574684461746158a4bfabc37432958b063360d3ad6461c9c4735ae7f8edd4"
        "6592a5e0f01452b2e4b55d00000000df850e09db6afbdfab51697791506cfc0020455ef34e2043a87db3d4afeb"
        "39bbcb6cc32df9347c789a865ecdca129cbef58ca5010203262001215820eb151c8176b225cc651559fecf07af"
        "450fd85802046656b34c18f6cf193843c5225820927b8aa427a2be1b8834d233a2d34f61f13bfd44119c325d58"
        "96e183fee484f2"
    ),
)
PACKED_ES256 = Vector(
    challenge="c1184a5fddf8045e13dc47f54b61f5a656b666b59018f16d870e9256e9952012",
    credential_id="c9a6f5b3462d02873fea0c56862234f99f081728084e511bb7760201a89054a5",
    client_data_json=(
        "7b2274797065223a22776562617574686e2e637265617465222c226368616c6c656e6765223a227752684b5839"
        "3334424634543345663153324831706c61325a725751475046746877365356756d56494249222c226f72696769"
        "6e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c73652c"
        "22657874726144617461223a22636c69656e74446174614a534f4e206d617920626520657874656e6465642077"
        "697468206164646974696f6e616c206669656c647320696e20746865206675747572652c207375636820617320"
        "746869733a20396138624e596a4b436757724258552d66436c316167227d"
    ),
    attestation_object=(
        "a363666d74667061636b65646761747453746d74a363616c6726637369675847304502203f19ec4b229f46ab8c"
        "45eff29b904ff10c0390dc40bf1216f04a78f4ceba3425022100fe7041a32759aff05a0f9f26c70a999c7a2844"
        "51ba89234a1d3483c25e21925b637835638159022530820221308201c8a00302010202110088c220f83c8ef1fe"
        "afe94deae45faad0300a06082a8648ce3d0403023062311e301c06035504030c15576562417574686e20746573"
        "7420766563746f7273310c300a060355040a0c0357334331253023060355040b0c1c41757468656e7469636174"
        "6f72204174746573746174696f6e204341310b30090603550406130241413020170d3234303130313030303030"
        "305a180f33303234303130313030303030305a305f311e301c06035504030c15576562417574686e2074657374"
        "20766563746f7273310c300a060355040a0c0357334331223020060355040b0c1941757468656e74696361746f"
        "72204174746573746174696f6e310b30090603550406130241413059301306072a8648ce3d020106082a8648ce"
        "3d03010703420004a91ba4389409dd38a428141940ca8feb1ac0d7b4350558104a3777a49322f3798440f378b3"
        "398ab2d3bb7bf91322c92eb23556f59ad0a836fec4c7663b0e4dc3a360305e300c0603551d130101ff04023000"
        "300e0603551d0f0101ff040403020780301d0603551d0e04160414a589ba72d060842ab11f74fb246bdedab16f"
        "9b9b301f0603551d2304183016801445aff715b0dd786741fee996ebc16547a3931b1e300a06082a8648ce3d04"
        "0302034700304402201726b9d85ecd8a5ed51163722ca3a20886fd9b242a0aa0453d442116075defd502207ef4"
        "71e530ac87961a88a7f0d0c17b091ffc6b9238d30f79f635b417be5910e768617574684461746158a4bfabc374"
        "32958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b54d00000000876ca4f52071c3e9b25509ef"
        "2cdf7ed60020c9a6f5b3462d02873fea0c56862234f99f081728084e511bb7760201a89054a5a5010203262001"
        "2158201cf27f25da591208a4239c2e324f104f585525479a29edeedd830f48e77aeae522582059e4b7da6c0106"
        "e206ce390c93ab98a15a5ec3887e57f0cc2bece803b920c423"
    ),
)
MODEL = UUID("876ca4f5-2071-c3e9-b255-09ef2cdf7ed6")


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    """A service at the vectors' origin that asks for attestation."""
    here = settings.model_copy(update={"issuer": ORIGIN, "staff_policy": "certified"})
    return with_test_root(here, tmp_path)


@pytest.fixture
def screen(app: Starlette) -> Iterator[Screen]:
    with TestClient(app, base_url=ORIGIN, follow_redirects=False) as client:
        yield Screen(client, origin=ORIGIN)


def answer(site: Site, screen: Screen, vector: Vector) -> Any:
    """What the service says to the vector's response, as if it had sent the vector's challenge."""
    _, code = activation_code(site)
    token = screen.activate(code)
    options = ceremony(screen, "/activate/options", {"enrolment": token})
    purpose, now = "ceremony:registration", site.clock()
    content = dict(read_token(site.secrets, purpose, options["ceremony"], now))
    content["challenge"] = base64url(bytes.fromhex(vector.challenge))
    credential_id = base64url(bytes.fromhex(vector.credential_id))
    credential = {
        "id": credential_id,
        "rawId": credential_id,
        "type": "public-key",
        "response": {
            "clientDataJSON": base64url(bytes.fromhex(vector.client_data_json)),
            "attestationObject": base64url(bytes.fromhex(vector.attestation_object)),
        },
    }
    body = {
        "enrolment": token,
        "ceremony": sign_token(site.secrets, purpose, content, now, LIFETIME),
        "credential": credential,
    }
    return screen.post_json("/activate/registration", body)


def test_none_verifies_and_lacks_user_verification(site: Site, screen: Screen) -> None:
    refused = answer(site, screen, NONE_ES256)
    assert problem(refused) == "refused-by-policy"
    assert events(site)[-1] == ("device.refused", "user not verified")


def test_packed_self_attestation(site: Site, screen: Screen) -> None:
    assert answer(site, screen, PACKED_SELF_ES256).status_code == 200
    [device] = stored(site)
    assert device.credential_id == bytes.fromhex(PACKED_SELF_ES256.credential_id)
    assert (device.attestation_format, device.attested) == ("packed", False)


@pytest.mark.parametrize("known", [True, False])
def test_packed_attestation(site: Site, screen: Screen, known: bool) -> None:
    roots = [bytes.fromhex(AUTHORITY)] if known else []
    install(site, signed_blob([entry("Test vectors", MODEL, roots=roots)]))
    assert answer(site, screen, PACKED_ES256).status_code == 200
    [device] = stored(site)
    assert (device.aaguid, device.attested) == (MODEL, known)


@pytest.mark.parametrize("at", range(0, 2000, 97))
def test_a_vector_with_one_bit_changed_is_refused_or_not_attested(
    site: Site, screen: Screen, at: int
) -> None:
    whole = bytearray.fromhex(PACKED_ES256.attestation_object)
    whole[at % len(whole)] ^= 0x01
    install(site, signed_blob([entry("Test vectors", MODEL, roots=[bytes.fromhex(AUTHORITY)])]))
    changed = Vector(
        PACKED_ES256.challenge,
        PACKED_ES256.credential_id,
        PACKED_ES256.client_data_json,
        whole.hex(),
    )
    assert answer(site, screen, changed).status_code in (200, 400)
    assert not any(device.attested for device in stored(site))
