"""What happens at one moment to one refresh token: never two families, nor one that outlives its
grant (decisions 4.9, RFC 9700 §4.14). On both databases, over HTTP, at the same moment."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from itertools import count

import pytest
from httpx2 import Response
from sqlalchemy import select, update
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.db.transaction import reading, writing
from authn.devices.tables import devices
from authn.grants.grants import revoke_grants_at_client
from authn.grants.refresh_tokens import forget_old_refresh_tokens
from authn.grants.tables import grants, refresh_tokens
from authn.keys.signing_keys import ensure_signing_keys
from authn.sessions.sessions import end_session
from authn.web.site import Site
from tests.citizen import ORIGIN
from tests.conftest import MovableClock
from tests.oidc.refreshing import OFFLINE, PUBLIC_CLIENT, events, refresh, refreshed
from tests.oidc.relying_party import Holder, RelyingParty, hold_device, register
from tests.together import at_once

pytestmark = pytest.mark.thorough

ROUNDS = 4


@pytest.fixture
def holder(site: Site, client: TestClient) -> Holder:
    """Hanne, signed in."""
    ensure_signing_keys(site.database, site.secrets, site.clock())
    return hold_device(site, client)


@pytest.fixture
def public(site: Site, client: TestClient, holder: Holder) -> RelyingParty:
    """A public client whose refresh tokens are replaced at each use."""
    return register(site, client, **PUBLIC_CLIENT).allowed_by(holder, OFFLINE)


@pytest.fixture
def callers(app: Starlette) -> Iterator[list[TestClient]]:
    """Several programs that call us."""
    with ExitStack() as opened:
        yield [
            opened.enter_context(TestClient(app, base_url=ORIGIN, follow_redirects=False))
            for _ in range(4)
        ]


def refreshed_at_once(
    public: RelyingParty, callers: list[TestClient], token: str
) -> list[Response]:
    """What each caller got for one and the same token."""
    turn = count()

    def act() -> Response:
        return refresh(public, token, callers[next(turn)])

    return [each for each in at_once(act, len(callers)) if isinstance(each, Response)]


def test_two_at_once_get_one_and_the_same_successor(
    site: Site, public: RelyingParty, callers: list[TestClient]
) -> None:
    for _ in range(ROUNDS):
        token = public.tokens()["refresh_token"]
        answers = refreshed_at_once(public, callers[:2], token)
        assert [each.status_code for each in answers] == [200, 200]
        successors = {each.json()["refresh_token"] for each in answers}
        assert len(successors) == 1
        assert refresh(public, successors.pop()).status_code == 200
    assert events(site, "application.refresh-replayed") == 0


def test_of_many_at_once_two_are_answered_and_then_all_is_revoked(
    site: Site, public: RelyingParty, callers: list[TestClient]
) -> None:
    for turn in range(1, ROUNDS + 1):
        token = public.tokens()["refresh_token"]
        answers = refreshed_at_once(public, callers, token)
        statuses = Counter(each.status_code for each in answers)
        # The third that comes ends it: before the second was answered, or after.
        assert statuses[200] in (1, 2)
        assert statuses[200] + statuses[400] == len(callers)
        successors = {each.json()["refresh_token"] for each in answers if each.status_code == 200}
        assert len(successors) == 1
        assert refresh(public, successors.pop()).status_code == 400
        assert events(site, "application.refresh-replayed") == turn


def _unlink(site: Site, holder: Holder) -> None:
    with writing(site.database) as connection:
        connection.execute(update(devices).values(status="unlinked"))


def _sign_out(site: Site, holder: Holder) -> None:
    with writing(site.database) as connection:
        end_session(connection, holder.session.id, site.clock())


def _withdraw(site: Site, holder: Holder) -> None:
    with writing(site.database) as connection:
        revoke_grants_at_client(connection, holder.person.id, "app", site.clock())


@pytest.mark.parametrize("end", [_unlink, _sign_out, _withdraw])
def test_what_is_refreshed_while_its_grant_ends_is_dead(
    site: Site,
    public: RelyingParty,
    holder: Holder,
    callers: list[TestClient],
    end: Callable[[Site, Holder], None],
) -> None:
    tokens = [public.tokens()["refresh_token"] for _ in range(2)]
    turn = count()

    def act() -> Response | None:
        mine = next(turn)
        if mine > 0:
            return refresh(public, tokens[mine - 1], callers[mine])
        end(site, holder)
        return None

    answers = [each for each in at_once(act, 3) if isinstance(each, Response)]
    for token, answer in zip(tokens, answers, strict=True):
        assert answer.status_code in (200, 400)
        assert refresh(public, token).status_code == 400
        if answer.status_code == 200:  # it was first
            assert refresh(public, answer.json()["refresh_token"]).status_code == 400
            assert public.userinfo(answer.json()["access_token"]).status_code == 401
    with reading(site.database) as connection:
        statement = select(refresh_tokens.c.grant_id).join(
            grants, grants.c.id == refresh_tokens.c.grant_id
        )
        assert len(set(connection.execute(statement).scalars())) == 2


def test_revoking_against_a_refresh(
    site: Site, public: RelyingParty, callers: list[TestClient]
) -> None:
    for _ in range(ROUNDS):
        token = public.tokens()["refresh_token"]
        turn = count()

        def act(token: str = token, turn: Iterator[int] = turn) -> tuple[int, Response]:
            mine = next(turn)
            if mine == 0:
                data = {"token": token, "client_id": "app"}
                return mine, callers[0].post("/revoke", data=data)
            return mine, refresh(public, token, callers[1])

        answers = dict(each for each in at_once(act, 2) if isinstance(each, tuple))
        assert answers[0].status_code == 200
        if answers[1].status_code == 200:
            assert refresh(public, answers[1].json()["refresh_token"]).status_code == 400
        assert refresh(public, token).status_code == 400


# What is stored


def test_a_dump_gives_no_successor_to_who_has_an_old_token(
    site: Site, public: RelyingParty
) -> None:  # decisions 4.9, 8.7
    token = public.tokens()["refresh_token"]
    successor = refreshed(public, token)["refresh_token"]
    with reading(site.database) as connection:
        rows = connection.execute(select(refresh_tokens)).all()
    assert len(rows) == 2
    sealed = {bytes(row.successor_sealed) for row in rows if row.successor_sealed}
    assert len(sealed) == 1
    dumped = str(rows).encode() + b"".join(sealed)
    for secret in (token, successor):
        assert secret.encode() not in dumped


def test_a_successor_that_was_given_again_is_stored_no_more(
    site: Site, public: RelyingParty
) -> None:
    token = public.tokens()["refresh_token"]
    refreshed(public, token)
    refreshed(public, token)
    with reading(site.database) as connection:
        sealed = connection.execute(select(refresh_tokens.c.successor_sealed)).scalars().all()
    assert sealed == [None, None]


def test_the_last_use_is_written_once_a_day_at_most(
    site: Site, client: TestClient, holder: Holder, clock: MovableClock
) -> None:
    metadata = PUBLIC_CLIENT["metadata"]
    rp = register(site, client, client_id="hospital", scope=OFFLINE, metadata=metadata)
    token = rp.allowed_by(holder, OFFLINE).tokens(scope=OFFLINE)["refresh_token"]
    began, written = clock.now, []
    for _ in range(6):
        clock.advance(minutes=12 * 60)
        refreshed(rp, token)
        with reading(site.database) as connection:
            written.append(connection.execute(select(refresh_tokens.c.last_used_at)).scalar_one())
    days = [(moment - began) // timedelta(days=1) for moment in written]
    assert days == [0, 1, 1, 2, 2, 3]


def test_what_nobody_can_use_or_replay_any_more_is_forgotten(
    site: Site, public: RelyingParty, clock: MovableClock
) -> None:
    token = public.tokens(scope=OFFLINE)["refresh_token"]
    current = refreshed(public, token)["refresh_token"]
    clock.advance(days=29)
    current = refreshed(public, current)["refresh_token"]

    def forgotten() -> int:
        with writing(site.database) as connection:
            return forget_old_refresh_tokens(connection, clock.now)

    assert forgotten() == 0
    clock.advance(days=2)
    assert forgotten() == 1  # the first one: nobody who had it can have waited so long
    assert refresh(public, token).status_code == 400
    assert refresh(public, current).status_code == 200
    clock.advance(days=33)
    assert forgotten() == 3
