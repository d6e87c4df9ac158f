"""What is still to be asked, and what of a request is left: decisions over values alone."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from authn.clients.client_registration.registration import new_client
from authn.clients.clients import Client
from authn.consents.consent_names import (
    allowed_names,
    answers_that_count,
    names_to_ask,
    narrow_request,
    needed_names,
)
from authn.consents.consents import ConsentAnswer
from authn.grants.authorization_request import AuthorizationRequest

pytestmark = pytest.mark.one_engine

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
API = "https://api.example/"
OTHER = "https://other.example/"


def request(scope: str, **more: Any) -> AuthorizationRequest:
    return AuthorizationRequest(
        request_id="request",
        client_id="hospital",
        redirect_uri="https://hospital.example/cb",
        scope=scope,
        state="",
        nonce="",
        code_challenge="",
        response_mode="query",
        prompt=(),
        max_age=None,
        ui_locales="",
        subject_hint="",
        arrived_at=NOW,
        **more,
    )


def client(**reasons: str) -> Client:
    made = new_client(NOW, client_name="Hospital", redirect_uris=["https://hospital.example/cb"])
    said = {scope: {"en": reason} for scope, reason in reasons.items()}
    return replace(made.client, scope_reasons=said)


def answers(allowed: Iterable[str] = (), declined: Iterable[str] = ()) -> dict[str, ConsentAnswer]:
    return {
        **{name: ConsentAnswer(True, NOW) for name in allowed},
        **{name: ConsentAnswer(False, NOW) for name in declined},
    }


ASKED = frozenset({"openid", "profile", "claim/birthdate"})


def test_what_was_answered_either_way_is_not_asked_again() -> None:
    said = answers({"openid"}, {"profile"})
    assert names_to_ask(ASKED, {"openid"}, said) == {"claim/birthdate"}
    said = answers({"openid"}, {"profile", "claim/birthdate"})
    assert names_to_ask(ASKED, {"openid"}, said) == frozenset()


def test_what_was_declined_is_asked_again_once_the_client_can_t_do_without() -> None:
    said = answers({"openid"}, {"profile", "claim/birthdate"})
    assert names_to_ask(ASKED, {"openid", "claim/birthdate"}, said) == {"claim/birthdate"}


def test_what_was_declined_is_asked_again_where_nothing_else_is_asked() -> None:
    names = frozenset({f"{API}#read"})
    assert names_to_ask(names, (), answers((), names)) == names
    assert names_to_ask(names, (), answers(names)) == frozenset()


def test_a_claim_that_an_allowed_scope_has_is_allowed_with_it() -> None:
    said = answers({"openid", "profile"})
    assert names_to_ask(ASKED, {"openid"}, said) == frozenset()
    assert allowed_names(ASKED, said) == ASKED
    assert allowed_names(ASKED, answers({"openid"}, {"profile"})) == {"openid"}


def test_needed_is_what_signs_in_what_has_a_reason_and_what_is_essential() -> None:
    asked = request("openid profile read", essential_claims=("birthdate", "ssin"))
    names = {
        "openid",
        "profile",
        "ssin",
        "claim/birthdate",
        "claim/locale",
        f"{API}#read",
        f"{API}#write",
        OTHER,
        "authorization_details/x",
    }
    assert needed_names(client(read="To show them."), asked, names) == {
        "openid",
        "ssin",
        "claim/birthdate",
        f"{API}#read",
        "authorization_details/x",
    }
    assert needed_names(client(), request("openid"), {"openid", "profile"}) == {"openid"}


def test_details_of_another_occasion_do_not_count() -> None:
    detail = "authorization_details/x"
    before = {
        detail: ConsentAnswer(True, NOW - timedelta(seconds=1)),
        "openid": ConsentAnswer(True, NOW),
    }
    assert answers_that_count(before, request("openid")) == {"openid": ConsentAnswer(True, NOW)}
    assert answers_that_count(before, request("openid"), NOW + timedelta(seconds=1)) == {}


def test_a_scope_goes_with_its_claims() -> None:
    asked = request(
        "openid profile", claims_userinfo=("birthdate",), claims_id_token=("locale", "name")
    )
    left = narrow_request(asked, frozenset({"openid", "profile"}), frozenset({"openid"}))
    assert (left.scope, left.claims_userinfo, left.claims_id_token) == ("openid", (), ())
    names = frozenset({"openid", "profile", "claim/birthdate"})
    left = narrow_request(asked, names, frozenset({"openid", "claim/birthdate"}))
    assert (left.scope, left.claims_userinfo, left.claims_id_token) == (
        "openid",
        ("birthdate",),
        (),
    )


AT_BOTH = frozenset({"openid", f"{API}#read", f"{API}#write", f"{OTHER}#read"})


def test_a_resource_goes_with_the_last_of_its_scopes() -> None:
    asked = request("openid read write", resource=(API, OTHER))
    left = narrow_request(asked, AT_BOTH, AT_BOTH - {f"{OTHER}#read"})
    assert (left.scope, left.resource, left.withheld) == ("openid read write", (API,), ())
    left = narrow_request(asked, AT_BOTH, frozenset({"openid"}))
    assert (left.scope, left.resource, left.withheld) == ("openid", (), ())


def test_a_scope_that_one_resource_keeps_is_withheld_from_another() -> None:
    asked = request("openid read write", resource=(API, OTHER))
    left = narrow_request(asked, AT_BOTH, AT_BOTH - {f"{API}#read"})
    assert (left.scope, left.resource) == ("openid read write", (API, OTHER))
    assert left.withheld == (f"{API}#read",)
    assert left.grant_details.withheld == left.withheld


def test_a_resource_of_details_stays() -> None:
    details = ({"type": "urn:authn:authorization-details:actions", "locations": [API]},)
    asked = request("openid read", resource=(API,), authorization_details=details)
    names = frozenset({"openid", f"{API}#read", "authorization_details/x"})
    left = narrow_request(asked, names, names - {f"{API}#read"})
    assert (left.scope, left.resource, left.withheld) == ("openid", (API,), ())
