"""A capacity that is taken away while tokens are out, or that somebody wants to get into sideways.

What a naive provider does: it looks at the capacity when the person chooses it, and at the grant
from then on. But a token that was switched hangs on the grant of another capacity, an operator
closes an application to a kind of capacity, and a consent has an end. Each capacity by itself:
`test_profiles_at_every_use`, `test_profile_switch_by_exchange`.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from httpx2 import Response
from sqlalchemy import select, update

from authn.consents.consents import give_consent, withdraw_consents
from authn.db.transaction import reading, writing
from authn.grants.endings.ended_profiles import notify_of_ended_profiles
from authn.grants.tables import grants
from authn.people.tables import persons
from authn.profiles.profiles import end_profile
from authn.web.site import Site
from tests.capacities import EVERY_KIND, MARIE, knows, mandate, open_to
from tests.citizen import SSIN
from tests.conftest import MovableClock
from tests.occasion import job
from tests.oidc.acting import Acting, is_known, profiles_of
from tests.oidc.relying_party import RelyingParty, segment
from tests.oidc.resource_servers import API, ResourceServer
from tests.oidc.test_profile_switch_by_exchange import (
    NAME,
    agree,
    letters_token,
    sub_of,
    switching,
)
from tests.oidc.test_profiles_at_every_use import api, error, hanne, refreshed
from tests.oidc.test_profiles_in_tokens import may_exchange
from tests.oidc.test_rfc8693_token_exchange import exchange, exchanged
from tests.together import at_once

pytestmark = pytest.mark.thorough

__all__ = ["api", "hanne"]

INACTIVE = {"active": False}


@pytest.fixture
def asking(site: Site, hanne: Acting) -> RelyingParty:
    """A client that switches, and needs the person's consent for it."""
    return switching(site, hanne, client_id="asking", first_party=False)


def switched(site: Site, hanne: Acting, caller: RelyingParty, word: str = "mandate") -> str:
    """A token in that capacity, that the caller has by an exchange and by consent."""
    agree(site, hanne, hanne.profiles[word], NAME, client=caller.client.client_id)
    given = exchanged(caller, letters_token(hanne), requested_subject=sub_of(hanne.profiles[word]))
    token: str = given["access_token"]
    return token


def take_back(site: Site, hanne: Acting, client_id: str, word: str) -> None:
    with writing(site.database) as connection:
        withdraw_consents(
            job(site, connection),
            hanne.holder.person.id,
            client_id,
            hanne.profiles[word].consent_id,
        )


def test_a_switched_token_ends_with_the_consent_to_its_capacity(
    site: Site, hanne: Acting, asking: RelyingParty, api: ResourceServer
) -> None:
    token = switched(site, hanne, asking)
    assert api.learns(token)["active"] is True
    take_back(site, hanne, "asking", "child")
    assert api.learns(token)["active"] is True
    take_back(site, hanne, "asking", "mandate")
    assert api.learns(token) == INACTIVE


def test_so_does_whatever_was_got_for_it(
    site: Site, hanne: Acting, asking: RelyingParty, api: ResourceServer
) -> None:
    """In another client's hands too, which needed no consent of its own."""
    following = switching(site, hanne, client_id="next", first_party=False)
    may_exchange(site, "next", "asking")
    token = exchanged(following, switched(site, hanne, asking))["access_token"]
    assert api.learns(token)["userProfile"]["firstName"] == MARIE.given_name
    take_back(site, hanne, "asking", "mandate")
    assert api.learns(token) == INACTIVE
    assert error(exchange(following, token)) == "invalid_request"


def test_the_way_back_to_the_citizen_needs_that_consent_as_long(
    site: Site, hanne: Acting, asking: RelyingParty, api: ResourceServer
) -> None:
    citizen = hanne.profiles["citizen"]
    agree(site, hanne, citizen, NAME)
    token = letters_token(hanne, "mandate")
    back = exchanged(asking, token, requested_subject=sub_of(citizen))["access_token"]
    assert api.learns(back)["userProfile"]["firstName"] == "Hanne"
    take_back(site, hanne, "asking", "citizen")
    assert api.learns(back) == INACTIVE
    assert api.learns(token)["active"] is True


def test_a_switched_token_ends_no_later_than_the_consent(
    site: Site, hanne: Acting, asking: RelyingParty, clock: MovableClock
) -> None:
    profile, until = hanne.profiles["mandate"], clock.now + timedelta(seconds=90)
    with writing(site.database) as connection:
        of = (hanne.holder.person.id, "asking", profile.consent_id)
        give_consent(connection, *of, [NAME], site.clock(), expires_at=until)
    given = exchanged(asking, letters_token(hanne), requested_subject=sub_of(profile))
    assert segment(given["access_token"], 1)["exp"] <= until.timestamp()
    assert given["expires_in"] <= 90


def test_no_token_outlives_the_last_day_of_its_capacity(
    site: Site, hanne: Acting, asking: RelyingParty, clock: MovableClock
) -> None:
    """Whoever reads the token alone, and asks nobody, has to know as well."""
    today = clock.now.date()
    knows(site, SSIN, mandate(MARIE, until=today))
    midnight = profiles_of(site, hanne.holder.person)
    ends_at = next(each.valid_to for each in midnight if each.kind == "mandate")
    assert ends_at is not None
    clock.now = ends_at - timedelta(seconds=60)
    for word in ("mandate", "citizen"):
        # A session does not last until midnight.
        token = letters_token(hanne, word, "openid letters offline_access")
        ends = segment(token, 1)["exp"] - clock.now.timestamp()
        assert (ends == 60) is (word == "mandate")


def test_a_client_that_is_for_this_kind_no_more_gets_and_keeps_nothing(
    site: Site, hanne: Acting, api: ResourceServer
) -> None:
    asked = {"scope": "openid profile letters offline_access"}
    at_userinfo = hanne.tokens("mandate", **asked)
    at_api = hanne.tokens("mandate", **asked, resource=(API,))
    code = hanne.code("mandate", **asked)
    open_to(site, "hospital", "quality")
    assert hanne.rp.userinfo(at_userinfo["access_token"]).status_code == 401
    assert api.learns(at_api["access_token"]) == INACTIVE
    assert error(refreshed(hanne, at_api["refresh_token"])) == "invalid_grant"
    assert error(hanne.rp.redeem(code)) == "invalid_grant"
    # As a citizen, and in what it is still for, everything goes on.
    for word in ("citizen", "quality"):
        token = hanne.tokens(word, **asked, resource=(API,))["access_token"]
        assert api.learns(token)["active"] is True
    # What was taken away by mistake is given back.
    open_to(site, "hospital", *EVERY_KIND)
    assert refreshed(hanne, at_api["refresh_token"]).status_code == 200


def test_a_client_that_is_for_citizens_no_more_has_nothing_of_theirs(
    site: Site, hanne: Acting, api: ResourceServer
) -> None:
    tokens = hanne.tokens(scope="openid letters offline_access", resource=(API,))
    open_to(site, "hospital", "quality", required=("quality",))
    assert api.learns(tokens["access_token"]) == INACTIVE
    assert error(refreshed(hanne, tokens["refresh_token"])) == "invalid_grant"


def test_nor_does_what_it_switched_to(
    site: Site, hanne: Acting, asking: RelyingParty, api: ResourceServer
) -> None:
    token = switched(site, hanne, asking)
    open_to(site, "asking", "quality", "child")
    assert api.learns(token) == INACTIVE


def test_what_was_switched_ends_with_whom_it_is_for(
    site: Site, hanne: Acting, asking: RelyingParty, api: ResourceServer
) -> None:
    token = switched(site, hanne, asking)
    marie = is_known(site, MARIE)
    with writing(site.database) as connection:
        connection.execute(update(persons).where(persons.c.id == marie.id).values(deceased=True))
    assert api.learns(token) == INACTIVE


# At the same moment


def together(*acts: Callable[[], Any]) -> list[Any]:
    """What each of these gave, all begun at once."""
    waiting = list(acts)
    return at_once(lambda: waiting.pop()(), threads=len(acts))


def given_of(answers: list[Any]) -> list[str]:
    """The access tokens among these answers."""
    told = [each.json() for each in answers if isinstance(each, Response)]
    return [each["access_token"] for each in told if "access_token" in each]


def test_what_is_switched_while_the_consent_is_taken_back_is_worth_nothing(
    site: Site, hanne: Acting, asking: RelyingParty, api: ResourceServer
) -> None:
    profile, token = hanne.profiles["mandate"], letters_token(hanne)
    agree(site, hanne, profile, NAME)
    answers = together(
        *[lambda: exchange(asking, token, requested_subject=sub_of(profile))] * 4,
        lambda: take_back(site, hanne, "asking", "mandate"),
    )
    for given in given_of(answers):
        assert api.learns(given) == INACTIVE
    again = exchange(asking, token, requested_subject=sub_of(profile))
    assert error(again) == "consent_required"


def test_what_is_refreshed_while_it_is_taken_back_is_worth_nothing(
    site: Site, hanne: Acting, api: ResourceServer
) -> None:
    tokens = hanne.tokens("mandate", scope="openid letters offline_access", resource=(API,))
    answers = together(
        *[lambda: refreshed(hanne, tokens["refresh_token"])] * 4,
        lambda: take_back(site, hanne, "hospital", "mandate"),
    )
    for given in [tokens["access_token"], *given_of(answers)]:
        assert api.learns(given) == INACTIVE
    assert error(refreshed(hanne, tokens["refresh_token"])) == "invalid_grant"


def test_what_is_got_while_the_capacity_ends_is_worth_nothing(
    site: Site, hanne: Acting, api: ResourceServer
) -> None:
    """By a code, by a refresh; and what nobody came upon, the worker revokes."""
    asked = {"scope": "openid letters offline_access", "resource": (API,)}
    tokens, codes = hanne.tokens("mandate", **asked), [hanne.code("mandate", **asked)]
    mandate_id = hanne.profiles["mandate"].id
    assert mandate_id

    def end() -> None:
        with writing(site.database) as connection:
            end_profile(connection, mandate_id, site.clock())

    answers = together(
        lambda: hanne.rp.redeem(codes[0]),
        *[lambda: refreshed(hanne, tokens["refresh_token"])] * 3,
        end,
    )
    for given in [tokens["access_token"], *given_of(answers)]:
        assert api.learns(given) == INACTIVE
    with writing(site.database) as connection:
        notify_of_ended_profiles(job(site, connection))
    with reading(site.database) as connection:
        statement = select(grants.c.revoked_at).where(grants.c.profile_id == mandate_id)
        assert None not in connection.execute(statement).scalars().all()
