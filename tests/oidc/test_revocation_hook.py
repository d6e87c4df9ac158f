"""Resources are told that access in somebody's name was taken back.

RFC 8417, Security Event Token (https://www.rfc-editor.org/rfc/rfc8417), pushed as RFC 8935
(https://www.rfc-editor.org/rfc/rfc8935) has it; decisions 7 for what ends what.
"""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from authn.clients.client_metadata import ClientMetadata
from authn.clients.resource_servers.exchange_pairs import ExchangePair, allow_exchange
from authn.clients.tables import resources
from authn.consents.consents import withdraw_consents
from authn.db.transaction import reading, writing
from authn.grants.endings.ended_grants import REVOCATION_HOOK, notify_of_ended_grants
from authn.jose import verify
from authn.keys.signing_keys import load_keys
from authn.oidc.security_events.revocation_hook import EVENT, MEDIA_TYPE, TYP, revocation_work
from authn.outbox.destinations import run_once
from authn.outbox.outbox import OutboxEntry, list_unsent
from authn.outbox.worker import OutboxReport
from authn.settings import Settings
from authn.web.site import Site
from tests.citizen import ORIGIN, Screen
from tests.commands import run_command
from tests.conftest import MovableClock
from tests.event_receiver import EventReceiver, receiving_events
from tests.occasion import job
from tests.oidc.apis import PRESCRIPTIONS, REPORTS, register_api, register_reports
from tests.oidc.refreshing import REFRESHING
from tests.oidc.relying_party import Holder, RelyingParty, basic, segment
from tests.together import at_once

pytestmark = pytest.mark.thorough

MakeRP = Callable[..., RelyingParty]
SCOPE = "openid read"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The receiver is on this machine, which only a test bed allows."""
    return settings.model_copy(update={"private_hosts": frozenset({"localhost"})})


@pytest.fixture
def receiver() -> Iterator[EventReceiver]:
    with receiving_events() as running:
        yield running


@pytest.fixture
def rp(site: Site, make_rp: MakeRP, receiver: EventReceiver, holder: Holder) -> RelyingParty:
    """An application that asks two resources in Hanne's name; one of them wants to hear."""
    register_api(site, revocation_hook=receiver.address + "/hook")
    register_reports(site)
    rp = make_rp(
        client_id="hospital",
        scope=f"{SCOPE} share",
        resources=[PRESCRIPTIONS, REPORTS],
        metadata=REFRESHING,
    )
    return rp.allowed_by(holder, f"openid {PRESCRIPTIONS}#read {REPORTS}#share")


def tell(site: Site) -> OutboxReport:
    """What the worker does once."""
    return run_once(revocation_work(site))


def waiting(site: Site) -> list[OutboxEntry]:
    with reading(site.database) as connection:
        return [each for each in list_unsent(connection) if each.kind == REVOCATION_HOOK]


def withdraw(client: TestClient) -> None:
    answer = Screen(client).post_form("/applications/hospital/withdraw")
    assert answer.headers["location"] == "/applications?done=withdrawn"


def token_for(rp: RelyingParty, resource: str = PRESCRIPTIONS, scope: str = SCOPE) -> str:
    token: str = rp.tokens(scope=scope, resource=resource)["access_token"]
    return token


def test_the_event_says_whose_access_of_whom_ended(
    site: Site, rp: RelyingParty, client: TestClient, receiver: EventReceiver, clock: MovableClock
) -> None:  # RFC 8417 §2.2
    sub = segment(token_for(rp), 1)["sub"]
    clock.advance(seconds=10)
    ended_at = clock()
    withdraw(client)
    clock.advance(seconds=30)
    assert tell(site) == OutboxReport(sent=1)
    (received,) = receiver.received
    assert received.path == "/hook"
    assert received.headers["content-type"] == MEDIA_TYPE
    assert not {"cookie", "authorization"} & set(received.headers)
    with reading(site.database) as connection:
        keys = load_keys(connection, site.secrets)
    claims = verify(received.token, keys.by_kid, TYP)
    assert claims == {
        "iss": ORIGIN,
        "aud": PRESCRIPTIONS,
        "iat": int(clock().timestamp()),
        "jti": claims["jti"],
        "toe": int(ended_at.timestamp()),
        "sub": sub,
        "events": {EVENT: {"client_id": "hospital"}},
    }


def test_a_resource_that_knows_nobody_hears_nothing(
    site: Site, rp: RelyingParty, client: TestClient
) -> None:
    rp.code(scope=SCOPE, resource=PRESCRIPTIONS)  # no token ever came of it
    withdraw(client)
    assert waiting(site) == []


def test_a_resource_that_was_not_asked_hears_nothing(
    site: Site, rp: RelyingParty, client: TestClient
) -> None:
    token_for(rp, REPORTS, "openid share")
    withdraw(client)
    assert waiting(site) == []


def test_each_resource_hears_once_of_many_grants(
    site: Site, rp: RelyingParty, client: TestClient
) -> None:
    for _ in range(3):
        token_for(rp)
    withdraw(client)
    assert len(waiting(site)) == 1


def test_a_resource_that_was_reached_by_exchange_hears_too(
    site: Site, rp: RelyingParty, make_rp: MakeRP, client: TestClient, receiver: EventReceiver
) -> None:
    """From hand to hand: the back end exchanges what it was sent, and the next one again."""
    exchange = ClientMetadata(grant_types=("urn:ietf:params:oauth:grant-type:token-exchange",))
    for name in ("api", "next"):
        make_rp(client_id=name, redirect_uris=[], metadata=exchange)
    last = "https://last.example/"
    register_api(site, last, revocation_hook=receiver.address + "/last")
    middle = "https://middle.example/"
    register_api(site, middle)
    with writing(site.database) as connection:
        for pair in (
            ExchangePair("api", "hospital", middle),
            ExchangePair("next", "api", last),
            ExchangePair("api", "api", middle),
        ):
            allow_exchange(connection, site.secrets, pair, site.clock())
        # It knows the person, as it does once it was sent a token.
        connection.execute(
            update(resources)
            .where(resources.c.resource == last)
            .values(sector_identifier="prescriptions.example")
        )
    token_for(rp)
    withdraw(client)
    tell(site)
    assert {each.path for each in receiver.received} == {"/hook", "/last"}


def test_it_hears_when_the_application_gives_it_back(
    site: Site, rp: RelyingParty, receiver: EventReceiver
) -> None:  # RFC 7009
    tokens = rp.tokens(scope=SCOPE, resource=PRESCRIPTIONS)
    headers = {"Authorization": basic("hospital", rp.client_secret)}
    given_back = rp.browser.post(
        "/revoke", data={"token": tokens["refresh_token"]}, headers=headers
    )
    assert given_back.status_code == 200
    assert tell(site) == OutboxReport(sent=1)


def test_what_is_refused_is_tried_again_with_the_same_jti(
    site: Site, rp: RelyingParty, client: TestClient, receiver: EventReceiver, clock: MovableClock
) -> None:
    token_for(rp)
    withdraw(client)
    receiver.status["/hook"] = 500
    assert tell(site).put_off == 1
    receiver.status["/hook"] = 202
    clock.advance(minutes=2)
    assert tell(site) == OutboxReport(sent=1)
    first, second = (segment(each.token, 1) for each in receiver.received)
    assert first["jti"] == second["jti"]
    assert first["iat"] < second["iat"]


def test_a_resource_without_a_hook_any_more_is_left_in_peace(
    site: Site, rp: RelyingParty, client: TestClient, receiver: EventReceiver
) -> None:
    token_for(rp)
    withdraw(client)
    with writing(site.database) as connection:
        connection.execute(update(resources).values(revocation_hook=""))
    assert tell(site) == OutboxReport(sent=1)
    assert receiver.received == []


@pytest.mark.parametrize(
    "address",
    ["https://127.0.0.1/hook", "https://169.254.169.254/latest", "https://[::1]/x", "gopher://x/"],
)
def test_no_address_of_this_network_is_called(
    site: Site, rp: RelyingParty, client: TestClient, address: str
) -> None:
    """Whoever wrote it there: it is the operator's word, but names can come to mean what they will
    ."""
    token_for(rp)
    withdraw(client)
    with writing(site.database) as connection:
        connection.execute(update(resources).values(revocation_hook=address))
    assert tell(site).put_off == 1


def test_it_follows_no_redirect(
    site: Site, rp: RelyingParty, client: TestClient, receiver: EventReceiver
) -> None:
    token_for(rp)
    withdraw(client)
    receiver.status["/hook"] = 302
    assert tell(site).put_off == 1
    assert [each.path for each in receiver.received] == ["/hook"]


def test_nothing_is_told_of_what_did_not_end(site: Site, rp: RelyingParty, holder: Holder) -> None:
    """A crash takes back the rows with the withdrawal."""
    token = rp.tokens(scope="openid")["access_token"]
    token_for(rp)
    with pytest.raises(RuntimeError), writing(site.database) as connection:
        withdraw_consents(job(site, connection), holder.person.id, "hospital")
        raise RuntimeError
    assert waiting(site) == []
    assert rp.userinfo(token).status_code == 200


def test_two_withdrawals_at_once_tell_once(site: Site, rp: RelyingParty, holder: Holder) -> None:
    token_for(rp)

    def act() -> int:
        with writing(site.database) as connection:
            return withdraw_consents(job(site, connection), holder.person.id, "hospital")

    assert sorted(at_once(act, 4)) == [0, 0, 0, 1]  # type: ignore[type-var]
    assert len(waiting(site)) == 1


def test_nothing_ended_tells_nobody(site: Site) -> None:
    with writing(site.database) as connection:
        notify_of_ended_grants(job(site, connection), [])
    assert waiting(site) == []


def test_the_outbox_shows_the_host_and_nobody_s_name(
    site: Site, settings: Settings, rp: RelyingParty, client: TestClient
) -> None:
    sub = segment(token_for(rp), 1)["sub"]
    withdraw(client)
    (entry,) = waiting(site)
    assert entry.destination == "localhost"
    shown = run_command(settings, "outbox", "list").stdout
    assert "revocation-hook" in shown
    assert sub not in shown


def test_the_command_tries_it(
    site: Site, settings: Settings, rp: RelyingParty, client: TestClient
) -> None:
    """In vain: where it runs, nothing on this machine may be called."""
    token_for(rp)
    withdraw(client)
    result = run_command(settings, "outbox", "send")
    assert "Put off: 1." in result.stdout, result.stderr
