"""What a capacity costs in statements and commits; who acts as a citizen pays nothing for it."""

import pytest
from starlette.testclient import TestClient

from authn.web.site import Site
from tests.citizen import SSIN
from tests.conftest import MovableClock
from tests.oidc.acting import Acting, acting, change_resource
from tests.oidc.relying_party import Holder
from tests.oidc.resource_servers import API, ResourceServer, application, resource_server
from tests.oidc.test_cost import counted
from tests.oidc.test_profile_switch_by_exchange import sub_of, switching
from tests.oidc.test_profiles_at_every_use import REFRESHED, refreshed
from tests.oidc.test_profiles_in_tokens import SCOPE
from tests.oidc.test_rfc8693_token_exchange import exchange

pytestmark = pytest.mark.thorough


@pytest.fixture
def api(site: Site, backchannel: TestClient) -> ResourceServer:
    return resource_server(site, backchannel)


@pytest.fixture
def hanne(site: Site, client: TestClient, holder: Holder, api: ResourceServer) -> Acting:
    """At an application that was here before: keys are read, every `sub` exists."""
    made = acting(site, application(site, client, scope=SCOPE), holder, SSIN)
    for word in ("citizen", "mandate"):
        made.tokens(word, scope=f"{SCOPE} offline_access", resource=(API,))
    return made


def statements(seen: list[str]) -> int:
    return len(seen) - seen.count("COMMIT")


# What each kind costs beside a citizen: a quality its own row, a mandate that of the mandator, when
# the register was last heard of them, and the row as it is then.
MORE = [("citizen", 0), ("quality", 1), ("mandate", 4)]


@pytest.mark.parametrize(("word", "more"), MORE)
def test_a_code(site: Site, hanne: Acting, word: str, more: int) -> None:
    code = hanne.code(word)
    with counted(site) as seen:
        assert hanne.rp.redeem(code).status_code == 200
    assert statements(seen) == 4 + more, seen  # client; code, grant; refresh token
    assert seen.count("COMMIT") == 1


@pytest.mark.parametrize(("word", "more"), MORE)
def test_a_refresh(site: Site, hanne: Acting, word: str, more: int) -> None:
    token = hanne.tokens(word, scope=REFRESHED)["refresh_token"]
    with counted(site) as seen:
        assert refreshed(hanne, token).status_code == 200
    assert statements(seen) == 2 + more, seen  # client; token with its grant
    assert seen.count("COMMIT") == 0


@pytest.mark.parametrize(("word", "more"), [("citizen", 0), ("quality", 1), ("mandate", 2)])
def test_userinfo(site: Site, hanne: Acting, word: str, more: int) -> None:
    token = hanne.tokens(word)["access_token"]
    with counted(site) as seen:
        assert hanne.rp.userinfo(token).status_code == 200
    assert len(seen) == 1 + more, seen  # the grant; the profile, whom it is for


@pytest.mark.parametrize("form", ["jwt", "opaque"])
@pytest.mark.parametrize(("word", "more"), [("citizen", 0), ("quality", 1), ("mandate", 1)])
def test_introspection(
    site: Site, hanne: Acting, api: ResourceServer, word: str, more: int, form: str
) -> None:
    change_resource(site, API, token_format=form)
    token = hanne.tokens(word, scope="letters", resource=(API,))["access_token"]
    with counted(site) as seen:
        assert api.learns(token)["active"]
    assert len(seen) == 2 + more, seen  # client; grant and resource; the profile


@pytest.mark.parametrize(("word", "more"), [("citizen", 0), ("quality", 1), ("mandate", 2)])
def test_introspection_by_a_resource_that_reads_the_capacity(
    site: Site, hanne: Acting, api: ResourceServer, word: str, more: int
) -> None:
    change_resource(site, API, reads_profile=True)
    token = hanne.tokens(word, scope="letters", resource=(API,))["access_token"]
    with counted(site) as seen:
        assert api.learns(token)["userProfile"]
    assert len(seen) == 3 + more, seen  # and the person, by name


def test_an_answer_that_is_due_is_fetched_once(
    site: Site, hanne: Acting, api: ResourceServer, clock: MovableClock
) -> None:
    token = hanne.tokens("mandate", scope=REFRESHED)["refresh_token"]
    clock.advance(minutes=6)
    with counted(site) as seen:
        assert refreshed(hanne, token).status_code == 200
    assert seen.count("COMMIT") == 1
    with counted(site) as seen:
        assert refreshed(hanne, token).status_code == 200
    assert seen.count("COMMIT") == 0


def test_a_switch(site: Site, hanne: Acting, api: ResourceServer) -> None:
    rp = switching(site, hanne)
    token = hanne.tokens(scope="letters", resource=(API,))["access_token"]
    wanted = sub_of(hanne.profiles["mandate"], rp.client.sector_identifier)
    assert exchange(rp, token, requested_subject=wanted).status_code == 200
    with counted(site) as seen:
        assert exchange(rp, token).status_code == 200
    plain = statements(seen)
    with counted(site) as seen:
        assert exchange(rp, token, requested_subject=wanted).status_code == 200
    # What is due, and the profiles; the mandator, when the register was heard of them, and their
    # row and `sub`; that it was a switch.
    assert statements(seen) == plain + 7, seen
    assert seen.count("COMMIT") == 1


def test_the_list_costs_two_statements_and_its_record(
    site: Site, hanne: Acting, api: ResourceServer
) -> None:
    change_resource(site, API, may_read_ssin=True)
    token = hanne.tokens(scope="letters ssin", resource=(API,))["access_token"]
    with counted(site) as seen:
        api.learns(token)
    without = statements(seen)
    change_resource(site, API, reads_may_act=True)
    with counted(site) as seen:
        assert len(api.learns(token)["may_act"]) == 3
    # What is due, the profiles; two people who are known here and their numbers; the record of the
    # list, and of each number.
    assert statements(seen) == without + 2 + 4 + 3, seen
    assert seen.count("COMMIT") == 1
