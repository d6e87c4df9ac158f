"""What an ID token and userinfo must say, whatever they say: OpenID Connect Core 1.0 §3.1.3.7."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from authn.errors import Refusal
from authn.federation.identity_claims import (
    check_id_token,
    check_userinfo,
    identity_level,
    national_number,
)
from authn.federation.upstreams import Upstream, upstreams
from authn.settings import Settings

unhurried = examples(deadline=None)  # a busy machine is no failure

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
CLAIMS = {
    "iss": "https://idp.iamfas.belgium.be/fas/oauth2",
    "aud": "us",
    "sub": "somebody",
    "nonce": "once",
    "iat": SECONDS,
    "exp": SECONDS + 60,
    "auth_time": SECONDS,
    "acr": "urn:be:fedict:iam:fas:citizen:Level500",
}
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(), inside, max_size=3),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def fas(tmp_path_factory: pytest.TempPathFactory) -> Upstream:
    secret = Path(tmp_path_factory.mktemp("fas")) / "secret"
    secret.write_text("x")
    entry = {"kind": "fas", "client_id": "us", "client_secret_file": str(secret)}
    return upstreams(Settings(upstreams=json.dumps([entry])))[0]


def test_what_is_right_is_right(fas: Upstream) -> None:
    check_id_token(CLAIMS, fas, "once", NOW)
    assert identity_level(CLAIMS, fas, NOW, NOW) == "high"
    assert national_number({"egovNRN": "03410100128"}, fas, NOW) == "03410100128"


@unhurried
@given(st.sampled_from(sorted(CLAIMS)), _JSON)
def test_one_claim_of_any_kind_is_right_or_refused(fas: Upstream, name: str, value: Any) -> None:
    changed = {**CLAIMS, name: value}
    try:
        check_id_token(changed, fas, "once", NOW)
        level = identity_level(changed, fas, NOW, NOW)
    except Refusal:
        return
    if name in ("iss", "nonce"):
        assert value == CLAIMS[name]
    if name == "aud":
        assert value in ("us", ["us"])
    if name == "acr":
        assert value in fas.levels
    assert level in ("high", "substantial")


@unhurried
@given(st.dictionaries(st.sampled_from([*CLAIMS, "azp", "nbf", "egovNRN"]), _JSON))
def test_claims_of_any_kind_are_refused(fas: Upstream, claims: dict[str, Any]) -> None:
    with pytest.raises(Refusal):
        check_id_token(claims, fas, "once", NOW)
    with pytest.raises(Refusal):
        check_userinfo({**claims, "sub": "another"}, fas, CLAIMS, NOW)
    with pytest.raises(Refusal):
        national_number(claims, fas, NOW)


@unhurried
@given(st.text() | st.from_regex(r"[0-9. -]{9,20}"))
def test_a_number_is_canonical_or_refused_and_never_repeated(fas: Upstream, text: str) -> None:
    try:
        number = national_number({"egovNRN": text}, fas, NOW)
    except Refusal as refusal:
        said = f"{refusal.description} {refusal.detail}"
        assert len(text) < 4 or text not in said
    else:
        assert len(number) == 11
        assert number.isdigit()
