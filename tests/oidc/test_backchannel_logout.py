"""OpenID Connect Back-Channel Logout 1.0
(https://openid.net/specs/openid-connect-backchannel-1_0.html), decisions 4.15, 7."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey
from sqlalchemy import func, select, text
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.app import create_app
from authn.clients.client_metadata import ClientMetadata
from authn.db.transaction import reading, writing
from authn.devices.installations import end_installation
from authn.devices.life import suspend, suspend_all, unlink
from authn.foreign_jwt import ExchangeKey, decrypt_jwe
from authn.grants.endings import ended_sessions
from authn.grants.endings.ended_grants import end_client
from authn.grants.endings.ended_sessions import (
    REMEMBERED,
    has_ended_sessions,
    notify_of_ended_sessions,
)
from authn.jose import verify
from authn.keys.signing_keys import load_keys
from authn.oidc.security_events import backchannel_logout
from authn.oidc.security_events.backchannel_logout import EVENT, TYP, backchannel_work
from authn.outbox import destinations
from authn.outbox.destinations import run_once
from authn.outbox.outbox import OutboxEntry, list_unsent, outbox
from authn.outbox.worker import MOST_TRIES, OutboxReport
from authn.people.persons import find_or_create_person
from authn.sessions.opening import end_surplus_sessions
from authn.sessions.sessions import end_session
from authn.settings import Settings
from authn.web.outgoing import OutgoingClient, OutgoingTimeouts
from authn.web.site import Site
from tests.citizen import HANNE, KARIM, ORIGIN, Screen, enrolled
from tests.conftest import MovableClock
from tests.logout_receiver import LogoutReceiver, receiving
from tests.occasion import job
from tests.oidc.relying_party import Holder, RelyingParty, hold_device, segment, sign_in
from tests.patience import SECONDS, until
from tests.together import at_once

pytestmark = pytest.mark.thorough

MakeRP = Callable[..., RelyingParty]
Act = Callable[[Site, Holder], object]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The receiver is on this machine, which only a test bed allows."""
    return settings.model_copy(update={"private_hosts": frozenset({"localhost"})})


@pytest.fixture
def receiver() -> Iterator[LogoutReceiver]:
    with receiving() as running:
        yield running


def told_at(receiver: LogoutReceiver, path: str = "/logout", **more: Any) -> ClientMetadata:
    """The metadata of a client that wants to hear of sign-outs there."""
    return ClientMetadata(backchannel_logout_uri=receiver.address + path, **more)


@pytest.fixture
def rp(make_rp: MakeRP, receiver: LogoutReceiver, holder: Holder) -> RelyingParty:
    """A client that wants to hear of sign-outs, and that Hanne uses."""
    return make_rp(client_id="hospital", metadata=told_at(receiver)).allowed_by(holder)


def tell(site: Site) -> OutboxReport:
    """What the worker does once."""
    return run_once(backchannel_work(site))


def waiting(site: Site) -> list[OutboxEntry]:
    with reading(site.database) as connection:
        return [each for each in list_unsent(connection) if each.kind == "backchannel-logout"]


def sign_out(client: TestClient) -> None:
    assert Screen(client).post_form("/sign-out").status_code == 303


def test_the_logout_token_says_who_was_signed_out_of_what(
    site: Site,
    rp: RelyingParty,
    client: TestClient,
    receiver: LogoutReceiver,
    clock: MovableClock,
) -> None:  # §2.4
    id_token = rp.tokens()["id_token"]
    sign_out(client)
    clock.advance(seconds=30)
    assert tell(site) == OutboxReport(sent=1)
    (token,) = receiver.tokens
    with reading(site.database) as connection:
        keys = load_keys(connection, site.secrets)
    claims = verify(token, keys.by_kid, TYP)
    told = segment(id_token, 1)
    assert claims == {
        "iss": ORIGIN,
        "sub": told["sub"],
        "sid": told["sid"],
        "aud": "hospital",
        "iat": int(clock().timestamp()),
        "exp": int((clock() + timedelta(minutes=2)).timestamp()),
        "jti": claims["jti"],
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    }
    assert len(claims["jti"]) >= 22
    assert EVENT in claims["events"]
    assert segment(token, 0) == segment(id_token, 0) | {"typ": "logout+jwt"}


def test_it_comes_as_a_form_with_nothing_else(
    site: Site, rp: RelyingParty, client: TestClient, receiver: LogoutReceiver
) -> None:  # §2.5
    rp.tokens()
    sign_out(client)
    tell(site)
    (received,) = receiver.received
    assert received.path == "/logout"
    assert received.headers["content-type"] == "application/x-www-form-urlencoded"
    assert list(received.form) == ["logout_token"]
    assert not {"cookie", "authorization"} & set(received.headers)


@pytest.mark.parametrize("alg", ["RS256", "PS256", "EdDSA"])
@pytest.mark.one_engine
def test_it_is_signed_as_the_client_s_id_tokens_are(
    site: Site,
    make_rp: MakeRP,
    holder: Holder,
    client: TestClient,
    receiver: LogoutReceiver,
    alg: str,
) -> None:  # §2.4
    rp = make_rp(id_token_signed_response_alg=alg, metadata=told_at(receiver))
    rp.allowed_by(holder).tokens()
    sign_out(client)
    tell(site)
    assert segment(receiver.tokens[0], 0)["alg"] == alg


@pytest.mark.one_engine
def test_it_is_encrypted_where_the_client_s_id_tokens_are(
    site: Site, make_rp: MakeRP, holder: Holder, client: TestClient, receiver: LogoutReceiver
) -> None:  # §2.4
    key = ECKey.generate_key("P-256", private=True)
    public = {**key.as_dict(private=False), "kid": "mine", "use": "enc", "alg": "ECDH-ES"}
    encrypted: dict[str, Any] = {
        "jwks": {"keys": [public]},
        "id_token_encrypted_response_alg": "ECDH-ES",
        "id_token_encrypted_response_enc": "A256GCM",
    }
    rp = make_rp(metadata=told_at(receiver, **encrypted)).allowed_by(holder)
    rp.tokens()
    sign_out(client)
    tell(site)
    (token,) = receiver.tokens
    assert segment(token, 0)["cty"] == "JWT"
    inside = decrypt_jwe(token, [ExchangeKey("mine", "enc", "ECDH-ES", key)], ["ECDH-ES"])
    assert segment(inside, 1)["aud"] == rp.client.client_id
    assert segment(inside, 0)["typ"] == "logout+jwt"


def test_each_attempt_has_a_token_of_its_own(
    site: Site,
    rp: RelyingParty,
    client: TestClient,
    receiver: LogoutReceiver,
    clock: MovableClock,
) -> None:  # decisions 4.15
    rp.tokens()
    sign_out(client)
    receiver.status["/logout"] = 503
    assert tell(site) == OutboxReport(put_off=1)
    receiver.status.clear()
    clock.advance(minutes=2)
    assert tell(site) == OutboxReport(sent=1)
    first, second = (segment(token, 1) for token in receiver.tokens)
    assert first["jti"] != second["jti"]
    assert second["exp"] - first["exp"] == 120
    assert {**first, "jti": 0, "iat": 0, "exp": 0} == {**second, "jti": 0, "iat": 0, "exp": 0}


@pytest.mark.parametrize("status", [200, 204])
def test_taken_is_done(
    site: Site,
    rp: RelyingParty,
    client: TestClient,
    receiver: LogoutReceiver,
    clock: MovableClock,
    status: int,
) -> None:  # §2.8
    receiver.status["/logout"] = status
    rp.tokens()
    sign_out(client)
    assert tell(site) == OutboxReport(sent=1)
    assert waiting(site) == []
    clock.advance(days=1)
    assert tell(site) == OutboxReport()


@pytest.mark.parametrize("status", [201, 302, 303, 400, 401, 404, 429, 500, 501, 503])
@pytest.mark.one_engine
def test_anything_else_is_tried_again(
    site: Site, rp: RelyingParty, client: TestClient, receiver: LogoutReceiver, status: int
) -> None:  # §2.8
    receiver.status["/logout"] = status
    receiver.headers["Location"] = receiver.address + "/elsewhere"
    rp.tokens()
    sign_out(client)
    assert tell(site) == OutboxReport(put_off=1)
    (entry,) = waiting(site)
    assert (entry.state, entry.tries, entry.destination) == ("waiting", 1, "hospital")
    assert [each.path for each in receiver.received] == ["/logout"], "no redirect is followed"


def test_what_was_never_taken_is_a_dead_letter(
    site: Site,
    rp: RelyingParty,
    client: TestClient,
    receiver: LogoutReceiver,
    clock: MovableClock,
) -> None:
    receiver.status["/logout"] = 400
    rp.tokens()
    sign_out(client)
    for _ in range(MOST_TRIES):
        tell(site)
        clock.advance(days=1)
    (entry,) = waiting(site)
    assert (entry.state, entry.last_error) == ("dead", "status 400")


@pytest.mark.one_engine
def test_an_answer_that_never_ends_is_not_read(
    site: Site, rp: RelyingParty, client: TestClient, receiver: LogoutReceiver
) -> None:
    receiver.body = b"x" * 17 * 1024
    rp.tokens()
    sign_out(client)
    assert tell(site) == OutboxReport(put_off=1)
    assert waiting(site)[0].last_error == "an answer that is too large"


@pytest.mark.parametrize("address", ["http://127.0.0.1:{port}/logout", "http://10.0.0.1/logout"])
@pytest.mark.one_engine
def test_only_public_addresses_are_called(
    site: Site,
    make_rp: MakeRP,
    holder: Holder,
    client: TestClient,
    receiver: LogoutReceiver,
    address: str,
) -> None:  # else our server is led to addresses inside the network
    uri = address.format(port=receiver.address.rpartition(":")[2])
    rp = make_rp(metadata=ClientMetadata(backchannel_logout_uri=uri))
    rp.allowed_by(holder).tokens()
    sign_out(client)
    assert tell(site) == OutboxReport(put_off=1)
    assert receiver.received == []


def test_a_slow_application_does_not_hold_up_the_others(
    site: Site,
    make_rp: MakeRP,
    holder: Holder,
    client: TestClient,
    receiver: LogoutReceiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(destinations, "POLL_SECONDS", 0.02)
    patient = OutgoingClient(OutgoingTimeouts(SECONDS, SECONDS, SECONDS))
    monkeypatch.setattr(backchannel_logout, "OutgoingClient", lambda: patient)
    gate = threading.Event()
    receiver.before = lambda path: gate.wait(SECONDS) if path == "/slow" else None
    for name in ("slow", "one", "two", "three", "four", "five"):
        rp = make_rp(client_id=name, metadata=told_at(receiver, f"/{name}"))
        rp.allowed_by(holder).tokens()
    sign_out(client)
    with destinations.run_in_background(backchannel_work(site)):
        until(lambda: len(receiver.received) == 6)
        until(lambda: [each.destination for each in waiting(site)] == ["slow"])
        gate.set()
        until(lambda: waiting(site) == [])


def in_another_browser(site: Site, app: Starlette, rp: RelyingParty, holder: Holder) -> Holder:
    """The same person, signed in with the same device elsewhere, uses the application there."""
    browser = TestClient(app, base_url=ORIGIN, follow_redirects=False)
    there = sign_in(site, browser, holder.held)
    RelyingParty(site, browser, rp.client, rp.client_secret).tokens()
    return there


# What ends a session (decisions 7), and that its applications are told


def by_device(site: Site, holder: Holder, act: Callable[..., object], *arguments: Any) -> None:
    with writing(site.database) as connection:
        act(job(site, connection), holder.held.device, *arguments)


def on_person(site: Site, holder: Holder, act: Callable[..., object], *arguments: Any) -> None:
    with writing(site.database) as connection:
        act(job(site, connection), holder.person.id, *arguments)


def end_its_installation(site: Site, holder: Holder) -> None:
    session = holder.session
    with writing(site.database) as connection:
        end_installation(connection, session.device_id, session.installation_id, site.clock())


def die(site: Site, holder: Holder) -> None:
    with writing(site.database) as connection:
        find_or_create_person(connection, site.secrets, replace(HANNE, deceased=True), site.clock())


ACTS: dict[str, Act] = {
    "end one installation": end_its_installation,
    "suspend a device": lambda site, holder: by_device(site, holder, suspend, "desk", "desk"),
    "unlink a device": lambda site, holder: by_device(site, holder, unlink, "desk"),
    "the emergency door": lambda site, holder: on_person(
        site, holder, suspend_all, "door", "emergency"
    ),
    "its key was copied": lambda site, holder: by_device(
        site, holder, suspend, "system", "counter"
    ),
    "a person deceased": die,
}


@pytest.mark.parametrize("name", ACTS)
def test_the_applications_of_the_session_are_told_of(
    site: Site, rp: RelyingParty, holder: Holder, receiver: LogoutReceiver, name: str
) -> None:  # decisions 7
    id_token = rp.tokens()["id_token"]
    ACTS[name](site, holder)
    assert tell(site) == OutboxReport(sent=1)
    assert segment(receiver.tokens[0], 1)["sid"] == segment(id_token, 1)["sid"]
    with reading(site.database) as connection:
        assert not has_ended_sessions(connection)


def test_signing_out_here_is_told(
    site: Site, rp: RelyingParty, client: TestClient, receiver: LogoutReceiver
) -> None:
    rp.tokens()
    sign_out(client)
    assert tell(site) == OutboxReport(sent=1)


def test_signing_out_at_an_application_is_told_to_all_that_were_used(
    site: Site,
    rp: RelyingParty,
    make_rp: MakeRP,
    holder: Holder,
    client: TestClient,
    receiver: LogoutReceiver,
) -> None:
    other = make_rp(
        client_id="pharmacy",
        redirect_uris=["https://pharmacy.example/callback"],
        metadata=told_at(receiver, "/pharmacy"),
    ).allowed_by(holder)
    unused = make_rp(client_id="unused", metadata=told_at(receiver, "/unused"))
    unused.allowed_by(holder)
    quiet = make_rp(client_id="quiet").allowed_by(holder)
    sids = {segment(each.tokens()["id_token"], 1)["sid"] for each in (rp, other)}
    quiet.tokens()
    hint = rp.tokens()["id_token"]
    asked = client.get("/logout", params={"id_token_hint": hint}).text
    token = asked.partition('name="logout" value="')[2].partition('"')[0]
    assert Screen(client).post_form("/logout/confirm", logout=token).status_code == 200
    assert tell(site) == OutboxReport(sent=2), "each once, whatever it was given how often"
    assert {segment(each, 1)["sid"] for each in receiver.tokens} == sids
    assert {segment(each, 1)["aud"] for each in receiver.tokens} == {"hospital", "pharmacy"}
    assert len({segment(each, 1)["sub"] for each in receiver.tokens}) == 2, "pairwise"


def test_signing_out_everywhere_is_told_for_each_session(
    site: Site,
    rp: RelyingParty,
    holder: Holder,
    app: Starlette,
    client: TestClient,
    receiver: LogoutReceiver,
) -> None:
    rp.tokens()
    in_another_browser(site, app, rp, holder)
    assert Screen(client).post_form("/sign-out/everywhere").status_code == 303
    assert tell(site) == OutboxReport(sent=2)
    assert len({segment(each, 1)["sid"] for each in receiver.tokens}) == 2


@pytest.mark.usefixtures("register")
def test_a_session_that_another_person_s_replaces_is_told(
    site: Site,
    make_rp: MakeRP,
    client: TestClient,
    receiver: LogoutReceiver,
) -> None:
    rp = make_rp(client_id="hospital", metadata=told_at(receiver))
    rp.allowed_by(hold_device(site, client, HANNE)).tokens()
    enrolled(site, client, KARIM)
    assert tell(site) == OutboxReport(sent=1)


def test_a_session_too_many_is_told(
    site: Site,
    rp: RelyingParty,
    holder: Holder,
    client: TestClient,
    receiver: LogoutReceiver,
    clock: MovableClock,
) -> None:
    rp.tokens()
    few = site.settings.model_copy(update={"sessions_per_device": 1})
    with writing(site.database) as connection:
        end_surplus_sessions(connection, few, holder.held.device.id, clock())
    assert tell(site) == OutboxReport(sent=1)


# What ends no session


def test_a_session_that_expires_by_itself_is_not_told(
    site: Site, rp: RelyingParty, client: TestClient, clock: MovableClock
) -> None:
    rp.tokens()
    clock.advance(days=40)
    assert client.get("/devices").status_code == 303
    assert tell(site) == OutboxReport()


def test_a_device_that_ends_is_told_for_sessions_that_had_expired_too(
    site: Site, rp: RelyingParty, holder: Holder, clock: MovableClock, receiver: LogoutReceiver
) -> None:
    """The application's own session may go on: a thief could have it."""
    rp.tokens()
    clock.advance(days=REMEMBERED.days - 1)
    by_device(site, holder, unlink, "desk")
    assert tell(site) == OutboxReport(sent=1)


def test_what_was_given_long_ago_is_not_told(
    site: Site, rp: RelyingParty, holder: Holder, clock: MovableClock
) -> None:
    rp.tokens()
    clock.advance(days=REMEMBERED.days + 1)
    by_device(site, holder, unlink, "desk")
    assert tell(site) == OutboxReport()


def test_withdrawing_an_application_tells_it_and_signs_nobody_out(
    site: Site, rp: RelyingParty, client: TestClient, receiver: LogoutReceiver
) -> None:
    told = segment(rp.tokens()["id_token"], 1)
    assert Screen(client).post_form("/applications/hospital/withdraw").status_code == 303
    assert tell(site) == OutboxReport(sent=1)
    claims = segment(receiver.tokens[0], 1)
    assert (claims["sub"], claims["sid"]) == (told["sub"], told["sid"])
    assert client.get("/devices").status_code == 200


def test_a_client_that_has_ended_is_told_nothing(
    site: Site, rp: RelyingParty, client: TestClient, receiver: LogoutReceiver
) -> None:
    rp.tokens()
    with writing(site.database) as connection:
        end_client(connection, site.secrets, "hospital", site.clock())
    sign_out(client)
    assert tell(site) == OutboxReport()
    assert receiver.received == []


def test_a_client_that_ends_while_it_waits_is_told_nothing(
    site: Site, rp: RelyingParty, client: TestClient, receiver: LogoutReceiver
) -> None:
    rp.tokens()
    sign_out(client)
    with writing(site.database) as connection:
        assert notify_of_ended_sessions(job(site, connection)) == 1
        end_client(connection, site.secrets, "hospital", site.clock())
    assert tell(site) == OutboxReport(sent=1), "nobody is left to be told"
    assert receiver.received == []


# Once, whoever does it how often


def test_two_sign_outs_at_once_are_told_once(
    site: Site, rp: RelyingParty, holder: Holder, client: TestClient
) -> None:
    rp.tokens()

    def act() -> None:
        with writing(site.database) as connection:
            end_session(connection, holder.session.id, site.clock())
        with writing(site.database) as connection:
            notify_of_ended_sessions(job(site, connection))

    at_once(act)
    assert len(waiting(site)) == 1


def test_an_unlinking_against_a_sign_out_is_told_once(
    site: Site, rp: RelyingParty, holder: Holder, client: TestClient
) -> None:
    rp.tokens()
    turns = iter(range(100))

    def act() -> None:
        if next(turns) % 2:
            by_device(site, holder, unlink, "desk")
        else:
            with writing(site.database) as connection:
                end_session(connection, holder.session.id, site.clock())
        with writing(site.database) as connection:
            notify_of_ended_sessions(job(site, connection))

    at_once(act)
    with writing(site.database) as connection:
        notify_of_ended_sessions(job(site, connection))
    assert len(waiting(site)) == 1


def test_an_end_after_its_telling_is_not_told_again(
    site: Site, rp: RelyingParty, holder: Holder, receiver: LogoutReceiver
) -> None:
    rp.tokens()
    by_device(site, holder, suspend, "desk", "desk")
    assert tell(site) == OutboxReport(sent=1)
    with writing(site.database) as connection:
        end_session(connection, holder.session.id, site.clock())
    by_device(site, holder, unlink, "desk")
    die(site, holder)
    assert tell(site) == OutboxReport()
    assert len(receiver.received) == 1


def test_workers_at_once_tell_each_session_once(
    site: Site, app: Starlette, rp: RelyingParty, holder: Holder, receiver: LogoutReceiver
) -> None:
    for _ in range(6):
        in_another_browser(site, app, rp, holder)
    by_device(site, holder, unlink, "desk")
    at_once(lambda: tell(site), threads=4)
    sids = [segment(each, 1)["sid"] for each in receiver.tokens]
    assert len(sids) == len(set(sids)) == 6


def test_many_ends_are_told_in_several_steps(
    site: Site,
    app: Starlette,
    rp: RelyingParty,
    holder: Holder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ended_sessions, "AT_ONCE", 2)
    for _ in range(5):
        there = in_another_browser(site, app, rp, holder)
        with writing(site.database) as connection:
            end_session(connection, there.session.id, site.clock())
    assert tell(site) == OutboxReport(sent=5)


def test_a_sign_out_that_is_rolled_back_is_not_told(
    site: Site, rp: RelyingParty, holder: Holder
) -> None:
    rp.tokens()
    with pytest.raises(RuntimeError), writing(site.database) as connection:
        end_session(connection, holder.session.id, site.clock())
        raise RuntimeError
    assert tell(site) == OutboxReport()


# The service that runs


def test_the_running_service_tells_within_two_seconds(
    settings: Settings, site: Site, rp: RelyingParty, holder: Holder, receiver: LogoutReceiver
) -> None:
    rp.tokens()
    app = create_app(settings.model_copy(update={"outbox_worker": True}), clock=site.clock)
    with TestClient(app, base_url=ORIGIN, follow_redirects=False):
        with writing(site.database) as connection:
            end_session(connection, holder.session.id, site.clock())
        assert until(lambda: len(receiver.received) == 1) < 2


def test_looking_for_ends_reads_indexes_that_hold_nothing_else(site: Site) -> None:
    compiled = str(
        ended_sessions._ANY.compile(
            dialect=site.database.reader.dialect, compile_kwargs={"literal_binds": True}
        )
    )
    with writing(site.database) as connection:
        if site.database.write_lock is None:  # it would rather read a table of one page
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        explain = "EXPLAIN QUERY PLAN " if site.database.write_lock else "EXPLAIN "
        plan = str(connection.execute(text(explain + compiled)).all())
    for table in ("sessions", "installations", "persons"):
        assert f"ix_{table}_end_told_at" in plan


def test_nothing_is_written_when_nothing_has_ended(site: Site, rp: RelyingParty) -> None:
    rp.tokens()
    with reading(site.database) as connection:
        before = connection.execute(select(func.count()).select_from(outbox)).scalar()
    assert tell(site) == OutboxReport()
    with reading(site.database) as connection:
        assert connection.execute(select(func.count()).select_from(outbox)).scalar() == before
