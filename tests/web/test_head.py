"""HEAD: RFC 9110 §9.3.2 (https://www.rfc-editor.org/rfc/rfc9110#section-9.3.2), §9.2.1 and §15.5.6.

What a naive provider does: its framework answers HEAD wherever there is GET, by calling what GET
calls; and a link checker, or an address that is looked at beforehand, obtains a code.
"""

from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from sqlalchemy import func, select
from starlette.testclient import TestClient

from authn.app import ROUTES
from authn.db.transaction import reading
from authn.grants.tables import grants
from authn.keys.signing_keys import ensure_signing_keys
from authn.web.routing import NO_DATABASE, RouteShape
from authn.web.site import Site
from tests.oidc.pushing import bring, pushed
from tests.oidc.relying_party import RelyingParty, hold_device, register


def given(site: Site) -> int:
    """How many grants there are."""
    with reading(site.database) as connection:
        count: int = connection.execute(select(func.count()).select_from(grants)).scalar_one()
    return count


def shape_of(route: object) -> RouteShape | None:
    """What the route takes and gives, where it is one of ours."""
    shape = getattr(getattr(route, "endpoint", None), "shape", None)
    return shape if isinstance(shape, RouteShape) else None


@pytest.mark.one_engine
def test_where_a_get_may_write_there_is_no_head() -> None:
    shapes = [
        (route, shape)
        for route in ROUTES
        if (shape := shape_of(route)) and "GET" in (getattr(route, "methods", None) or ())
    ]
    assert len(shapes) > 50
    for route, shape in shapes:
        only_reads = shape.writes in (False, NO_DATABASE)
        assert ("HEAD" in getattr(route, "methods", ())) == only_reads, route


@pytest.fixture
def rp(site: Site, client: TestClient) -> RelyingParty:
    """A client whose person is signed in and is asked nothing."""
    ensure_signing_keys(site.database, site.secrets, site.clock())
    hold_device(site, client)
    return register(site, client, client_id="hospital", first_party=True)


def test_a_head_at_authorize_gives_no_code(
    site: Site, client: TestClient, rp: RelyingParty
) -> None:
    answer = client.head("/authorize?" + urlencode(rp.request()))
    assert answer.status_code == 405
    assert "location" not in answer.headers
    assert given(site) == 0
    assert "code" in rp.answer()


def test_nor_spends_a_request_that_was_pushed(
    site: Site, client: TestClient, rp: RelyingParty
) -> None:
    request_uri = pushed(rp)
    query = {"client_id": "hospital", "request_uri": request_uri}
    assert client.head("/authorize?" + urlencode(query)).status_code == 405
    assert "code=" in bring(rp, request_uri).headers["location"]
    assert given(site) == 1


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/authorize", {"GET", "POST"}),
        ("/userinfo", {"GET", "POST"}),
        ("/consent", {"GET", "POST"}),
        ("/login/continue", {"GET"}),
        ("/token", {"POST"}),
        ("/par", {"POST"}),
        ("/register/x", {"GET", "PUT", "DELETE"}),
    ],
)
def test_the_refusal_says_what_is_allowed(
    client: TestClient, path: str, allowed: set[str]
) -> None:  # RFC 9110 §15.5.6
    answer = client.head(path)
    assert answer.status_code == 405
    assert {each.strip() for each in answer.headers["allow"].split(",")} == allowed
    assert answer.content == b""


@pytest.mark.usefixtures("rp")
@pytest.mark.parametrize("path", ["/", "/.well-known/openid-configuration", "/jwks", "/health"])
def test_what_only_reads_is_asked_as_get_is(
    client: TestClient, path: str, get_of: Callable[[str], dict[str, str]]
) -> None:
    answer = client.head(path)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == get_of(path)["content-type"]


@pytest.fixture
def get_of(client: TestClient) -> Callable[[str], dict[str, str]]:
    """The headers of a GET."""
    return lambda path: dict(client.get(path).headers)
