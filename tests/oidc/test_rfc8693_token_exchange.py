"""Token exchange: RFC 8693 (https://www.rfc-editor.org/rfc/rfc8693)."""

from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from authn.clients.client_metadata import ClientMetadata
from authn.clients.clients import TOKEN_EXCHANGE
from authn.clients.resource_servers.exchange_pairs import (
    ExchangePair,
    InvalidPair,
    allow_exchange,
    forbid_exchange,
    list_exchanges,
)
from authn.db.transaction import reading, writing
from authn.grants.access_tokens import open_jti
from authn.grants.grants import revoke_grant
from authn.oidc.grant_types.token_exchange import ACCESS_TOKEN, JWT, MOST_ACTORS
from authn.settings import Settings
from authn.web.site import Site
from tests.commands import run_command
from tests.conftest import MovableClock
from tests.oidc.dpop_proofs import DpopKey
from tests.oidc.relying_party import Holder, RelyingParty, basic, register, segment
from tests.oidc.resource_servers import (
    API,
    OTHER_API,
    ResourceServer,
    application,
    resource_server,
)
from tests.oidc.systems import ORGANISATION
from tests.oidc.test_cost import counted

pytestmark = pytest.mark.thorough

EXCHANGES = ClientMetadata(grant_types=(TOKEN_EXCHANGE,))
TOKEN = "http://localhost:8000/token"


@pytest.fixture
def letters(site: Site, backchannel: TestClient) -> ResourceServer:
    """The resource that tokens are exchanged for."""
    return resource_server(site, backchannel)


@pytest.fixture
def other(site: Site, backchannel: TestClient) -> ResourceServer:
    return resource_server(
        site, backchannel, OTHER_API, client_id="other", scopes={"letters": "The same", "x": "X"}
    )


@pytest.fixture
def back_end(site: Site, backchannel: TestClient, letters: ResourceServer) -> RelyingParty:
    """A back end that may exchange the hospital's tokens for the letters."""
    return exchanging(site, backchannel)


def exchanging(site: Site, browser: TestClient, **metadata: Any) -> RelyingParty:
    """A client with the grant type; whose tokens it may exchange, `allow` says."""
    values: dict[str, Any] = {
        "client_id": "back-end",
        "metadata": EXCHANGES,
        "redirect_uris": [],
    } | metadata
    return register(site, browser, **values)


def allow(site: Site, client_id: str, subject_client_id: str, resource: str = API) -> None:
    with writing(site.database) as connection:
        pair = ExchangePair(client_id, subject_client_id, resource)
        assert allow_exchange(connection, site.secrets, pair, site.clock())


@pytest.fixture
def hospital(
    site: Site, client: TestClient, holder: Holder, letters: ResourceServer, back_end: RelyingParty
) -> RelyingParty:
    """The application whose tokens are exchanged."""
    made = application(site, client, scope="openid profile letters")
    allow(site, "back-end", "hospital")
    return made


def exchange(caller: RelyingParty, token: str, /, **form: str | None) -> Response:
    """The answer of /token; by default the exchange is for the letters."""
    headers = {"DPoP": proof} if (proof := form.pop("proof", None)) else {}
    fields: dict[str, str | None] = {
        "grant_type": TOKEN_EXCHANGE,
        "subject_token": token,
        "subject_token_type": ACCESS_TOKEN,
        "resource": API,
    }
    if caller.client_secret:
        headers |= {"Authorization": basic(caller.client.client_id, caller.client_secret)}
    else:
        fields["client_id"] = caller.client.client_id
    fields |= form
    data = {name: value for name, value in fields.items() if value is not None}
    return caller.browser.post("/token", data=data, headers=headers)


def exchanged(caller: RelyingParty, token: str, /, **form: str | None) -> dict[str, Any]:
    answer = exchange(caller, token, **form)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    tokens: dict[str, Any] = answer.json()
    return tokens


def error(answer: Response) -> str:
    assert answer.status_code == 400, answer.text
    code: str = answer.json()["error"]
    return code


def userinfo_token(hospital: RelyingParty) -> str:
    token: str = hospital.tokens(scope="openid profile", resource=None)["access_token"]
    return token


def letters_token(hospital: RelyingParty) -> str:
    token: str = hospital.tokens(scope="openid letters", resource=API)["access_token"]
    return token


def test_a_back_end_gets_a_token_of_its_own(
    hospital: RelyingParty, back_end: RelyingParty, letters: ResourceServer
) -> None:  # §2.2.1, §4.1
    token = letters_token(hospital)
    given = exchanged(back_end, token)
    assert given["issued_token_type"] == ACCESS_TOKEN
    assert given["token_type"] == "Bearer"
    assert given["scope"] == "letters"
    assert "refresh_token" not in given
    assert "id_token" not in given
    before, after = segment(token, 1), segment(given["access_token"], 1)
    assert after["aud"] == API
    assert after["client_id"] == "back-end"
    assert after["act"] == {"sub": "back-end"}
    assert after["sub"] == before["sub"]  # pairwise by resource: this is the same one
    assert after["auth_time"] == before["auth_time"]
    assert after["acr"] == before["acr"]
    told = letters.learns(given["access_token"])
    assert told["active"] is True
    assert told["act"] == {"sub": "back-end"}


def test_sub_is_that_of_the_resource(hospital: RelyingParty, back_end: RelyingParty) -> None:
    token = userinfo_token(hospital)
    given = segment(exchanged(back_end, token)["access_token"], 1)
    assert given["sub"] != segment(token, 1)["sub"]


@pytest.mark.parametrize("name", ["audience", "resource"])
def test_the_resource_is_named_in_either_way(
    hospital: RelyingParty, back_end: RelyingParty, name: str
) -> None:  # §2.1
    given = exchanged(back_end, letters_token(hospital), **{"resource": None, name: API})
    assert segment(given["access_token"], 1)["aud"] == API


def test_the_audience_may_be_the_resource_s_client(
    hospital: RelyingParty, back_end: RelyingParty
) -> None:  # decisions 9.1
    given = exchanged(back_end, letters_token(hospital), resource=None, audience="letters")
    assert segment(given["access_token"], 1)["aud"] == API


def test_never_a_wider_scope(hospital: RelyingParty, back_end: RelyingParty) -> None:  # §5
    token = userinfo_token(hospital)  # without letters
    assert "scope" not in exchanged(back_end, token)
    assert error(exchange(back_end, token, scope="letters")) == "invalid_scope"
    assert error(exchange(back_end, letters_token(hospital), scope="openid")) == "invalid_scope"
    assert exchanged(back_end, letters_token(hospital), scope="letters")["scope"] == "letters"


def test_what_another_resource_calls_by_the_same_name_was_never_allowed(
    site: Site, hospital: RelyingParty, back_end: RelyingParty, other: ResourceServer
) -> None:  # §5
    allow(site, "back-end", "hospital", OTHER_API)
    token = letters_token(hospital)
    assert "scope" not in exchanged(back_end, token, resource=OTHER_API)
    assert error(exchange(back_end, token, resource=OTHER_API, scope="letters")) == "invalid_scope"


def test_never_a_longer_life(
    hospital: RelyingParty, back_end: RelyingParty, clock: MovableClock
) -> None:
    token = letters_token(hospital)
    clock.advance(minutes=4)
    given = exchanged(back_end, token)
    assert given["expires_in"] <= 60
    assert segment(given["access_token"], 1)["exp"] == segment(token, 1)["exp"]
    clock.advance(minutes=1)
    assert error(exchange(back_end, token)) == "invalid_request"


def test_only_pairs_that_the_operator_registered(
    site: Site,
    hospital: RelyingParty,
    back_end: RelyingParty,
    other: ResourceServer,
    backchannel: TestClient,
) -> None:
    token = letters_token(hospital)
    assert error(exchange(back_end, token, resource=OTHER_API)) == "invalid_target"
    stranger = exchanging(site, backchannel, client_id="stranger")
    assert error(exchange(stranger, token)) == "invalid_target"
    pair = ExchangePair("back-end", "hospital", API)
    with writing(site.database) as connection:
        assert forbid_exchange(connection, site.secrets, pair, site.clock())
        assert not forbid_exchange(connection, site.secrets, pair, site.clock())
    assert error(exchange(back_end, token)) == "invalid_target"


def test_only_clients_with_the_grant_type(
    site: Site, hospital: RelyingParty, backchannel: TestClient
) -> None:
    other = exchanging(site, backchannel, client_id="other", metadata=ClientMetadata(()))
    allow(site, "other", "hospital")
    assert error(exchange(other, letters_token(hospital))) == "unauthorized_client"


def test_the_chain_of_actors_is_kept(
    site: Site,
    hospital: RelyingParty,
    back_end: RelyingParty,
    other: ResourceServer,
    backchannel: TestClient,
) -> None:  # §4.1
    first = exchanged(back_end, letters_token(hospital))["access_token"]
    next_one = exchanging(site, backchannel, client_id="next")
    allow(site, "next", "back-end", OTHER_API)
    second = exchanged(next_one, first, resource=OTHER_API)["access_token"]
    assert segment(second, 1)["act"] == {"sub": "next", "act": {"sub": "back-end"}}
    # Exchanging its own token adds nobody, and loses nobody.
    allow(site, "next", "next", OTHER_API)
    third = exchanged(next_one, second, resource=OTHER_API)["access_token"]
    assert segment(third, 1)["act"] == segment(second, 1)["act"]


def test_the_chain_ends_somewhere(
    site: Site, hospital: RelyingParty, back_end: RelyingParty, backchannel: TestClient
) -> None:
    again = exchanging(site, backchannel, client_id="again")
    allow(site, "back-end", "again")
    allow(site, "again", "back-end")
    token = letters_token(hospital)
    for number in range(MOST_ACTORS):
        token = exchanged((back_end, again)[number % 2], token)["access_token"]
    answer = exchange((back_end, again)[MOST_ACTORS % 2], token)
    assert error(answer) == "invalid_request"


def test_an_actor_token_names_the_actor(
    site: Site, hospital: RelyingParty, back_end: RelyingParty
) -> None:  # §2.1 actor_token
    token = letters_token(hospital)
    actor = {"actor_token": token, "actor_token_type": ACCESS_TOKEN}
    assert error(exchange(back_end, token, **actor)) == "invalid_request"  # not its own
    own = exchanged(back_end, token)["access_token"]
    given = exchanged(back_end, token, actor_token=own, actor_token_type=ACCESS_TOKEN)
    assert segment(given["access_token"], 1)["act"] == {"sub": segment(own, 1)["sub"]}


def test_a_system_s_token_stays_the_organisation_s(
    site: Site, letters: ResourceServer, backchannel: TestClient, back_end: RelyingParty
) -> None:
    system = register(
        site,
        backchannel,
        client_id="system",
        redirect_uris=[],
        metadata=ClientMetadata(("client_credentials",)),
        organisation=ORGANISATION,
        scope="letters",
        resources=[API],
    )
    headers = {"Authorization": basic("system", system.client_secret)}
    data = {"grant_type": "client_credentials"}
    token = backchannel.post("/token", data=data, headers=headers).json()["access_token"]
    allow(site, "back-end", "system")
    given = exchanged(back_end, token)["access_token"]
    claims = segment(given, 1)
    assert (claims["sub"], claims["cbe"]) == ("system", ORGANISATION)
    assert letters.learns(given)["active"] is True


def test_what_hangs_on_the_grant_ends_with_it(
    site: Site, hospital: RelyingParty, back_end: RelyingParty, letters: ResourceServer
) -> None:  # decisions 7
    token = letters_token(hospital)
    given = exchanged(back_end, token)["access_token"]
    sealed = open_jti(site.secrets, segment(given, 1)["jti"])
    assert sealed
    grant_id = sealed.grant_id
    assert grant_id is not None
    with writing(site.database) as connection:
        revoke_grant(connection, grant_id, site.clock())
    assert letters.learns(given) == {"active": False}
    assert error(exchange(back_end, token)) == "invalid_request"


def test_a_bound_token_gives_a_bound_one(
    site: Site,
    hospital: RelyingParty,
    back_end: RelyingParty,
    clock: MovableClock,
) -> None:
    key, own = DpopKey("ES256"), DpopKey("ES256")
    code = hospital.code(scope="openid letters", resource=API)
    headers = {
        "DPoP": key.proof("POST", TOKEN, clock()),
        "Authorization": basic("hospital", hospital.client_secret),
    }
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": hospital.redirect_uri,
        "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    }
    token = hospital.browser.post("/token", data=form, headers=headers).json()["access_token"]
    assert error(exchange(back_end, token)) == "invalid_request"
    given = exchanged(back_end, token, proof=own.proof("POST", TOKEN, clock()))
    assert given["token_type"] == "DPoP"
    assert segment(given["access_token"], 1)["cnf"] == {"jkt": own.jkt}


def test_a_public_client_exchanges_its_own_tokens_only(
    site: Site, hospital: RelyingParty, backchannel: TestClient
) -> None:
    public = exchanging(
        site, backchannel, client_id="public", token_endpoint_auth_method="none", metadata=EXCHANGES
    )
    allow(site, "public", "hospital")
    assert error(exchange(public, letters_token(hospital))) == "invalid_target"


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"subject_token": None}, "invalid_request"),
        ({"subject_token": "x"}, "invalid_request"),
        ({"subject_token": "a.b.c"}, "invalid_request"),
        ({"subject_token_type": None}, "invalid_request"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:id_token"}, "invalid_request"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:saml2"}, "invalid_request"),
        (
            {"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
            "invalid_request",
        ),
        ({"actor_token": "x"}, "invalid_request"),
        ({"actor_token_type": ACCESS_TOKEN}, "invalid_request"),
        ({"actor_token": "x", "actor_token_type": ACCESS_TOKEN}, "invalid_request"),
        ({"resource": None}, "invalid_target"),
        ({"resource": "https://unknown.example/"}, "invalid_target"),
        ({"audience": "hospital"}, "invalid_target"),
        ({"resource": None, "audience": "hospital"}, "invalid_target"),
        ({"scope": "letters openid"}, "invalid_scope"),
    ],
)
@pytest.mark.one_engine
def test_what_is_refused(
    hospital: RelyingParty, back_end: RelyingParty, form: dict[str, Any], expected: str
) -> None:  # §2.2.2
    assert error(exchange(back_end, letters_token(hospital), **form)) == expected


def test_two_resources_are_not_one(
    hospital: RelyingParty, back_end: RelyingParty, other: ResourceServer
) -> None:
    answer = exchange(back_end, letters_token(hospital), resource=f"{API} {OTHER_API}")
    assert error(answer) == "invalid_target"


def test_jwt_is_another_name_for_the_same(hospital: RelyingParty, back_end: RelyingParty) -> None:
    given = exchanged(
        back_end, letters_token(hospital), subject_token_type=JWT, requested_token_type=JWT
    )
    assert given["issued_token_type"] == ACCESS_TOKEN


def test_neither_an_id_token_nor_a_code_is_an_access_token(
    hospital: RelyingParty, back_end: RelyingParty
) -> None:
    tokens = hospital.tokens(scope="openid")
    assert error(exchange(back_end, tokens["id_token"])) == "invalid_request"
    assert error(exchange(back_end, hospital.code())) == "invalid_request"


def test_the_command_line(site: Site, settings: Settings, hospital: RelyingParty) -> None:
    pair = ExchangePair("back-end", "hospital", API)
    shown = run_command(settings, "exchanges", "list").stdout
    assert "back-end" in shown
    run_command(settings, "exchanges", "forbid", "back-end", "hospital", API)
    with reading(site.database) as connection:
        assert pair not in list_exchanges(connection)
    run_command(settings, "exchanges", "allow", "back-end", "hospital", API)
    with reading(site.database) as connection:
        assert pair in list_exchanges(connection)


@pytest.mark.parametrize(
    "pair",
    [
        ExchangePair("nobody", "hospital", API),
        ExchangePair("back-end", "nobody", API),
        ExchangePair("back-end", "hospital", "https://unknown.example/"),
    ],
)
def test_a_pair_names_what_is_registered(
    site: Site, hospital: RelyingParty, pair: ExchangePair
) -> None:
    with writing(site.database) as connection, pytest.raises(InvalidPair):
        allow_exchange(connection, site.secrets, pair, site.clock())


def test_what_an_exchange_costs(site: Site, hospital: RelyingParty, back_end: RelyingParty) -> None:
    token = letters_token(hospital)
    exchanged(back_end, token)  # keys are read
    with counted(site) as seen:
        exchanged(back_end, token)
    # client; the token's grant; resource with pair and subject; the record of it
    assert len(seen) - seen.count("COMMIT") == 4, seen
    assert seen.count("COMMIT") == 1
