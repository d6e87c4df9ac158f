"""Grant Management for OAuth 2.0, implementer's draft
(https://openid.net/specs/fapi-grant-management.html)."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from authn.clients.client_metadata import ClientMetadata
from authn.clients.client_registration.registration import InvalidClientMetadata, change_client
from authn.clients.client_registration.rules import find_client_faults
from authn.clients.clients import TOKEN_EXCHANGE, find_client
from authn.clients.resource_servers.exchange_pairs import ExchangePair, allow_exchange
from authn.db.transaction import writing
from authn.grants.grants import revoke_grants_at_client
from authn.oidc.grant_types.token_exchange import ACCESS_TOKEN
from authn.web.site import Site
from tests.citizen import ORIGIN
from tests.conftest import MovableClock
from tests.oidc.apis import PRESCRIPTIONS, details, register_api
from tests.oidc.dpop_proofs import DpopKey
from tests.oidc.refreshing import events, refresh
from tests.oidc.relying_party import Holder, RelyingParty, basic, segment
from tests.oidc.test_cost import counted
from tests.together import at_once

pytestmark = pytest.mark.thorough

MakeRP = Callable[..., RelyingParty]
QUERY, REVOKE = "grant_management_query", "grant_management_revoke"
SCOPE = f"openid profile read {QUERY} {REVOKE}"
MANAGING = ClientMetadata(grant_types=("authorization_code", "refresh_token", "client_credentials"))


@pytest.fixture
def rp(site: Site, make_rp: MakeRP, holder: Holder) -> RelyingParty:
    """An application that manages its grants; Hanne allowed it what it asks."""
    register_api(site)
    rp = make_rp(
        client_id="hospital",
        scope=SCOPE,
        organisation="0406798006",
        resources=[PRESCRIPTIONS],
        metadata=MANAGING,
    )
    return rp.allowed_by(holder, f"openid profile claim/birthdate {PRESCRIPTIONS}#read")


def own_token(rp: RelyingParty, scope: str | None = f"{QUERY} {REVOKE}", **form: str) -> Response:
    """What /token answers to the client itself."""
    fields: dict[str, str | None] = {
        "grant_type": "client_credentials",
        "redirect_uri": None,
        "code_verifier": None,
        "scope": scope,
    }
    return rp.redeem(None, **(fields | form))


def call(rp: RelyingParty, grant_id: str, method: str = "GET", scope: str = "") -> Response:
    """The answer at the grant, to a token of this scope; by default the one that is needed."""
    token = own_token(rp, scope or (REVOKE if method == "DELETE" else QUERY)).json()
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    return rp.browser.request(method, f"/grants/{grant_id}", headers=headers)


# The authorization request and the token answer


def test_who_manages_its_grants_is_told_the_grant_id(rp: RelyingParty) -> None:  # §5.4
    told = rp.tokens(scope="openid", grant_management_action="create")
    other = rp.tokens(scope="openid")
    assert told["grant_id"] != other["grant_id"], "each request has a grant of its own"
    assert refresh(rp, told["refresh_token"]).json()["grant_id"] == told["grant_id"]


def test_who_does_not_is_told_none(make_rp: MakeRP, holder: Holder) -> None:
    plain = make_rp(client_id="plain").allowed_by(holder)
    assert "grant_id" not in plain.tokens()
    refused = plain.answer(grant_management_action="create")
    assert refused["error"] == "invalid_request"


def test_a_public_client_manages_no_grants(make_rp: MakeRP, holder: Holder) -> None:  # §5.1
    public = make_rp(
        client_id="app", token_endpoint_auth_method="none", scope=f"openid profile {QUERY}"
    )
    assert "grant_id" not in public.allowed_by(holder).tokens()


@pytest.mark.parametrize("action", ["merge", "replace", "update", "CREATE", "x" * 500])
def test_an_action_that_is_not_offered_is_refused(rp: RelyingParty, action: str) -> None:  # §5.3
    assert rp.answer(grant_management_action=action)["error"] == "invalid_request"


def test_nobody_is_asked_to_allow_it(rp: RelyingParty) -> None:
    told = rp.tokens(scope=f"openid {QUERY} {REVOKE}")
    assert told["scope"] == "openid"


# An access token for the endpoint (§6.1)


def test_the_token_is_for_this_endpoint_alone(rp: RelyingParty) -> None:
    told = own_token(rp, QUERY).json()
    assert told["scope"] == QUERY
    claims = segment(told["access_token"], 1)
    assert claims["aud"] == f"{ORIGIN}/grants"
    assert claims["sub"] == "hospital"
    assert rp.userinfo(told["access_token"]).status_code == 401


def test_named_as_resource_it_has_all_that_the_client_may(rp: RelyingParty) -> None:
    told = own_token(rp, None, resource=f"{ORIGIN}/grants").json()
    assert told["scope"] == f"{QUERY} {REVOKE}"


def test_its_scopes_are_not_mixed_with_those_of_a_resource(rp: RelyingParty) -> None:
    assert own_token(rp, f"{QUERY} read").json()["error"] == "invalid_scope"
    mixed = own_token(rp, QUERY, resource=PRESCRIPTIONS)
    assert mixed.json()["error"] == "invalid_scope"


@pytest.mark.parametrize("name", ["subject_token", "actor_token"])
def test_it_is_exchanged_for_nothing(
    site: Site, make_rp: MakeRP, holder: Holder, name: str
) -> None:
    """RFC 8693: else a client without an organisation would be somebody at a resource."""
    register_api(site)
    some = make_rp(
        client_id="some",
        scope=f"openid profile {QUERY}",
        metadata=replace(MANAGING, grant_types=(*MANAGING.grant_types, TOKEN_EXCHANGE)),
    ).allowed_by(holder)
    with writing(site.database) as connection:
        pair = ExchangePair("some", "some", PRESCRIPTIONS)
        allow_exchange(connection, site.secrets, pair, site.clock())
    form = {
        "grant_type": TOKEN_EXCHANGE,
        "redirect_uri": None,
        "code_verifier": None,
        "subject_token": some.tokens()["access_token"],
        "subject_token_type": ACCESS_TOKEN,
        "resource": PRESCRIPTIONS,
    }
    assert some.redeem(None, **form).status_code == 200
    form |= {name: own_token(some, QUERY).json()["access_token"], f"{name}_type": ACCESS_TOKEN}
    answer = some.redeem(None, **form)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_who_may_not_gets_none(make_rp: MakeRP) -> None:
    some = make_rp(client_id="some", scope=f"openid {QUERY}", metadata=MANAGING)
    assert own_token(some, REVOKE).json()["error"] == "invalid_scope"
    assert own_token(some, QUERY).status_code == 200


def test_without_an_organisation_it_has_no_token_for_anything_else(
    site: Site, make_rp: MakeRP
) -> None:
    register_api(site)
    some = make_rp(client_id="some", scope=f"openid read {QUERY}", metadata=MANAGING)
    assert own_token(some, None).json()["error"] == "invalid_target"
    assert find_client_faults(some.client) == []
    with pytest.raises(InvalidClientMetadata):
        make_rp(scope=f"openid read {QUERY}", metadata=MANAGING, resources=[PRESCRIPTIONS])
    with pytest.raises(InvalidClientMetadata):
        make_rp(scope="openid", metadata=MANAGING)


# Querying (§6.4)


def test_it_says_what_was_granted(rp: RelyingParty, clock: MovableClock) -> None:
    told = rp.tokens(
        scope="openid profile read",
        resource=PRESCRIPTIONS,
        claims='{"userinfo": {"birthdate": null}}',
    )
    answer = call(rp, told["grant_id"])
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {
        "scopes": [
            {"scope": "openid profile"},
            {"scope": "read", "resources": [PRESCRIPTIONS]},
        ],
        "claims": ["birthdate"],
        "authorization_details": [],
        "created_at": int(clock().timestamp()),
    }


def test_it_says_which_details_were_granted(make_rp: MakeRP, site: Site, holder: Holder) -> None:
    register_api(site)
    ours = make_rp(
        client_id="ours",
        scope=SCOPE,
        organisation="0406798006",
        resources=[PRESCRIPTIONS],
        metadata=MANAGING,
        first_party=True,
    )
    told = ours.tokens(scope="openid", authorization_details=details("read", identifier="rx:1"))
    (detail,) = call(ours, told["grant_id"]).json()["authorization_details"]
    assert detail["identifier"] == "rx:1"


def test_it_does_not_say_what_was_taken_from_the_client_since(
    make_rp: MakeRP, site: Site, holder: Holder
) -> None:
    register_api(site)
    rp = make_rp(
        client_id="hospital",
        first_party=True,
        scope=f"{SCOPE} write",
        organisation="0406798006",
        resources=[PRESCRIPTIONS],
        metadata=MANAGING,
    )
    asked = {"scope": "openid profile read write", "authorization_details": details("write")}
    claims = json.dumps({"userinfo": {"birthdate": None}})
    grant_id = rp.tokens(claims=claims, **asked)["grant_id"]
    told = call(rp, grant_id).json()
    assert told["scopes"][1] == {"scope": "read write", "resources": [PRESCRIPTIONS]}
    for left in (
        {"scope": f"openid read {QUERY}"},
        {"scope": f"openid {QUERY}", "resources": ()},
    ):
        with writing(site.database) as connection:
            client = find_client(connection, "hospital")
            assert client
            change_client(connection, site.secrets, client, site.clock(), **left)
        told = call(rp, grant_id).json()
        assert (told["claims"], told["authorization_details"]) == ([], [])
        at = [{"scope": "read", "resources": [PRESCRIPTIONS]}] if "resources" not in left else []
        assert told["scopes"] == [{"scope": "openid"}, *at]


def test_it_names_no_person(rp: RelyingParty, holder: Holder) -> None:
    told = rp.tokens(scope="openid profile")
    text = call(rp, told["grant_id"]).text
    subject = segment(told["id_token"], 1)["sub"]
    for secret in (holder.person.family_name, str(holder.person.id), subject):
        assert secret not in text


# Revoking (§6.5)


def test_it_ends_all_its_tokens_at_once_and_nothing_else(site: Site, rp: RelyingParty) -> None:
    told, other = rp.tokens(scope="openid"), rp.tokens(scope="openid")
    answer = call(rp, told["grant_id"], "DELETE")
    assert (answer.status_code, answer.content) == (204, b"")
    assert rp.userinfo(told["access_token"]).status_code == 401
    assert refresh(rp, told["refresh_token"]).json()["error"] == "invalid_grant"
    assert rp.userinfo(other["access_token"]).status_code == 200
    assert call(rp, told["grant_id"]).status_code == 404
    assert call(rp, told["grant_id"], "DELETE").status_code == 404
    assert events(site, "application.grant-given-back") == 1
    # What was allowed is remembered: it was not taken back.
    assert "code" in rp.answer(scope="openid", prompt="none")


def test_one_of_many_at_once_revokes_it(site: Site, rp: RelyingParty) -> None:
    told = rp.tokens(scope="openid")
    token = own_token(rp, REVOKE).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}

    def act() -> int:
        return rp.browser.delete(f"/grants/{told['grant_id']}", headers=headers).status_code

    assert sorted(at_once(act, 4)) == [204, 404, 404, 404]  # type: ignore[type-var]
    assert events(site, "application.grant-given-back") == 1


# Errors (§6.6)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_without_a_token_401_with_another_403(rp: RelyingParty, method: str) -> None:
    told = rp.tokens(scope="openid")
    path = f"/grants/{told['grant_id']}"
    assert rp.browser.request(method, path).status_code == 401
    persons = {"Authorization": f"Bearer {told['access_token']}"}
    refused = rp.browser.request(method, path, headers=persons)
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_token")
    other = call(rp, told["grant_id"], method, scope=QUERY if method == "DELETE" else REVOKE)
    assert (other.status_code, other.json()["error"]) == (403, "insufficient_scope")
    assert rp.userinfo(told["access_token"]).status_code == 200


@pytest.mark.parametrize(
    "grant_id", ["0cb64d84-02c5-4fe1-83b5-f6f9f9723874", "x", "%00", "..%2f..", "é", "1" * 5000]
)
@pytest.mark.one_engine
def test_what_is_no_grant_is_not_found(rp: RelyingParty, grant_id: str) -> None:
    assert call(rp, grant_id).status_code == 404


def test_another_client_s_is_not_found(rp: RelyingParty, make_rp: MakeRP, holder: Holder) -> None:
    told = rp.tokens(scope="openid")
    other = make_rp(client_id="other", scope=f"openid {QUERY} {REVOKE}", metadata=MANAGING)
    for method in ("GET", "DELETE"):
        assert call(other, told["grant_id"], method).status_code == 404
    assert rp.userinfo(told["access_token"]).status_code == 200


def test_one_that_the_person_took_back_is_not_found(
    site: Site, rp: RelyingParty, holder: Holder
) -> None:
    told = rp.tokens(scope="openid")
    with writing(site.database) as connection:
        revoke_grants_at_client(connection, holder.person.id, "hospital", site.clock())
    assert call(rp, told["grant_id"]).status_code == 404


def test_a_bound_token_comes_with_its_proof(
    rp: RelyingParty, backchannel: TestClient, site: Site
) -> None:  # RFC 9449 §7
    told, key = rp.tokens(scope="openid"), DpopKey()
    backchannel.headers["DPoP"] = key.proof("POST", f"{ORIGIN}/token", site.clock())
    form = {"grant_type": "client_credentials", "scope": QUERY}
    headers = {"Authorization": basic("hospital", rp.client_secret)}
    token = backchannel.post("/token", data=form, headers=headers).json()["access_token"]
    del backchannel.headers["DPoP"]
    path = f"/grants/{told['grant_id']}"
    stolen = backchannel.get(path, headers={"Authorization": f"Bearer {token}"})
    assert stolen.status_code == 401
    proof = key.proof("GET", f"{ORIGIN}{path}", site.clock(), access_token=token)
    own = backchannel.get(path, headers={"Authorization": f"DPoP {token}", "DPoP": proof})
    assert own.status_code == 200


def test_discovery_says_so(backchannel: TestClient) -> None:  # §7.1
    metadata: dict[str, Any] = backchannel.get("/.well-known/openid-configuration").json()
    assert metadata["grant_management_endpoint"] == f"{ORIGIN}/grants"
    assert metadata["grant_management_actions_supported"] == ["create", "query", "revoke"]
    assert metadata["grant_management_action_required"] is False


@pytest.mark.parametrize(
    ("method", "most", "commits"),
    [
        # The token's client, whether it was revoked, how the client is bound; the grant.
        ("GET", 4, 0),
        # The same, and again once it is to be written; its end, which resources hear, the record.
        ("DELETE", 11, 1),
    ],
)
def test_what_it_costs(site: Site, rp: RelyingParty, method: str, most: int, commits: int) -> None:
    told = rp.tokens(scope="openid")
    token = own_token(rp).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    with counted(site) as seen:
        answer = rp.browser.request(method, f"/grants/{told['grant_id']}", headers=headers)
    assert answer.is_success
    assert len(seen) - seen.count("COMMIT") <= most, seen
    assert seen.count("COMMIT") == commits
