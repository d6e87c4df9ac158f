"""The registration ceremony (https://www.w3.org/TR/webauthn-3/#sctn-registering-a-new-credential).

The response is checked against every option that was sent: what a browser does with an option is a
suggestion to it, never a proof.
"""

from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from sqlalchemy import select
from starlette.testclient import TestClient

from authn.db.transaction import reading
from authn.devices.tables import Device, devices
from authn.web.site import Site
from authn.webauthn.tables import burnt_challenges
from tests.authenticator import (
    EDDSA,
    ES256,
    RS256,
    Authenticator,
    Credential,
    InvalidState,
    Lies,
    base64url,
)
from tests.citizen import HANNE, ORIGIN, Screen, activation_code, enrolled
from tests.patience import processor_seconds
from tests.screens import (
    add_here,
    answered,
    ceremony,
    created,
    device_in,
    events,
    everything,
    problem,
)
from tests.webauthn.test_authentication import OTHER_ORIGINS, UNVERIFIABLE, shared_values

pytestmark = pytest.mark.thorough

UNVERIFIABLE_HERE: dict[str, Lies] = {
    **{name: lie for name, lie in UNVERIFIABLE.items() if name != "wrong signature"},
    "another type": {"type": "webauthn.get"},
    "an algorithm that was not asked for": {"algorithm": -35},
    "the id of another credential": {"credential_id": b"another"},
    "no attestation object": {"attestation_object": b""},
    "garbage for an attestation object": {"attestation_object": b"\xff\x00"},
    "an attestation object that is no map": {"attestation_object": cbor2.dumps([1])},
    "an empty attestation object": {"attestation_object": cbor2.dumps({})},
    "authenticator data that are no bytes": {
        "attestation_object": cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": 1})
    },
    "a statement where there is none": {
        "attestation_object": cbor2.dumps({"fmt": "none", "attStmt": {"x": 1}, "authData": b""})
    },
}


def enrolment(site: Site, client: TestClient) -> tuple[Screen, str]:
    """A screen on which a right code was typed, and what that gave."""
    _, code = activation_code(site)
    screen = Screen(client)
    return screen, screen.activate(code)


def register(screen: Screen, token: str, origin: str = ORIGIN, **lies: Any) -> Any:
    options = ceremony(screen, "/activate/options", {"enrolment": token})
    credential = screen.authenticator.create(options, origin, **lies)
    content = {
        "enrolment": token,
        "ceremony": options["ceremony"],
        "credential": credential,
        "client_extension_results": credential["clientExtensionResults"],
    }
    return screen.post_json("/activate/registration", content)


def stored(site: Site) -> list[Device]:
    with reading(site.database) as connection:
        statement = select(devices).order_by(devices.c.added_at)
        return [Device(*row) for row in connection.execute(statement)]


def burnt(site: Site) -> int:
    with reading(site.database) as connection:
        return len(connection.execute(select(burnt_challenges)).all())


def test_what_we_ask(site: Site, client: TestClient) -> None:
    screen, token = enrolment(site, client)
    public_key = ceremony(screen, "/activate/options", {"enrolment": token})["publicKey"]
    assert public_key["rp"]["id"] == "localhost"
    assert public_key["user"]["name"] == public_key["user"]["displayName"] == HANNE_NAME
    assert [each["alg"] for each in public_key["pubKeyCredParams"]] == [ES256, EDDSA, RS256]
    assert public_key["authenticatorSelection"] == {
        "residentKey": "required",
        "requireResidentKey": True,
        "userVerification": "required",
    }
    assert public_key["attestation"] == "none"
    assert public_key["extensions"] == {"credProps": True}


HANNE_NAME = f"{HANNE.given_name} {HANNE.family_name}"


def test_no_national_number_is_in_it(site: Site, client: TestClient) -> None:
    screen, token = enrolment(site, client)
    options = screen.post_json("/activate/options", {"enrolment": token}).text
    assert HANNE.ssin not in options
    assert HANNE.ssin not in token


@pytest.mark.parametrize("algorithm", [ES256, EDDSA, RS256])
def test_a_device_of_each_algorithm_enrols_and_signs_in(
    site: Site, client: TestClient, algorithm: int
) -> None:
    screen, token = enrolment(site, client)
    screen.authenticator = Authenticator(algorithm=algorithm)
    assert register(screen, token).status_code == 200
    [device] = stored(site)
    assert device.algorithm == algorithm
    assert (device.rp_id, device.origin) == ("localhost", ORIGIN)
    assert screen.sign_in().status_code == 200


@pytest.mark.parametrize("lie", UNVERIFIABLE_HERE.values(), ids=UNVERIFIABLE_HERE)
def test_what_can_not_be_verified_is_refused_and_writes_nothing(
    site: Site, client: TestClient, lie: Lies
) -> None:
    screen, token = enrolment(site, client)
    before = everything(site)
    answer = register(screen, token, **lie)
    assert answer.status_code == 400
    assert problem(answer) in ("unverified-response", "invalid-response")
    assert everything(site) == before


@pytest.mark.parametrize("origin", OTHER_ORIGINS)
@pytest.mark.one_engine
def test_every_other_origin_is_refused(site: Site, client: TestClient, origin: str) -> None:
    screen, token = enrolment(site, client)
    before = everything(site)
    assert problem(register(screen, token, origin)) == "unverified-response"
    assert everything(site) == before


@pytest.mark.parametrize(
    ("lie", "reason"),
    [({"user_verified": False}, "user not verified"), ({"resident": False}, "not discoverable")],
    ids=["UV", "rk"],
)
def test_what_policy_refuses_is_burnt_on_record_and_may_be_tried_again(
    site: Site, client: TestClient, lie: Lies, reason: str
) -> None:
    screen, token = enrolment(site, client)
    answer = register(screen, token, **lie)
    assert (answer.status_code, problem(answer)) == (403, "refused-by-policy")
    assert events(site)[-1] == ("device.refused", reason)
    assert (stored(site), burnt(site)) == ([], 1)
    assert register(screen, token).status_code == 200


def test_a_browser_that_does_not_say_whether_the_key_is_kept_is_believed(
    site: Site, client: TestClient
) -> None:
    screen, token = enrolment(site, client)
    assert register(screen, token, resident=None).status_code == 200


def test_each_refusal_of_policy_has_its_own_words(site: Site, client: TestClient) -> None:
    screen, token = enrolment(site, client)
    first = register(screen, token, user_verified=False).json()["detail"]
    second = register(screen, token, resident=False).json()["detail"]
    assert first != second


def test_an_attestation_that_nobody_asked_for_is_not_looked_at(
    site: Site, client: TestClient
) -> None:
    screen, token = enrolment(site, client)
    answer = register(screen, token, attestation="packed", bad_signature=True)
    assert answer.status_code == 200
    assert screen.sign_in().status_code == 200


def key_of(algorithm: int, **changes: Any) -> bytes:
    """A COSE_Key with some labels changed; `x1` is label 1, `y1` label -1."""
    labels = {name: int(name[1:]) * (1 if name[0] == "x" else -1) for name in changes}
    authenticator = Authenticator(algorithm=algorithm)
    credential = authenticator._new_credential(
        {"pubKeyCredParams": [{"alg": algorithm}], "user": {"id": "AA"}}, "localhost", {}
    )
    key = cbor2.loads(credential.cose_key())
    return cbor2.dumps({**key, **{labels[name]: value for name, value in changes.items()}})


WRONG_KEYS = {
    "a point off its curve": key_of(ES256, y3=b"\x01" * 32),
    "ES256 on P-384": key_of(ES256, y1=2),
    "EdDSA with the type of ES256": key_of(ES256, x3=EDDSA),
    "ES256 with the type of EdDSA": key_of(EDDSA, x3=ES256),
    "Ed448": key_of(EDDSA, y1=7),
    "a short Ed25519 point": key_of(EDDSA, y2=b"\x01" * 31),
    "an RSA modulus of 1024 bits": key_of(RS256, y1=b"\xff" * 128),
    "an RSA modulus of 16384 bits": key_of(RS256, y1=b"\xff" * 2048),
    "a huge RSA exponent": key_of(RS256, y2=b"\xff" * 200),
    "no coordinates": cbor2.dumps({1: 2, 3: -7}),
    "a number": cbor2.dumps(4),
    "a list": cbor2.dumps([1, 2]),
    "an algorithm that is a text": key_of(ES256, x3="ES256"),
    "an algorithm that is a map": key_of(ES256, x3={}),
}


@pytest.mark.parametrize("key", WRONG_KEYS.values(), ids=WRONG_KEYS)
@pytest.mark.one_engine
def test_a_key_that_could_not_sign_in_is_refused_at_once(
    site: Site, client: TestClient, monkeypatch: pytest.MonkeyPatch, key: bytes
) -> None:
    screen, token = enrolment(site, client)
    before = everything(site)
    monkeypatch.setattr(Credential, "cose_key", lambda self: key)
    assert problem(register(screen, token)) == "unverified-response"
    assert everything(site) == before


@pytest.mark.parametrize("bits", [2048, 4096])
def test_rsa_keys_of_usual_size_are_accepted(
    site: Site, client: TestClient, monkeypatch: pytest.MonkeyPatch, bits: int
) -> None:
    screen, token = enrolment(site, client)
    private = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    modulus = private.public_key().public_numbers().n.to_bytes(bits // 8, "big")
    key = cbor2.dumps({1: 3, 3: RS256, -1: modulus, -2: b"\x01\x00\x01"})
    monkeypatch.setattr(Credential, "cose_key", lambda self: key)
    assert register(screen, token).status_code == 200


@pytest.mark.parametrize("place", ["key", "extensions", "statement"])
def test_shared_values_cost_nothing(
    site: Site, client: TestClient, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    screen, token = enrolment(site, client)
    bomb = shared_values(60)
    lie: Lies = {}
    if place == "key":
        monkeypatch.setattr(Credential, "cose_key", lambda self: b"\xa1\x01" + bomb)
    elif place == "extensions":
        lie = {"extra_bytes": bomb}
    else:
        statement = b"\xa3\x63fmt\x64none\x67attStmt\xa1\x63sig" + bomb + b"\x68authData\x40"
        lie = {"attestation_object": statement}

    def come() -> None:
        assert problem(register(screen, token, **lie)) == "unverified-response"

    assert processor_seconds(come) < 2


def test_devices_that_the_person_has_are_excluded(site: Site, client: TestClient) -> None:
    _, screen = enrolled(site, client)
    with pytest.raises(InvalidState):
        add_here(screen, screen.authenticator)


def test_the_user_handle_of_a_person_is_random_and_stays(site: Site, client: TestClient) -> None:
    person, screen = enrolled(site, client)
    add_here(screen, Authenticator())
    handles = {device.user_handle for device in stored(site)}
    assert handles == {person.user_handle}
    assert len(person.user_handle) == 32


def test_a_credential_belongs_to_one_device(
    site: Site, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, screen = enrolled(site, client)
    confirmation = answered(screen, ceremony(screen, "/devices/add/here/confirm-options"))
    options = ceremony(screen, "/devices/add/here/options", confirmation)
    # An authenticator that gives out the same credential a second time
    twin = screen.authenticator.credentials[0]
    monkeypatch.setattr(Authenticator, "_new_credential", lambda *_: twin)
    authenticator = Authenticator()
    answer = screen.post_json("/devices/add/here/registration", created(authenticator, options))
    assert (answer.status_code, problem(answer)) == (400, "already-registered")
    assert events(site)[-1] == ("device.refused", "already_registered")
    assert len(stored(site)) == 1


def test_a_registration_is_stored_once(site: Site, client: TestClient) -> None:
    _, screen = enrolled(site, client)
    confirmation = answered(screen, ceremony(screen, "/devices/add/here/confirm-options"))
    options = ceremony(screen, "/devices/add/here/options", confirmation)
    content = created(Authenticator(), options)
    path = "/devices/add/here/registration"
    device_in(screen.post_json(path, content))
    assert problem(screen.post_json(path, content)) == "replayed"
    # and a second key made for the same options is refused as well
    assert problem(screen.post_json(path, created(Authenticator(), options))) == "replayed"
    assert len(stored(site)) == 2


def test_a_sign_in_challenge_is_refused_for_a_registration(site: Site, client: TestClient) -> None:
    screen, token = enrolment(site, client)
    options = ceremony(screen, "/activate/options", {"enrolment": token})
    sign_in = ceremony(screen, "/login/options")
    options["publicKey"]["challenge"] = sign_in["publicKey"]["challenge"]
    content = created(screen.authenticator, options) | {
        "enrolment": token,
        "ceremony": sign_in["ceremony"],
    }
    before = everything(site)
    assert problem(screen.post_json("/activate/registration", content)) == "invalid-token"
    assert everything(site) == before


def test_transports_are_those_that_we_know(site: Site, client: TestClient) -> None:
    screen, token = enrolment(site, client)
    screen.authenticator = Authenticator(transports=("usb", "<script>", "nfc", "usb"))
    assert register(screen, token).status_code == 200
    assert stored(site)[0].transports == "nfc,usb"


def test_a_credential_id_of_1023_bytes_is_the_longest(
    site: Site, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen, token = enrolment(site, client)
    original = Authenticator._new_credential
    for length, status in ((1024, 400), (1023, 200)):
        identifier = b"i" * length

        def with_this_id(*of: Any, identifier: bytes = identifier) -> Credential:
            made = original(*of)
            made.id, made.id_text = identifier, base64url(identifier)
            return made

        monkeypatch.setattr(Authenticator, "_new_credential", with_this_id)
        assert register(screen, token).status_code == status
    assert screen.sign_in().status_code == 200
