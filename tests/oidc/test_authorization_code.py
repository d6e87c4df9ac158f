"""A code is redeemed once, in time, by its client, where it was asked for; and never in a chain
that has ended. RFC 6749 §4.1.2, §4.1.3 and §10.5 (https://www.rfc-editor.org/rfc/rfc6749)."""

from collections.abc import Callable
from functools import partial
from itertools import product

import pytest
from httpx2 import Response
from sqlalchemy import select, update

from authn.audit.log import audit_events
from authn.db.transaction import reading, writing
from authn.devices.tables import devices, installations
from authn.grants.tables import authorization_codes, grants
from authn.people.tables import persons
from authn.sessions.sessions import end_session
from authn.sessions.tables import sessions
from authn.web.site import Site
from tests.conftest import MovableClock
from tests.oidc.relying_party import Holder, RelyingParty, sign_in
from tests.together import at_once

MakeRP = Callable[..., RelyingParty]


def events(site: Site) -> list[tuple[str, str]]:
    with reading(site.database) as connection:
        rows = connection.execute(select(audit_events).order_by(audit_events.c.id))
        return [(row.event, row.details) for row in rows if row.event.startswith("application.")]


def responses(act: Callable[[], Response], threads: int) -> list[Response]:
    """What each of the threads got."""
    return [each for each in at_once(act, threads) if isinstance(each, Response)]


@pytest.mark.parametrize(
    ("own_client", "redirect_uri", "expired", "used"), list(product([True, False], repeat=4))
)
def test_client_redirect_expiry_and_reuse_must_all_be_right(
    site: Site,
    rp: RelyingParty,
    make_rp: MakeRP,
    holder: Holder,
    clock: MovableClock,
    own_client: bool,
    redirect_uri: bool,
    expired: bool,
    used: bool,
) -> None:
    """The matrix: exactly one of the sixteen is redeemed."""
    thief = make_rp(client_id="thief")
    code = rp.allowed_by(holder).code()
    if used:
        assert rp.redeem(code).status_code == 200
    if expired:
        clock.advance(seconds=60)
    where = rp.redirect_uri if redirect_uri else "https://hospital.example/other"
    answer = (rp if own_client else thief).redeem(code, redirect_uri=where)
    if own_client and redirect_uri and not expired and not used:
        assert answer.status_code == 200
    else:
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
        assert "access_token" not in answer.json()


def test_a_code_lives_for_a_minute(rp: RelyingParty, holder: Holder, clock: MovableClock) -> None:
    code = rp.allowed_by(holder).code()
    clock.advance(seconds=59.9)
    assert rp.redeem(code).status_code == 200


def test_a_second_redemption_revokes_what_the_first_obtained(
    site: Site, rp: RelyingParty, holder: Holder
) -> None:  # §4.1.2
    code = rp.allowed_by(holder).code()
    token = rp.redeem(code).json()["access_token"]
    assert rp.userinfo(token).status_code == 200
    assert rp.redeem(code).status_code == 400
    assert rp.userinfo(token).status_code == 401
    assert events(site)[-1][0] == "application.code-replayed"


def test_a_replay_long_after_its_minute_revokes_too(
    rp: RelyingParty, holder: Holder, clock: MovableClock
) -> None:
    code = rp.allowed_by(holder).code()
    token = rp.redeem(code).json()["access_token"]
    clock.advance(minutes=4)
    rp.redeem(code, code_verifier=None)
    assert rp.userinfo(token).status_code == 401


def test_a_replay_leaves_the_other_grants_alone(rp: RelyingParty, holder: Holder) -> None:
    code = rp.allowed_by(holder).code()
    other = rp.tokens()["access_token"]
    rp.redeem(code)
    rp.redeem(code)
    assert rp.userinfo(other).status_code == 200


def test_another_client_can_neither_spend_nor_revoke(
    site: Site, rp: RelyingParty, make_rp: MakeRP, holder: Holder
) -> None:
    thief = make_rp(client_id="thief", token_endpoint_auth_method="none")
    code = rp.allowed_by(holder).code()
    assert thief.redeem(code).json()["error"] == "invalid_grant"
    token = rp.redeem(code).json()["access_token"]
    assert thief.redeem(code).json()["error"] == "invalid_grant"
    assert rp.userinfo(token).status_code == 200
    refused = [event for event in events(site) if event[0] == "application.code-refused"]
    assert refused == [("application.code-refused", '{"reason":"client"}')] * 2


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ({"redirect_uri": "https://hospital.example/other"}, "redirect_uri"),
        ({"redirect_uri": None}, "redirect_uri"),
        ({"code_verifier": "x" * 43}, "code_verifier"),
        ({"code_verifier": None}, "code_verifier"),
    ],
)
def test_a_refused_attempt_spends_the_code_and_is_on_record(
    site: Site, rp: RelyingParty, holder: Holder, form: dict[str, str | None], reason: str
) -> None:
    code = rp.allowed_by(holder).code()
    assert rp.redeem(code, **form).json()["error"] == "invalid_grant"
    assert events(site)[-1] == ("application.code-refused", f'{{"reason":"{reason}"}}')
    assert rp.redeem(code).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("code", ["x", "", "é", "\x00", "x" * 10_000, "' OR 1=1 --"])
def test_what_is_no_code_is_refused(rp: RelyingParty, code: str) -> None:
    assert rp.redeem(code).status_code == 400


def test_of_parallel_redemptions_exactly_one_wins_and_the_others_revoke(
    site: Site, rp: RelyingParty, holder: Holder
) -> None:
    """The decision of `grants`: whoever sends one code twice can't be told from a thief."""
    for _ in range(5):
        answers = responses(partial(rp.redeem, rp.allowed_by(holder).code()), threads=6)
        assert sorted(each.status_code for each in answers) == [200, 400, 400, 400, 400, 400]
        won = next(each.json() for each in answers if each.status_code == 200)
        assert rp.userinfo(won["access_token"]).status_code == 401


def test_of_parallel_answers_to_one_request_exactly_one_gives_a_code(
    site: Site, rp: RelyingParty, holder: Holder
) -> None:  # decisions 4.7
    token = rp.authorize().headers["location"].partition("request=")[2]
    rp.allowed_by(holder)
    answers = responses(partial(rp.browser.get, "/login/continue?request=" + token), threads=4)
    assert sorted(each.status_code for each in answers) == [303, 410, 410, 410]
    with reading(site.database) as connection:
        assert len(connection.execute(select(grants)).all()) == 1
        assert len(connection.execute(select(authorization_codes)).all()) == 1


ENDS = {
    "session signed out": lambda site, holder: end_session_now(site, holder),
    "installation ended": lambda site, holder: change(
        site, update(installations).values(ended_at=site.clock())
    ),
    "device suspended": lambda site, holder: change(
        site, update(devices).values(status="suspended")
    ),
    "device removed": lambda site, holder: change(site, update(devices).values(status="unlinked")),
    "person deceased": lambda site, holder: change(site, update(persons).values(deceased=True)),
    "session idle": lambda site, holder: change(
        site, update(sessions).values(last_seen_at=site.clock() - site.settings.session_idle)
    ),
    "session too old": lambda site, holder: change(
        site, update(sessions).values(auth_time=site.clock() - site.settings.session_lifetime)
    ),
    "grant revoked": lambda site, holder: change(
        site, update(grants).values(revoked_at=site.clock())
    ),
}


def change(site: Site, statement: object) -> None:
    with writing(site.database) as connection:
        connection.execute(statement)  # type: ignore[call-overload]


def end_session_now(site: Site, holder: Holder) -> None:
    with writing(site.database) as connection:
        assert end_session(connection, holder.session.id, site.clock())


@pytest.mark.parametrize("end", ENDS)
def test_what_ends_above_ends_the_code(
    site: Site, rp: RelyingParty, holder: Holder, end: str
) -> None:
    code = rp.allowed_by(holder).code()
    ENDS[end](site, holder)
    assert rp.redeem(code).json()["error"] == "invalid_grant"
    assert events(site)[-1] == ("application.code-refused", '{"reason":"ended"}')


@pytest.mark.parametrize("end", ENDS)
def test_what_ends_above_ends_the_access_token_in_the_same_moment(
    site: Site, rp: RelyingParty, holder: Holder, end: str
) -> None:  # decisions 7
    token = rp.allowed_by(holder).tokens()["access_token"]
    assert rp.userinfo(token).status_code == 200
    ENDS[end](site, holder)
    assert rp.userinfo(token).status_code == 401


def test_another_session_of_the_same_device_does_not_keep_it_alive(
    site: Site, rp: RelyingParty, holder: Holder
) -> None:
    token = rp.allowed_by(holder).tokens()["access_token"]
    end_session_now(site, holder)
    sign_in(site, rp.browser, holder.held)
    assert rp.userinfo(token).status_code == 401
    assert rp.userinfo(rp.tokens()["access_token"]).status_code == 200


def test_a_dump_of_the_database_holds_nothing_usable(
    site: Site, rp: RelyingParty, holder: Holder
) -> None:  # decisions 8.7
    unused, code = rp.allowed_by(holder).code(), rp.code()
    tokens = rp.redeem(code).json()
    with reading(site.database) as connection:
        dump = "".join(
            str(connection.execute(select(table)).all())
            for table in (grants, authorization_codes, audit_events)
        )
    for secret in (unused, code, tokens["access_token"], tokens["id_token"], holder.token):
        assert secret not in dump
