"""Token introspection: RFC 7662 (https://www.rfc-editor.org/rfc/rfc7662)."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from authn.audit.log import audit_events
from authn.clients.client_metadata import ClientMetadata
from authn.clients.clients import Client
from authn.clients.resource_servers.exchange_pairs import ExchangePair, allow_exchange
from authn.clients.resource_servers.registration import end_resource
from authn.clients.resource_servers.resources import userinfo_audience
from authn.clients.tables import clients
from authn.db.transaction import reading, writing
from authn.devices.tables import devices, installations
from authn.grants.access_tokens import revoke_access_token
from authn.grants.confirmation import Confirmation
from authn.grants.grants import Grant, revoke_grants_at_client
from authn.grants.tables import grants
from authn.jose import ES256, sign
from authn.keys.signing_keys import current_keys
from authn.oidc.tokens.access_token import TYP, AuthorisedAccess, access_token_claims
from authn.people.tables import persons
from authn.sessions.sessions import end_session
from authn.web.site import Site
from tests.citizen import SSIN
from tests.conftest import MovableClock
from tests.oidc.client_keys import ClientKey, asserted, assertion
from tests.oidc.refreshing import events
from tests.oidc.relying_party import Holder, RelyingParty, b64, basic, register, segment
from tests.oidc.resource_servers import (
    API,
    OTHER_API,
    SCOPE,
    ResourceServer,
    application,
    resource_server,
)

pytestmark = pytest.mark.thorough

INACTIVE = {"active": False}


@pytest.fixture
def api(site: Site, backchannel: TestClient) -> ResourceServer:
    """The resource server."""
    return resource_server(site, backchannel)


@pytest.fixture
def app_of_letters(site: Site, client: TestClient, holder: Holder) -> RelyingParty:
    """An application that the holder allows to read letters."""
    return application(site, client).allowed_by(holder, SCOPE)


@pytest.fixture
def issue(site: Site, holder: Holder) -> Callable[..., str]:
    """Makes access tokens, of the last grant unless told otherwise."""

    def issued(client: Client, *, audience: str = API, scope: str = "letters", **more: Any) -> str:
        with reading(site.database) as connection:
            keys = current_keys(site, connection, site.clock())
            row = connection.execute(
                select(*(grants.c[name] for name in Grant.__dataclass_fields__))
                .order_by(grants.c.granted_at.desc())
                .limit(1)
            ).first()
        said = {"grant": Grant(*row) if row else None, "subject": "s", "sector": "x"} | more
        authorised = AuthorisedAccess(client=client, audience=audience, scope=scope, **said)
        claims = access_token_claims(site.settings, site.secrets, authorised, site.clock())
        return sign(keys.active[ES256], claims, TYP)

    return issued


def token_for_api(rp: RelyingParty, scope: str = SCOPE) -> str:
    """An access token for the API, by the code flow."""
    token: str = rp.tokens(scope=scope, resource=API)["access_token"]
    return token


# §2.2


def test_the_members_of_a_token_that_lives(
    site: Site, api: ResourceServer, app_of_letters: RelyingParty, clock: MovableClock
) -> None:
    token = token_for_api(app_of_letters)
    answer = api.introspect(token)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    now = int(clock.now.timestamp())
    claims = segment(token, 1)
    assert answer.json() == {
        "active": True,
        "scope": "letters",
        "client_id": "hospital",
        "token_type": "Bearer",
        "iss": site.settings.issuer,
        "aud": API,
        "sub": claims["sub"],
        "jti": claims["jti"],
        "iat": now,
        "exp": now + 300,
        "auth_time": now,
        "acr": "urn:authn:level:device",
        "amr": ["hwk", "user", "mfa", "pop"],
    }


def test_persons_have_another_sub_at_the_resource_than_at_the_application(
    api: ResourceServer, app_of_letters: RelyingParty
) -> None:  # decisions 1.3
    tokens = app_of_letters.tokens(scope=SCOPE, resource=API)
    told = api.learns(tokens["access_token"])
    assert told["sub"] != segment(tokens["id_token"], 1)["sub"]
    assert told["sub"] == api.learns(token_for_api(app_of_letters))["sub"]


def test_what_a_token_is_bound_to_who_acts_and_the_details_are_told(
    api: ResourceServer, app_of_letters: RelyingParty, issue: Callable[..., str]
) -> None:  # RFC 9449 §6.2, RFC 8705 §3.2, RFC 8693 §4.1, RFC 9396 §9.2
    app_of_letters.code()
    detail = {"type": "letters", "actions": ["read"]}
    bound = {
        "jkt": Confirmation(jkt="k" * 43),
        "x5t#S256": Confirmation(x5t_s256="c" * 43),
    }
    for name, confirmation in bound.items():
        token = issue(
            app_of_letters.client,
            confirmation=confirmation,
            act={"sub": "somebody"},
            authorization_details=(detail,),
        )
        told = api.learns(token)
        assert told["cnf"] == confirmation.claim
        assert told["token_type"] == ("DPoP" if name == "jkt" else "Bearer")
        assert (told["act"], told["authorization_details"]) == ({"sub": "somebody"}, [detail])


def test_a_systems_token_tells_its_organisation_and_lives_with_its_client(
    site: Site,
    api: ResourceServer,
    backchannel: TestClient,
    issue: Callable[..., str],
) -> None:
    system = register(
        site,
        backchannel,
        client_id="system",
        organisation="0123456749",
        scope="letters",
        resources=[API],
    ).client
    parts = {"grant": None, "subject": "system", "organisation": "0123456749"}
    token, other = issue(system, **parts), issue(system, **parts)
    told = api.learns(token)
    assert (told["active"], told["cbe"], told["sub"]) == (True, "0123456749", "system")
    assert "auth_time" not in told
    with writing(site.database) as connection:
        revoke_access_token(connection, told["jti"], site.clock())
    assert api.learns(token) == INACTIVE
    assert api.learns(other)["active"]
    with writing(site.database) as connection:
        ended = update(clients).where(clients.c.client_id == "system")
        connection.execute(ended.values(ended_at=site.clock()))
    assert api.learns(other) == INACTIVE


# §2.1: who may ask


def test_a_resource_server_must_authenticate(
    site: Site, api: ResourceServer, app_of_letters: RelyingParty
) -> None:
    token = token_for_api(app_of_letters)
    for headers in ({}, {"Authorization": basic("letters", "wrong" * 10)}):
        answer = api.client.browser.post("/introspect", data={"token": token}, headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
        assert answer.headers["www-authenticate"].startswith("Basic")


def test_a_resource_server_may_authenticate_with_a_key_each_assertion_once(
    site: Site, app_of_letters: RelyingParty, backchannel: TestClient
) -> None:
    key = ClientKey()
    api = resource_server(
        site,
        backchannel,
        metadata=ClientMetadata(jwks=key.jwks),
        token_endpoint_auth_method="private_key_jwt",
    )
    token = token_for_api(app_of_letters)
    signed = assertion("letters", site.settings.issuer, key, site.clock())
    data = asserted(signed, token=token)
    assert api.client.browser.post("/introspect", data=data).json()["active"]
    assert api.client.browser.post("/introspect", data=data).status_code == 401


def test_a_public_client_is_not_asked_who_it_is_and_so_learns_nothing(
    site: Site, api: ResourceServer, app_of_letters: RelyingParty, backchannel: TestClient
) -> None:
    register(site, backchannel, client_id="app", token_endpoint_auth_method="none")
    data = {"token": token_for_api(app_of_letters), "client_id": "app"}
    assert backchannel.post("/introspect", data=data).status_code == 401


def test_a_resource_learns_only_of_tokens_for_it(
    site: Site,
    api: ResourceServer,
    app_of_letters: RelyingParty,
    backchannel: TestClient,
    issue: Callable[..., str],
) -> None:  # §4
    other = resource_server(site, backchannel, OTHER_API, client_id="other")
    token = token_for_api(app_of_letters)
    assert other.learns(token) == INACTIVE
    for audience in (OTHER_API, userinfo_audience(site.settings), "https://unknown.example/"):
        assert api.learns(issue(app_of_letters.client, audience=audience)) == INACTIVE
    # Neither the application that holds it nor a client that is no resource's.
    for nobody in (app_of_letters, register(site, backchannel, client_id="nobody")):
        assert ResourceServer(nobody, api.resource).learns(token) == INACTIVE


def test_one_client_may_ask_for_several_resources(
    site: Site,
    api: ResourceServer,
    app_of_letters: RelyingParty,
    backchannel: TestClient,
    issue: Callable[..., str],
) -> None:
    resource_server(site, backchannel, OTHER_API, client_id="other")
    with writing(site.database) as connection:
        connection.exec_driver_sql("UPDATE resources SET client_id = 'letters'")
    app_of_letters.code()
    for audience in (API, OTHER_API):
        assert api.learns(issue(app_of_letters.client, audience=audience))["aud"] == audience


def test_refresh_and_id_tokens_are_none_of_a_resources(
    api: ResourceServer, app_of_letters: RelyingParty
) -> None:
    tokens = app_of_letters.tokens(scope=SCOPE, resource=API)
    for kind in ("refresh_token", "id_token"):
        assert api.learns(tokens[kind]) == INACTIVE
        answer = api.introspect(tokens[kind], token_type_hint=kind)
        assert answer.json() == INACTIVE


@pytest.mark.parametrize("token", ["nonsense", "a.b.c", "..", "é.é.é", "x" * 40_000, "x." * 9_000])
def test_what_is_no_token_is_inactive(api: ResourceServer, token: str) -> None:
    assert api.learns(token) == INACTIVE


def test_a_token_that_was_changed_is_inactive(
    api: ResourceServer, app_of_letters: RelyingParty
) -> None:
    token = token_for_api(app_of_letters)
    header, _, signature = token.split(".")
    forged = b64(segment(token, 1) | {"scope": "letters admin"})
    assert api.learns(f"{header}.{forged}.{signature}") == INACTIVE
    assert api.learns(f"{b64({'alg': 'none', 'typ': 'at+jwt'})}.{forged}.") == INACTIVE


@pytest.mark.parametrize("token", [None, ""])
def test_a_request_without_a_token_is_refused(api: ResourceServer, token: str | None) -> None:
    answer = api.introspect(token)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_a_token_in_a_url_is_none(api: ResourceServer, app_of_letters: RelyingParty) -> None:
    token = token_for_api(app_of_letters)  # §4: it would be logged
    headers = {"Authorization": basic("letters", api.client.client_secret)}
    browser = api.client.browser
    assert browser.get(f"/introspect?token={token}", headers=headers).status_code == 405
    assert browser.post(f"/introspect?token={token}", headers=headers).status_code == 400


# Decisions 7: what ends a token ends it at once


def _session(site: Site, holder: Holder) -> None:
    with writing(site.database) as connection:
        end_session(connection, holder.session.id, site.clock())


def _installation(site: Site, holder: Holder) -> None:
    with writing(site.database) as connection:
        connection.execute(update(installations).values(ended_at=site.clock()))
        end_session(connection, holder.session.id, site.clock())


def _device(site: Site, holder: Holder) -> None:
    with writing(site.database) as connection:
        connection.execute(update(devices).values(status="suspended"))


def _person(site: Site, holder: Holder) -> None:
    with writing(site.database) as connection:
        connection.execute(update(persons).values(deceased=True))


def _consent(site: Site, holder: Holder) -> None:
    with writing(site.database) as connection:
        assert revoke_grants_at_client(connection, holder.person.id, "hospital", site.clock()) == 1


def _application(site: Site, holder: Holder) -> None:
    with writing(site.database) as connection:
        ended = update(clients).where(clients.c.client_id == "hospital")
        connection.execute(ended.values(ended_at=site.clock()))


def _resource(site: Site, holder: Holder) -> None:
    with writing(site.database) as connection:
        assert end_resource(connection, site.secrets, API, site.clock())


def _time(site: Site, holder: Holder) -> None:
    clock: Any = site.clock
    clock.advance(minutes=5)


ENDS_OFFLINE_TOO = (_device, _person, _consent, _application, _resource, _time)
ENDS_ONLINE_ALONE = (_session, _installation)


@pytest.mark.parametrize("scope", [SCOPE, f"{SCOPE} offline_access"], ids=["online", "offline"])
@pytest.mark.parametrize("end", [*ENDS_OFFLINE_TOO, *ENDS_ONLINE_ALONE])
def test_what_ends_a_token_ends_it_at_once(
    site: Site,
    api: ResourceServer,
    app_of_letters: RelyingParty,
    holder: Holder,
    end: Callable[[Site, Holder], None],
    scope: str,
) -> None:
    app_of_letters.allowed_by(holder, scope)
    token = token_for_api(app_of_letters, scope)
    assert api.learns(token)["active"]
    end(site, holder)
    still_lives = end in ENDS_ONLINE_ALONE and "offline_access" in scope
    assert api.learns(token)["active"] is still_lives


def test_a_revoked_token_is_inactive_at_once(
    site: Site, api: ResourceServer, app_of_letters: RelyingParty
) -> None:
    token = token_for_api(app_of_letters)
    headers = {"Authorization": basic("hospital", app_of_letters.client_secret)}
    answer = app_of_letters.browser.post("/revoke", data={"token": token}, headers=headers)
    assert answer.status_code == 200
    assert api.learns(token) == INACTIVE


def test_a_token_by_exchange_lives_with_the_client_that_got_it(
    site: Site,
    api: ResourceServer,
    app_of_letters: RelyingParty,
    backchannel: TestClient,
    issue: Callable[..., str],
) -> None:
    app_of_letters.code()
    portal = register(site, backchannel, client_id="portal").client
    with writing(site.database) as connection:
        pair = ExchangePair("portal", "hospital", API)
        allow_exchange(connection, site.secrets, pair, site.clock())
    token = issue(portal)
    assert api.learns(token)["client_id"] == "portal"
    with writing(site.database) as connection:
        ended = update(clients).where(clients.c.client_id == "portal")
        connection.execute(ended.values(ended_at=site.clock()))
    assert api.learns(token) == INACTIVE


# Decisions 1.5: the national number


@pytest.fixture
def reading_numbers(site: Site, client: TestClient, holder: Holder) -> RelyingParty:
    """An application that may ask for the national number, and does."""
    scope = f"{SCOPE} ssin"
    rp = application(site, client, scope=scope, may_read_ssin=True)
    return rp.allowed_by(holder, scope)


def told_of_numbers(api: ResourceServer, rp: RelyingParty, scope: str) -> Mapping[str, Any]:
    """What the resource learns of a token of this scope."""
    return api.learns(token_for_api(rp, scope))


def test_a_resource_with_the_permission_is_told_and_each_time_is_on_record(
    site: Site, reading_numbers: RelyingParty, backchannel: TestClient
) -> None:
    api = resource_server(site, backchannel, may_read_ssin=True)
    token = token_for_api(reading_numbers, f"{SCOPE} ssin")
    assert SSIN not in str(segment(token, 1))
    for times in (1, 2):
        assert api.learns(token)["ssin"] == SSIN
        assert events(site, "application.ssin-released") == times
    with reading(site.database) as connection:
        statement = select(audit_events).where(audit_events.c.event == "application.ssin-released")
        row = connection.execute(statement).first()
    assert row is not None
    assert row.client_id == "letters"


def test_without_the_permission_or_the_scope_no_number_is_told(
    site: Site, reading_numbers: RelyingParty, backchannel: TestClient
) -> None:
    without = resource_server(site, backchannel)
    assert "ssin" not in told_of_numbers(without, reading_numbers, f"{SCOPE} ssin")
    with writing(site.database) as connection:
        connection.exec_driver_sql("UPDATE resources SET may_read_ssin = TRUE")
    assert "ssin" not in told_of_numbers(without, reading_numbers, SCOPE)
    assert events(site, "application.ssin-released") == 0


def test_a_dead_token_releases_no_number(
    site: Site, reading_numbers: RelyingParty, backchannel: TestClient, holder: Holder
) -> None:
    api = resource_server(site, backchannel, may_read_ssin=True)
    token = token_for_api(reading_numbers, f"{SCOPE} ssin")
    _session(site, holder)
    assert api.learns(token) == INACTIVE
    assert events(site, "application.ssin-released") == 0
