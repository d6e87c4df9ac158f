"""What is asked for, and what may be answered (https://www.w3.org/TR/webauthn-3/#enum-attestation-convey)."""

from contextlib import closing

import pytest
from starlette.testclient import TestClient

from authn.app import create_app
from authn.web.site import Site
from tests.attestation import (
    FORMATS,
    MODEL,
)
from tests.authenticator import ES256, RS256, Authenticator, Lies
from tests.citizen import ORIGIN, Screen
from tests.screens import ceremony, everything, problem
from tests.webauthn.attestation.enrolment import (
    ON_SQLITE,
    OTHER_KEY,
    Enrolment,
    attestation_of_the_device,
    known,
    maker_of,
)

pytestmark = pytest.mark.thorough


def test_attestation_is_asked_for_where_a_policy_needs_it(enrolment: Enrolment) -> None:
    options = ceremony(enrolment.screen, "/activate/options", {"enrolment": enrolment.token})
    assert options["publicKey"]["attestation"] == "direct"
    assert set(options["publicKey"]["attestationFormats"]) == set(FORMATS)


@ON_SQLITE
@pytest.mark.parametrize("policies", [{"policy": "synced"}, {"policy": "device"}])
def test_it_is_not_asked_for_otherwise_nor_looked_at(site: Site, enrolment: Enrolment) -> None:
    options = ceremony(enrolment.screen, "/activate/options", {"enrolment": enrolment.token})
    assert options["publicKey"]["attestation"] == "none"
    assert "attestationFormats" not in options["publicKey"]
    lie: Lies = {"attests": maker_of("tpm", cert_info=lambda _: b"\x00")}
    assert enrolment.register(None, **lie).status_code == 200
    assert attestation_of_the_device(site) == ("none", False)


@ON_SQLITE
def test_what_was_asked_is_in_the_challenge_whatever_the_settings_say_later(
    site: Site, enrolment: Enrolment
) -> None:
    """The service was started anew with other settings, between question and answer."""
    screen = enrolment.screen
    options = ceremony(screen, "/activate/options", {"enrolment": enrolment.token})
    maker = maker_of("packed", key=OTHER_KEY)
    credential = Authenticator(aaguid=MODEL, attests=maker).create(options, ORIGIN)
    content = {"enrolment": enrolment.token, "ceremony": options["ceremony"]}
    now_other = create_app(
        site.settings.model_copy(update={"staff_policy": "device"}), clock=site.clock
    )
    with closing(now_other.state.site.database), TestClient(now_other, ORIGIN) as client:
        client.cookies.update(screen.client.cookies)
        answer = Screen(client).post_json(
            "/activate/registration", {**content, "credential": credential}
        )
        assert problem(answer) == "unverified-response"
        policies_now = ceremony(Screen(client), "/activate/options", {"enrolment": enrolment.token})
        assert policies_now["publicKey"]["attestation"] == "none"


def test_none_is_a_valid_answer(site: Site, enrolment: Enrolment) -> None:
    assert enrolment.register(None).status_code == 200
    assert attestation_of_the_device(site) == ("none", False)


@pytest.mark.parametrize("algorithm", [ES256, RS256])
def test_self_attestation_is_a_valid_answer_and_vouches_for_nothing(
    site: Site, enrolment: Enrolment, algorithm: int
) -> None:
    known(site, maker_of("packed-self"), attestation_types=["basic_surrogate"])
    answer = enrolment.register(maker_of("packed-self"), algorithm=algorithm)
    assert answer.status_code == 200
    assert attestation_of_the_device(site) == ("packed", False)


@ON_SQLITE
@pytest.mark.parametrize(
    ("format_", "why"),
    [("android-safetynet", "retired"), ("compound", "unknown"), ("packed2", "unknown")],
)
def test_a_format_that_is_not_verified_here_is_refused_with_its_own_words(
    site: Site,
    enrolment: Enrolment,
    format_: str,
    why: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = everything(site)
    answer = enrolment.register(None, attests=lambda *_: (format_, {"ver": "1"}))
    assert (answer.status_code, problem(answer)) == (400, "unsupported-attestation")
    assert everything(site) == before
    assert f"attestation format '{format_}' is {why}" in capsys.readouterr().out
