"""PKCE: RFC 7636 (https://www.rfc-editor.org/rfc/rfc7636), and its downgrades: RFC 9700 §2.1.1
(https://www.rfc-editor.org/rfc/rfc9700#section-2.1.1)."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.oidc.relying_party import CHALLENGE, VERIFIER, Holder, RelyingParty, s256

pytestmark = pytest.mark.thorough

MakeRP = Callable[..., RelyingParty]

KINDS: dict[str, dict[str, Any]] = {
    "confidential": {},
    "public": {"token_endpoint_auth_method": "none"},
    "native": {
        "token_endpoint_auth_method": "none",
        "application_type": "native",
        "redirect_uris": ["be.hospital.app:/callback"],
    },
}


@pytest.fixture(params=KINDS)
def bound_rp(request: pytest.FixtureRequest, make_rp: MakeRP, holder: Holder) -> RelyingParty:
    """A client that must use PKCE, of each kind."""
    return make_rp(**KINDS[request.param]).allowed_by(holder)


@pytest.fixture
def free_rp(make_rp: MakeRP, holder: Holder) -> RelyingParty:
    """A confidential client that may do without."""
    return make_rp(require_pkce=False).allowed_by(holder)


def test_the_right_verifier_redeems(bound_rp: RelyingParty) -> None:
    assert bound_rp.redeem(bound_rp.code()).status_code == 200


def test_without_a_challenge_the_request_is_refused(bound_rp: RelyingParty) -> None:
    answer = bound_rp.answer(code_challenge=None, code_challenge_method=None)
    assert answer["error"] == "invalid_request"


@pytest.mark.parametrize("method", [None, "plain", "PLAIN", "s256", "S512", "none", "S256 "])
@pytest.mark.one_engine
def test_only_s256_is_a_method(
    bound_rp: RelyingParty, free_rp: RelyingParty, method: str | None
) -> None:  # §4.3: without a method it would be plain
    for rp in (bound_rp, free_rp):
        for challenge in (CHALLENGE, VERIFIER):
            answer = rp.answer(code_challenge=challenge, code_challenge_method=method)
            assert answer["error"] == "invalid_request"


@pytest.mark.parametrize("challenge", ["x", CHALLENGE[:-1], CHALLENGE + "A", CHALLENGE[:-1] + "="])
def test_a_challenge_that_is_no_sha_256_is_refused(free_rp: RelyingParty, challenge: str) -> None:
    assert free_rp.answer(code_challenge=challenge)["error"] == "invalid_request"


def test_a_method_without_a_challenge_is_refused(free_rp: RelyingParty) -> None:
    assert free_rp.answer(code_challenge=None)["error"] == "invalid_request"


@pytest.mark.parametrize(
    "verifier",
    [
        None,
        "",
        "x" * 42,
        "x" * 43,
        "x" * 129,
        CHALLENGE,
        VERIFIER.lower(),
        VERIFIER + "\n",
        VERIFIER[:-1],
        VERIFIER + " ",
        "é" * 43,
    ],
)
@pytest.mark.one_engine
def test_a_missing_or_wrong_verifier_is_an_invalid_grant(
    bound_rp: RelyingParty, verifier: str | None
) -> None:  # §4.6
    answer = bound_rp.redeem(bound_rp.code(), code_verifier=verifier)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_after_a_wrong_verifier_the_right_one_comes_too_late(bound_rp: RelyingParty) -> None:
    code = bound_rp.code()
    bound_rp.redeem(code, code_verifier="x" * 43)
    assert bound_rp.redeem(code).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("length", [43, 128])
def test_a_verifier_has_43_to_128_characters(bound_rp: RelyingParty, length: int) -> None:  # §4.1
    verifier = ("aZ09-._~" * 20)[:length]
    code = bound_rp.code(code_challenge=s256(verifier))
    assert bound_rp.redeem(code, code_verifier=verifier).status_code == 200


@pytest.mark.parametrize("verifier", ["x" * 42, "x" * 129, "x" * 42 + "+"])
@pytest.mark.one_engine
def test_any_other_verifier_is_refused_although_its_hash_is_right(
    bound_rp: RelyingParty, verifier: str
) -> None:  # §4.1
    code = bound_rp.code(code_challenge=s256(verifier))
    assert bound_rp.redeem(code, code_verifier=verifier).json()["error"] == "invalid_grant"


def test_a_client_that_need_not_use_it_does_without(free_rp: RelyingParty) -> None:
    code = free_rp.code(code_challenge=None, code_challenge_method=None)
    assert free_rp.redeem(code, code_verifier=None).status_code == 200


def test_a_client_that_need_not_use_it_is_held_to_it_once_it_does(free_rp: RelyingParty) -> None:
    assert free_rp.redeem(free_rp.code(), code_verifier=None).json()["error"] == "invalid_grant"
    assert free_rp.redeem(free_rp.code()).status_code == 200


def test_a_verifier_without_a_challenge_is_refused(free_rp: RelyingParty) -> None:
    """RFC 9700 §4.8.2: someone took the challenge out of the request."""
    code = free_rp.code(code_challenge=None, code_challenge_method=None)
    assert free_rp.redeem(code).json()["error"] == "invalid_grant"


def test_the_verifier_of_another_code_does_not_fit(bound_rp: RelyingParty) -> None:
    code = bound_rp.code(code_challenge=s256("y" * 43))
    assert bound_rp.redeem(code).json()["error"] == "invalid_grant"
