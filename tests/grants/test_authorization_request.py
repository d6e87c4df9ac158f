"""A waiting authorization request goes into a token and comes out as it was."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from authn.grants.authorization_request import AuthorizationRequest
from authn.secrets import Secrets, read_token, sign_token

KEYS = Secrets(*(bytes([number]) * 32 for number in range(4)))
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)

text = st.text(max_size=50)
requests = st.builds(
    AuthorizationRequest,
    request_id=text,
    client_id=text,
    redirect_uri=text,
    scope=text,
    state=text,
    nonce=text,
    code_challenge=text,
    response_mode=st.sampled_from(["query", "form_post"]),
    prompt=st.lists(text, max_size=3).map(tuple),
    max_age=st.none() | st.integers(0, 10**9),
    ui_locales=text,
    subject_hint=text,
    arrived_at=st.datetimes(timezones=st.just(UTC)),
)


@settings(deadline=None)
@given(requests)
def test_it_comes_out_as_it_went_in(request: Any) -> None:
    token = sign_token(KEYS, "test", request.pack(), NOW, timedelta(minutes=10))
    assert AuthorizationRequest.unpack(read_token(KEYS, "test", token, NOW)) == request
