"""The plans oidcc-rp-initiated-logout-certification-test-plan and
oidcc-backchannel-rp-initiated-logout-certification-test-plan.

oidcc-rp-initiated-logout-discovery-endpoint-verification: test_what_discovery_says_of_logout
oidcc-rp-initiated-logout: test_the_person_comes_back_signed_out
oidcc-rp-initiated-logout-bad-post-logout-redirect-uri: test_nobody_is_sent_anywhere_else
oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri: \
test_nobody_is_sent_anywhere_else
oidcc-rp-initiated-logout-modified-id-token-hint: test_without_a_true_hint_nobody_is_sent_back
oidcc-rp-initiated-logout-no-id-token-hint: test_without_a_true_hint_nobody_is_sent_back
oidcc-rp-initiated-logout-bad-id-token-hint: test_without_a_true_hint_nobody_is_sent_back
oidcc-rp-initiated-logout-no-params: test_without_an_address_the_person_stays
oidcc-rp-initiated-logout-no-post-logout-redirect-uri: test_without_an_address_the_person_stays
oidcc-rp-initiated-logout-only-state: test_without_an_address_the_person_stays
oidcc-rp-initiated-logout-no-state: test_the_person_comes_back_signed_out
oidcc-backchannel-logout-discovery-endpoint-verification: test_what_discovery_says_of_logout
oidcc-backchannel-rp-initiated-logout: test_the_client_is_told_behind_the_browser
"""

import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any

import pytest
from httpx2 import Response

from authn.oidc.security_events.backchannel_logout import backchannel_work
from authn.outbox.destinations import run_once
from authn.web.site import Site
from tests.logout_receiver import LogoutReceiver, receiving
from tests.oidc.conformance import checks
from tests.oidc.conformance.party import Party, leads_to, query_of, random_value, unsigned

pytestmark = pytest.mark.thorough

Register = Callable[..., Party]
AFTERWARDS = "https://suite.example/test/a/authn/post_logout_redirect"
EVENT = "http://schemas.openid.net/event/backchannel-logout"


@pytest.fixture
def receiver() -> Iterator[LogoutReceiver]:
    with receiving() as running:
        yield running


@pytest.fixture
def party(new_party: Register) -> Party:
    """A client with an address for afterwards."""
    return new_party(post_logout_redirect_uris=[AFTERWARDS])


def ask(party: Party, **parameters: str | None) -> Response:
    """The page to which a logout request leads; None leaves a parameter out."""
    said = {name: value for name, value in parameters.items() if value is not None}
    return party.screen.client.get(party.address("end_session_endpoint", said))


def confirmed(party: Party, asked: Response) -> Response:
    """The answer to a person who agrees."""
    assert asked.status_code == 200, asked.text
    found = re.search(r'name="logout" value="([^"]*)"', asked.text)
    assert found, asked.text
    return party.screen.post_form("/logout/confirm", logout=unescape(found[1]))


def check_signed_out(party: Party) -> None:
    """The second request of each module."""
    came = party.arrive(prompt="none")
    errors = ("login_required", "interaction_required", "account_selection_required")
    checks.authorization_error(came, party.metadata["issuer"], party.asked, *errors)


def test_what_discovery_says_of_logout(party: Party) -> None:
    assert party.metadata["end_session_endpoint"].startswith(party.metadata["issuer"])
    for name in ("backchannel_logout_supported", "backchannel_logout_session_supported"):
        assert party.metadata[name] is True


@pytest.mark.parametrize("state", [None, "x" * 128])
def test_the_person_comes_back_signed_out(party: Party, state: str | None) -> None:
    hint = party.tokens(state=random_value(128))["id_token"]
    asked = ask(party, id_token_hint=hint, post_logout_redirect_uri=AFTERWARDS, state=state)
    location = leads_to(confirmed(party, asked))
    assert location.partition("?")[0] == AFTERWARDS
    assert (query_of(location) if state else {}) == ({"state": state} if state else {})
    assert ("?" in location) is bool(state)  # nothing else
    check_signed_out(party)


@pytest.mark.parametrize("added", ["/elsewhere", "?foo=bar"])
def test_nobody_is_sent_anywhere_else(party: Party, added: str) -> None:
    hint = party.tokens()["id_token"]
    asked = ask(party, id_token_hint=hint, post_logout_redirect_uri=AFTERWARDS + added, state="s")
    assert asked.status_code == 400
    assert not leads_to(asked)


@pytest.mark.parametrize("kind", ["none", "another's", "unsigned", "changed"])
def test_without_a_true_hint_nobody_is_sent_back(
    party: Party, new_party: Register, kind: str
) -> None:
    tokens = party.tokens()
    hints = {
        "none": None,
        "another's": new_party().tokens()["id_token"],
        "unsigned": unsigned(tokens["claims"]),
        "changed": tokens["id_token"][:-8] + "AAAAAAAA",
    }
    asked = ask(party, id_token_hint=hints[kind], post_logout_redirect_uri=AFTERWARDS, state="s")
    if kind == "another's":
        assert asked.status_code == 400
        return
    assert not leads_to(asked)
    assert not leads_to(confirmed(party, asked))


@pytest.mark.parametrize("sent", [(), ("state",), ("id_token_hint",), ("id_token_hint", "state")])
def test_without_an_address_the_person_stays(party: Party, sent: tuple[str, ...]) -> None:
    values = {"id_token_hint": party.tokens()["id_token"], "state": random_value(128)}
    asked = ask(party, **{name: values[name] for name in sent})
    assert not leads_to(asked)
    assert not leads_to(confirmed(party, asked))
    check_signed_out(party)


def test_the_client_is_told_behind_the_browser(
    new_party: Register, receiver: LogoutReceiver, site: Site
) -> None:
    party = new_party(
        post_logout_redirect_uris=[AFTERWARDS],
        backchannel_logout_uri=receiver.address + "/backchannel_logout",
        backchannel_logout_session_required=True,
    )
    tokens, state = party.tokens(), random_value(128)
    hint = tokens["id_token"]
    asked = ask(party, id_token_hint=hint, post_logout_redirect_uri=AFTERWARDS, state=state)
    assert query_of(leads_to(confirmed(party, asked))) == {"state": state}
    run_once(backchannel_work(site))
    (received,) = receiver.received
    assert received.headers["content-type"] == "application/x-www-form-urlencoded"
    assert received.form.keys() == {"logout_token"}
    check_logout_token(party, received.logout_token, tokens["claims"])
    check_signed_out(party)


def check_logout_token(party: Party, token: str, about: dict[str, Any]) -> None:
    """Back-Channel Logout §2.4 (ValidateLogoutTokenClaims and the conditions beside it)."""
    alg = party.told["id_token_signed_response_alg"]
    claims = checks.signed(token, party.keys(), alg, typ=("logout+jwt",))
    assert claims["iss"] == party.metadata["issuer"]
    assert claims["aud"] in (party.client_id, [party.client_id])
    assert type(claims["iat"]) is int
    assert type(claims["exp"]) is int
    checks.unguessable(claims["jti"])
    assert claims["events"] == {EVENT: {}}
    assert (claims["sub"], claims["sid"]) == (about["sub"], about["sid"])
    assert "nonce" not in claims
