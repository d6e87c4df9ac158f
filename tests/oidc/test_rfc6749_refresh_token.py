"""The refresh token grant.

RFC 6749 §6 (https://www.rfc-editor.org/rfc/rfc6749#section-6), RFC 9700 §4.14
(https://www.rfc-editor.org/rfc/rfc9700#section-4.14), OpenID Connect Core 1.0 §12, decisions 4.9.
"""

from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from httpx2 import Response
from sqlalchemy import func, select, update
from starlette.testclient import TestClient

from authn.clients.tables import clients
from authn.db.transaction import reading, writing
from authn.devices.tables import devices
from authn.grants.grants import revoke_grant
from authn.grants.tables import grants, refresh_tokens
from authn.people.tables import persons
from authn.sessions.sessions import end_session
from authn.web.site import Site
from tests.conftest import MovableClock
from tests.oidc.dpop_proofs import DpopKey
from tests.oidc.refreshing import (
    OFFLINE,
    PUBLIC_CLIENT,
    REFRESHING,
    error,
    events,
    refresh,
    refreshed,
)
from tests.oidc.relying_party import VERIFIER, Holder, RelyingParty, answer_of, basic, segment
from tests.oidc.resource_servers import API, OTHER_API, application, resource_server
from tests.together import at_once

pytestmark = pytest.mark.thorough

MakeRP = Callable[..., RelyingParty]


@pytest.fixture
def confidential(make_rp: MakeRP, holder: Holder) -> RelyingParty:
    """A confidential client that goes on with refresh tokens, allowed by the holder."""
    rp = make_rp(client_id="hospital", scope=OFFLINE, metadata=REFRESHING)
    return rp.allowed_by(holder, OFFLINE)


@pytest.fixture
def public(make_rp: MakeRP, holder: Holder) -> RelyingParty:
    """A public client that goes on with refresh tokens, without DPoP."""
    return make_rp(**PUBLIC_CLIENT).allowed_by(holder, OFFLINE)


@pytest.fixture(params=["confidential", "public"])
def each(request: pytest.FixtureRequest) -> RelyingParty:
    """One of each kind."""
    rp: RelyingParty = request.getfixturevalue(request.param)
    return rp


def stored(site: Site) -> int:
    """How many refresh tokens there are."""
    with reading(site.database) as connection:
        counting = select(func.count()).select_from(refresh_tokens)
        count: int = connection.execute(counting).scalar_one()
    return count


# RFC 6749 §1.5, decisions 1.2: who is given one


def test_a_client_that_did_not_register_the_grant_type_gets_none(
    make_rp: MakeRP, holder: Holder, site: Site
) -> None:
    rp = make_rp(scope=OFFLINE).allowed_by(holder, OFFLINE)
    assert "refresh_token" not in rp.tokens(scope=OFFLINE, prompt="consent")
    assert stored(site) == 0


def test_a_client_that_did_not_register_the_grant_type_cannot_use_one(
    confidential: RelyingParty, site: Site
) -> None:  # RFC 6749 §5.2
    token = confidential.tokens()["refresh_token"]
    with writing(site.database) as connection:
        connection.execute(update(clients).values(client_metadata="{}"))
    assert error(refresh(confidential, token)) == "unauthorized_client"


def test_a_refresh_token_gives_another_access_token(each: RelyingParty) -> None:  # §6
    tokens = each.tokens()
    again = refreshed(each, tokens["refresh_token"])
    assert again["access_token"] != tokens["access_token"]
    assert (again["token_type"], again["expires_in"]) == ("Bearer", 300)
    assert again["scope"] == "openid profile"
    assert each.userinfo(again["access_token"]).json()["given_name"] == "Hanne"


@pytest.mark.parametrize("token", [None, "", "nonsense", "é", "a.b.c", "x" * 5000])
def test_what_is_no_refresh_token_is_refused(confidential: RelyingParty, token: str | None) -> None:
    expected = "invalid_request" if token is None else "invalid_grant"
    assert error(refresh(confidential, token)) == expected


def test_other_tokens_are_no_refresh_tokens(confidential: RelyingParty) -> None:
    tokens = confidential.tokens()
    for token in (tokens["access_token"], tokens["id_token"], confidential.code()):
        assert error(refresh(confidential, token)) == "invalid_grant"
    answer = confidential.redeem(tokens["refresh_token"])
    assert error(answer) == "invalid_grant"


def test_a_client_must_authenticate(confidential: RelyingParty) -> None:  # §6
    token = confidential.tokens()["refresh_token"]
    confidential.client_secret = "another" * 8
    assert refresh(confidential, token).status_code == 401


# OpenID Connect Core §12.2


def test_the_id_token_tells_of_the_first_authentication_and_has_no_nonce(
    each: RelyingParty, clock: MovableClock
) -> None:
    first = each.tokens(nonce="n-1")
    clock.advance(minutes=4)
    before, after = (
        segment(first["id_token"], 1),
        segment(refreshed(each, first["refresh_token"])["id_token"], 1),
    )
    assert before.pop("nonce") == "n-1"
    same = ("iss", "sub", "aud", "auth_time", "acr", "amr", "sid")
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert after["iat"] == before["iat"] + 240
    assert after["exp"] > before["exp"]
    assert "nonce" not in after


def test_a_level_that_is_lower_today_is_told(
    confidential: RelyingParty, site: Site
) -> None:  # decisions 2.4
    first = confidential.tokens()
    with writing(site.database) as connection:
        connection.execute(update(devices).values(backup_eligible=True, backup_changed=True))
    again = refreshed(confidential, first["refresh_token"])
    assert segment(first["access_token"], 1)["acr"].endswith(":device")
    assert segment(again["access_token"], 1)["acr"].endswith(":synced")
    assert segment(again["id_token"], 1)["acr"].endswith(":synced")


# RFC 6749 §6, RFC 8707 §2.2: narrower, never wider


def test_a_narrower_scope_is_for_this_answer_alone(each: RelyingParty) -> None:
    token = each.tokens(scope=OFFLINE)["refresh_token"]
    narrow = refreshed(each, token, scope="openid")
    assert narrow["scope"] == "openid"
    assert set(each.userinfo(narrow["access_token"]).json()) == {"sub"}
    without_openid = refreshed(each, narrow["refresh_token"], scope="profile profile")
    assert without_openid["scope"] == "profile"
    assert "id_token" not in without_openid
    assert refreshed(each, without_openid["refresh_token"])["scope"] == OFFLINE


@pytest.mark.parametrize("scope", ["openid ssin", "offline_access", "openid nonsense", "é"])
def test_a_wider_scope_is_refused_and_the_token_left_as_it_was(
    each: RelyingParty, site: Site, scope: str
) -> None:  # decisions 5
    token = each.tokens()["refresh_token"]
    assert error(refresh(each, token, scope=scope)) == "invalid_scope"
    assert stored(site) == 1
    with reading(site.database) as connection:
        assert connection.execute(select(refresh_tokens.c.rotated_at)).scalar_one() is None
    assert refresh(each, token).status_code == 200


def test_a_resource_that_was_not_granted_is_refused_and_the_token_left_as_it_was(
    each: RelyingParty, site: Site
) -> None:
    token = each.tokens()["refresh_token"]
    answer = refresh(each, token, resource="https://api.example/")
    assert error(answer) == "invalid_target"
    assert stored(site) == 1
    assert refresh(each, token).status_code == 200


def test_one_of_several_resources_is_asked_at_each_refresh(
    site: Site, client: TestClient, backchannel: TestClient, holder: Holder
) -> None:  # RFC 8707 §2.2
    rp = application(site, client)
    resource_server(site, backchannel, API)
    resource_server(site, backchannel, OTHER_API, client_id="other", scopes={"other": "Else"})
    asked = [*rp.request(scope="openid").items(), ("resource", API), ("resource", OTHER_API)]
    answer = client.get("/authorize?" + urlencode(asked))
    code = answer_of(answer, rp.redirect_uri)["code"]
    token = rp.redeem(code, resource=API).json()["refresh_token"]
    for resource in (API, OTHER_API, f"{site.settings.issuer}/userinfo"):
        access_token = refreshed(rp, token, resource=resource)["access_token"]
        assert segment(access_token, 1)["aud"] == resource
    for wrong in (None, f"{API} {OTHER_API}", f"{API}/", "https://api.example", "é"):
        assert error(refresh(rp, token, resource=wrong)) == "invalid_target"
    # What the operator takes from the client is taken from its grants.
    with writing(site.database) as connection:
        taken = update(clients).where(clients.c.client_id == "hospital")
        connection.execute(taken.values(resources=[OTHER_API]))
    assert error(refresh(rp, token, resource=API)) == "invalid_target"
    assert refresh(rp, token, resource=OTHER_API).status_code == 200


# RFC 9700 §4.14, decisions 4.9: who is given a new one


def test_a_confidential_clients_token_is_not_replaced(
    confidential: RelyingParty, site: Site
) -> None:
    token = confidential.tokens()["refresh_token"]
    for _ in range(3):
        assert refreshed(confidential, token)["refresh_token"] == token
    assert stored(site) == 1


def test_a_public_clients_bearer_token_is_replaced_at_each_use(
    public: RelyingParty, clock: MovableClock
) -> None:
    token = public.tokens()["refresh_token"]
    seen = {token}
    for _ in range(3):
        clock.advance(seconds=11)
        token = refreshed(public, token)["refresh_token"]
        seen.add(token)
    assert len(seen) == 4


def test_an_answer_that_was_lost_is_given_again_once(public: RelyingParty, site: Site) -> None:
    token = public.tokens()["refresh_token"]
    first = refreshed(public, token)
    again = refreshed(public, token)
    assert again["refresh_token"] == first["refresh_token"]
    assert public.userinfo(again["access_token"]).status_code == 200
    assert error(refresh(public, token)) == "invalid_grant"
    assert events(site, "application.refresh-replayed") == 1


def test_an_answer_is_not_given_again_with_a_wider_scope(public: RelyingParty) -> None:
    token = public.tokens()["refresh_token"]
    successor = refreshed(public, token)["refresh_token"]
    assert error(refresh(public, token, scope="ssin")) == "invalid_scope"
    assert refreshed(public, token)["refresh_token"] == successor


def _late(public: RelyingParty, token: str, clock: MovableClock) -> None:
    refreshed(public, token)
    clock.advance(seconds=10)


def _twice(public: RelyingParty, token: str, clock: MovableClock) -> None:
    refreshed(public, token)
    refreshed(public, token)


def _after_the_successor_was_used(public: RelyingParty, token: str, clock: MovableClock) -> None:
    successor = refreshed(public, token)["refresh_token"]
    refreshed(public, successor)


def _given_again_and_used(public: RelyingParty, token: str, clock: MovableClock) -> None:
    refreshed(public, token)
    successor = refreshed(public, token)["refresh_token"]
    refreshed(public, successor)


def _long_after(public: RelyingParty, token: str, clock: MovableClock) -> None:
    for _ in range(3):
        token = refreshed(public, token)["refresh_token"]
        clock.advance(days=9)


@pytest.mark.parametrize(
    "before", [_late, _twice, _after_the_successor_was_used, _given_again_and_used, _long_after]
)
def test_a_replayed_token_ends_everything_of_its_grant(
    public: RelyingParty,
    site: Site,
    clock: MovableClock,
    before: Callable[[RelyingParty, str, MovableClock], None],
) -> None:  # RFC 9700 §4.14.2
    tokens = public.tokens(scope=OFFLINE)
    before(public, tokens["refresh_token"], clock)
    with reading(site.database) as connection:
        current = connection.execute(
            select(refresh_tokens).where(refresh_tokens.c.rotated_at.is_(None))
        ).one()
    assert error(refresh(public, tokens["refresh_token"])) == "invalid_grant"
    with reading(site.database) as connection:
        assert connection.execute(select(grants.c.revoked_at)).scalar_one() == clock.now
    assert current.grant_id is not None
    assert events(site, "application.refresh-replayed") == 1
    # Once: a second replay finds nothing to revoke, and writes nothing.
    assert error(refresh(public, tokens["refresh_token"])) == "invalid_grant"
    assert events(site, "application.refresh-replayed") == 1


def test_after_a_replay_the_current_token_and_its_access_tokens_are_dead(
    public: RelyingParty, clock: MovableClock
) -> None:
    token = public.tokens()["refresh_token"]
    current = refreshed(public, token)
    clock.advance(seconds=10)
    assert error(refresh(public, token)) == "invalid_grant"
    assert error(refresh(public, current["refresh_token"])) == "invalid_grant"
    assert public.userinfo(current["access_token"]).status_code == 401


def test_a_replay_ends_no_other_grant(public: RelyingParty, clock: MovableClock) -> None:
    other = public.tokens()["refresh_token"]
    token = public.tokens()["refresh_token"]
    refreshed(public, token)
    clock.advance(seconds=10)
    refresh(public, token)
    assert refresh(public, other).status_code == 200


def test_another_clients_token_is_refused_and_nothing_is_revoked(
    public: RelyingParty, confidential: RelyingParty, site: Site, clock: MovableClock
) -> None:  # RFC 6749 §10.4
    token = public.tokens()["refresh_token"]
    assert error(refresh(confidential, token)) == "invalid_grant"
    successor = refreshed(public, token)["refresh_token"]
    clock.advance(seconds=10)
    assert error(refresh(confidential, token)) == "invalid_grant"
    assert refresh(public, successor).status_code == 200
    assert events(site, "application.refresh-replayed") == 0


# Its life


def test_a_token_lives_as_long_as_it_is_used(each: RelyingParty, clock: MovableClock) -> None:
    token = each.tokens(scope=OFFLINE)["refresh_token"]
    for _ in range(5):
        clock.advance(days=29)
        token = refreshed(each, token)["refresh_token"]


def test_an_unused_token_ends(each: RelyingParty, clock: MovableClock) -> None:
    token = each.tokens(scope=OFFLINE)["refresh_token"]
    clock.advance(days=32)
    assert error(refresh(each, token)) == "invalid_grant"


def test_a_used_token_ends_at_last(make_rp: MakeRP, holder: Holder, clock: MovableClock) -> None:
    rp = make_rp(
        client_id="hours",
        scope=OFFLINE,
        token_endpoint_auth_method="none",
        metadata=REFRESHING,
        refresh_idle=3600,
        refresh_lifetime=2 * 3600,
    ).allowed_by(holder, OFFLINE)
    token = rp.tokens(scope=OFFLINE)["refresh_token"]
    for _ in range(3):
        clock.advance(minutes=39)
        token = refreshed(rp, token)["refresh_token"]
    clock.advance(minutes=3)
    assert error(refresh(rp, token)) == "invalid_grant"


def test_a_shorter_life_counts_for_tokens_that_are_out(
    each: RelyingParty, site: Site, clock: MovableClock
) -> None:
    token = each.tokens(scope=OFFLINE)["refresh_token"]
    clock.advance(days=2)
    with writing(site.database) as connection:
        connection.execute(update(clients).values(refresh_lifetime=24 * 3600))
    assert error(refresh(each, token)) == "invalid_grant"


# Decisions 1.2: what ends a grant ends its refresh tokens at once


def _device(site: Site, holder: Holder, clock: MovableClock) -> None:
    with writing(site.database) as connection:
        connection.execute(update(devices).values(status="suspended"))


def _person(site: Site, holder: Holder, clock: MovableClock) -> None:
    with writing(site.database) as connection:
        connection.execute(update(persons).values(deceased=True))


def _grant(site: Site, holder: Holder, clock: MovableClock) -> None:
    with writing(site.database) as connection:
        for grant_id in connection.execute(select(grants.c.id)).scalars().all():
            revoke_grant(connection, grant_id, clock.now)


def _client(site: Site, holder: Holder, clock: MovableClock) -> None:
    with writing(site.database) as connection:
        connection.execute(update(clients).values(ended_at=clock.now))


@pytest.mark.parametrize("scope", ["openid profile", OFFLINE])
@pytest.mark.parametrize(
    ("end", "status"), [(_device, 400), (_person, 400), (_grant, 400), (_client, 401)]
)
def test_what_ends_a_grant_ends_its_refresh_token(
    each: RelyingParty,
    site: Site,
    holder: Holder,
    clock: MovableClock,
    end: Callable[[Site, Holder, MovableClock], None],
    status: int,
    scope: str,
) -> None:
    token = each.tokens(scope=scope)["refresh_token"]
    end(site, holder, clock)
    assert refresh(each, token).status_code == status


@pytest.mark.parametrize(("scope", "status"), [("openid profile", 400), (OFFLINE, 200)])
def test_signing_out_ends_online_grants_alone(
    each: RelyingParty, site: Site, holder: Holder, clock: MovableClock, scope: str, status: int
) -> None:  # Core §11
    token = each.tokens(scope=scope)["refresh_token"]
    with writing(site.database) as connection:
        end_session(connection, holder.session.id, clock.now)
    assert refresh(each, token).status_code == status


def test_a_device_that_comes_back_brings_no_refresh_token_back(
    each: RelyingParty, site: Site, holder: Holder, clock: MovableClock
) -> None:
    token = each.tokens(scope=OFFLINE)["refresh_token"]
    clock.advance(minutes=1)
    with writing(site.database) as connection:
        end_session(connection, holder.session.id, clock.now)
        connection.execute(update(devices).values(resumed_at=clock.now))
    assert refresh(each, token).status_code == 400


# RFC 9449 §5, decisions 4.9: bound to a key


def proven(
    rp: RelyingParty, refresh_token: str | None, key: DpopKey | None, **form: str
) -> Response:
    """The answer of /token to a code or refresh token, with a DPoP proof by this key."""
    address = rp.site.settings.issuer + "/token"
    headers = {} if key is None else {"DPoP": key.proof("POST", address, rp.site.clock())}
    fields = {"client_id": rp.client.client_id, "grant_type": "refresh_token"}
    if rp.client_secret:
        headers["Authorization"] = basic(rp.client.client_id, rp.client_secret)
    if refresh_token is not None:
        fields["refresh_token"] = refresh_token
    return rp.browser.post("/token", data=fields | form, headers=headers)


def first_of(rp: RelyingParty, key: DpopKey) -> str:
    """The refresh token that came with a code and a proof by this key."""
    form = {
        "grant_type": "authorization_code",
        "code": rp.code(),
        "redirect_uri": rp.redirect_uri,
        "code_verifier": VERIFIER,
    }
    answer = proven(rp, None, key, **form)
    assert answer.json()["token_type"] == "DPoP", answer.text
    token: str = answer.json()["refresh_token"]
    return token


def test_a_public_clients_token_is_bound_to_its_key_and_not_replaced(
    public: RelyingParty, clock: MovableClock
) -> None:
    key = DpopKey()
    token = first_of(public, key)
    for _ in range(2):
        clock.advance(seconds=30)
        answer = proven(public, token, key).json()
        assert (answer["token_type"], answer["refresh_token"]) == ("DPoP", token)
        assert segment(answer["access_token"], 1)["cnf"] == {"jkt": key.jkt}


@pytest.mark.parametrize("key", [None, DpopKey()], ids=["no proof", "another key"])
def test_a_bound_token_without_its_key_is_refused_and_stays(
    public: RelyingParty, key: DpopKey | None
) -> None:
    own = DpopKey()
    token = first_of(public, own)
    assert error(proven(public, token, key)) == "invalid_grant"
    assert proven(public, token, own).status_code == 200


def test_a_bearer_token_is_bound_once_its_client_has_a_key(public: RelyingParty) -> None:
    key = DpopKey()
    successor = proven(public, public.tokens()["refresh_token"], key).json()["refresh_token"]
    assert error(refresh(public, successor)) == "invalid_grant"
    assert proven(public, successor, key).json()["refresh_token"] == successor


def test_the_answer_is_given_again_to_the_same_key(public: RelyingParty, site: Site) -> None:
    key, token = DpopKey(), public.tokens()["refresh_token"]
    successor = proven(public, token, key).json()["refresh_token"]
    assert proven(public, token, key).json()["refresh_token"] == successor
    assert events(site, "application.refresh-replayed") == 0


@pytest.mark.parametrize("again", [None, DpopKey()], ids=["no proof", "another key"])
def test_an_answer_that_was_bound_to_a_key_is_given_again_to_no_other(
    public: RelyingParty, site: Site, again: DpopKey | None
) -> None:
    """Who stole a token and binds what follows to a key would never be found out: to its owner, who
    comes a moment later, that is worth nothing, and was no replay."""
    token, thief = public.tokens()["refresh_token"], DpopKey()
    successor = proven(public, token, thief).json()["refresh_token"]
    assert error(proven(public, token, again)) == "invalid_grant"
    assert events(site, "application.refresh-replayed") == 1
    assert error(proven(public, successor, thief)) == "invalid_grant"


def test_an_answer_that_was_bound_to_nothing_is_given_again_to_no_key(
    public: RelyingParty, site: Site
) -> None:
    token = public.tokens()["refresh_token"]
    refreshed(public, token)
    assert error(proven(public, token, DpopKey())) == "invalid_grant"
    assert events(site, "application.refresh-replayed") == 1


def test_of_two_at_once_with_different_keys_one_is_answered_and_then_all_is_revoked(
    public: RelyingParty, site: Site
) -> None:
    token = public.tokens()["refresh_token"]
    keys = iter([DpopKey(), DpopKey()])
    answers = at_once(lambda: proven(public, token, next(keys)), threads=2)
    statuses = sorted(each.status_code for each in answers if isinstance(each, Response))
    assert statuses == [200, 400]
    assert events(site, "application.refresh-replayed") == 1
    with reading(site.database) as connection:
        assert connection.execute(select(grants.c.revoked_at)).scalar_one() is not None


def test_a_confidential_client_may_change_its_key(confidential: RelyingParty) -> None:
    """RFC 9449 §5: its refresh token is bound to its authentication."""
    token, other = first_of(confidential, DpopKey()), DpopKey()
    answer = proven(confidential, token, other).json()
    assert segment(answer["access_token"], 1)["cnf"] == {"jkt": other.jkt}


def test_a_bad_proof_leaves_the_token_as_it_was(public: RelyingParty, site: Site) -> None:
    token = public.tokens()["refresh_token"]
    wrong = DpopKey().proof("GET", site.settings.issuer + "/token", site.clock())
    data = {"client_id": "app", "grant_type": "refresh_token", "refresh_token": token}
    answer = public.browser.post("/token", data=data, headers={"DPoP": wrong})
    assert error(answer) == "invalid_dpop_proof"
    assert stored(site) == 1
    assert refresh(public, token).status_code == 200
