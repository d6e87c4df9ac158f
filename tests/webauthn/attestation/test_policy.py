"""What policy makes of a new key, at enrolment rather than at the first login."""

from dataclasses import dataclass

import pytest
from sqlalchemy import select, update

from authn.db.transaction import reading, writing
from authn.devices.tables import devices
from authn.policies import Policy
from authn.web.site import Site
from tests.attestation import (
    MODEL,
    Maker,
)
from tests.authenticator import Authenticator
from tests.screens import add_here, device_in, events, problem
from tests.webauthn.attestation.enrolment import (
    OTHER_MODEL,
    Enrolment,
    attestation_of_the_device,
    known,
)
from tests.webauthn.test_registration import burnt, stored

pytestmark = pytest.mark.thorough


@dataclass(frozen=True, slots=True)
class Refused:
    """What a policy refuses, and the reason on record."""

    reason: str
    policy: Policy
    maker: Maker | None
    statuses: tuple[str, ...] = ("FIDO_CERTIFIED_L1",)


REFUSED: dict[str, Refused] = {
    "a key without attestation, where certified ones are asked": Refused(
        "level device", Policy(level="certified"), None
    ),
    "self attestation, where certified ones are asked": Refused(
        "level device", Policy(level="certified"), Maker("packed-self")
    ),
    "an untrusted chain, where certified ones are asked": Refused(
        "level device", Policy(level="certified"), Maker("packed", self_issued=True)
    ),
    "a model that is not certified, where certified ones are asked": Refused(
        "level device", Policy(level="certified"), Maker("packed"), ("NOT_FIDO_CERTIFIED",)
    ),
    "a revoked model": Refused(
        "model prohibited", Policy(), Maker("packed"), ("FIDO_CERTIFIED_L1", "REVOKED")
    ),
    "a model on the deny list": Refused(
        "model denied", Policy(deny=frozenset({MODEL})), Maker("packed")
    ),
    "a model that is not on the allow list": Refused(
        "model not allowed", Policy(allow=frozenset({OTHER_MODEL})), Maker("packed")
    ),
    "a claim to be a model on the allow list": Refused(
        "model not allowed", Policy(allow=frozenset({MODEL})), None
    ),
}


@pytest.mark.parametrize(
    ("policies", "refused"),
    [
        (
            {"policies": {"strict": each.policy}, "policy": "strict", "staff_policy": "certified"},
            each,
        )
        for each in REFUSED.values()
    ],
    ids=REFUSED,
)
def test_policy_refuses_at_enrolment_on_record_and_the_challenge_is_burnt(
    site: Site, enrolment: Enrolment, refused: Refused
) -> None:
    known(site, Maker("packed"), statuses=refused.statuses)
    enrolment.screen.client.headers["Accept-Language"] = "en"
    answer = enrolment.register(refused.maker, aaguid=MODEL)
    assert (answer.status_code, problem(answer)) == (403, "refused-by-policy")
    assert "You need a" in answer.json()["detail"]
    assert events(site)[-1] == ("device.refused", refused.reason)
    assert (stored(site), burnt(site)) == ([], 1)


STRICT = Policy(level="certified", allow=frozenset({MODEL}))


@pytest.mark.parametrize("policies", [{"policies": {"strict": STRICT}, "policy": "strict"}])
def test_a_certified_key_enrols_where_certified_ones_are_asked(
    site: Site, enrolment: Enrolment
) -> None:
    known(site, Maker("packed"))
    assert enrolment.register(Maker("packed", self_issued=True)).status_code == 403
    assert enrolment.register(Maker("packed")).status_code == 200  # with the same code
    assert attestation_of_the_device(site) == ("packed", True)


def test_only_a_certified_device_vouches_highly_for_another(
    site: Site, enrolment: Enrolment
) -> None:
    """Decisions 6: the identity of a device that another one confirms is no better than a login."""
    known(site, Maker("packed"), statuses=("FIDO_CERTIFIED_L1",))
    assert enrolment.register(Maker("packed")).status_code == 200
    with writing(site.database) as connection:
        connection.execute(update(devices).values(identity_level="high"))
    added = device_in(add_here(enrolment.screen, Authenticator()))
    with reading(site.database) as connection:
        found = select(devices.c.identity_level).where(devices.c.id == added)
        assert connection.execute(found).scalar_one() == "high"
