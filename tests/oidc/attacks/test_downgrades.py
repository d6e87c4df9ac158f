"""Less than a client must do, through every door: RFC 9700 §4.8
(https://www.rfc-editor.org/rfc/rfc9700#section-4.8), PKCE downgrade.

What a naive provider does: it checks the verifier where there was a challenge, and so does without
where somebody has taken the challenge away; or it checks at one door alone. Verifiers are in
`test_rfc7636_pkce`; what a client under FAPI must do is in `test_fapi2_security_profile`.
"""

from collections.abc import Callable

import pytest

from authn.clients.client_metadata import ClientMetadata
from tests.oidc.attacks.doors import DOORS, KEY, Door, beside_a_bad_object, went_on
from tests.oidc.relying_party import CHALLENGE, VERIFIER, Holder, RelyingParty

pytestmark = [pytest.mark.thorough, pytest.mark.one_engine]

MakeRP = Callable[..., RelyingParty]

LESS: dict[str, dict[str, str | None]] = {
    "nothing": {"code_challenge": None, "code_challenge_method": None},
    "no challenge": {"code_challenge": None},
    "an empty challenge": {"code_challenge": ""},
    "no method": {"code_challenge_method": None},
    "an empty method": {"code_challenge_method": ""},
    "plain": {"code_challenge_method": "plain", "code_challenge": VERIFIER},
    "Plain": {"code_challenge_method": "Plain"},
    "s256": {"code_challenge_method": "s256"},
    "S256 and more": {"code_challenge_method": "S256 plain"},
    "S512": {"code_challenge_method": "S512"},
    "a challenge that is padded": {"code_challenge": CHALLENGE + "="},
    "a short challenge": {"code_challenge": CHALLENGE[:-1]},
    "a challenge of spaces": {"code_challenge": " " * 43},
    "another response type": {"response_type": "code token"},
    "no response type": {"response_type": None},
    "an implicit one": {"response_type": "id_token"},
}


@pytest.mark.parametrize("door", [each for each in DOORS if each is not beside_a_bad_object])
@pytest.mark.parametrize("public", [False, True])
def test_no_door_takes_less(make_rp: MakeRP, holder: Holder, door: Door, *, public: bool) -> None:
    rp = make_rp(
        client_id="hospital",
        token_endpoint_auth_method="none" if public else "client_secret_basic",
        require_pkce=not public,  # of a public client it is required all the same
        metadata=ClientMetadata(jwks=KEY.jwks),
        first_party=True,
    )
    for name, changes in LESS.items():
        told = went_on(rp, door(rp, **changes))
        assert "error" in told, name
        assert "code" not in told, name
    told = went_on(rp, door(rp))
    assert "code" in told
    for verifier in (None, "", CHALLENGE, VERIFIER[:-1], VERIFIER + "x", "x" * 43):
        code = went_on(rp, door(rp))["code"]
        assert rp.redeem(code, code_verifier=verifier).json()["error"] == "invalid_grant"


def test_a_challenge_outside_is_none_inside(make_rp: MakeRP, holder: Holder) -> None:
    """Nor does one of the query make up for one that is missing in the request object."""
    rp = make_rp(client_id="hospital", metadata=ClientMetadata(jwks=KEY.jwks), first_party=True)
    said = rp.request(code_challenge=None, code_challenge_method=None)
    assert "error" in rp.answer(request=KEY.sign({**said, "aud": "http://localhost:8000"}))
