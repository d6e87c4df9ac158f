"""What being on record adds to a login: two rows, a statement each, and no commit of its own.

Counted, not timed: what they take of a login's processor time is a figure of `make bench`.
"""

from urllib.parse import parse_qs, urlsplit

from sqlalchemy import select
from starlette.testclient import TestClient

from authn.audit.events.applications import ApplicationAuthorised
from authn.audit.events.people import SignedIn
from authn.audit.log import audit_events
from authn.db.transaction import reading
from authn.web.cookies import SESSION, cookie_name
from authn.web.site import Site
from tests.citizen import enrolled
from tests.oidc.test_cost import MakeRP, counted
from tests.plans import inserted


def events(site: Site) -> list[str]:
    with reading(site.database) as connection:
        names = select(audit_events.c.event).order_by(audit_events.c.id)
        return list(connection.execute(names).scalars())


def test_a_whole_login_has_two_rows_in_two_statements_and_one_commit(
    site: Site, client: TestClient, make_rp: MakeRP
) -> None:
    rp = make_rp(policy="synced", first_party=True)
    _, screen = enrolled(site, client)
    client.cookies.delete(cookie_name(site.settings, SESSION))
    token = parse_qs(urlsplit(rp.authorize().headers["location"]).query)["request"][0]
    before = events(site)
    with counted(site) as seen, inserted(site.database.writer) as statements:
        answer = screen.sign_in(token)
    assert "code=" in answer.json()["location"]
    assert events(site)[len(before) :] == [SignedIn.name, ApplicationAuthorised.name]
    assert [each for each in seen if "audit" in each] == ["INSERT INTO audit_events"] * 2
    assert seen.count("COMMIT") == 1
    # Nor does anybody wait for an answer that nobody reads.
    assert not any("RETURNING" in each for each in statements if "audit_events" in each)


def test_tokens_and_userinfo_for_it_have_none(
    site: Site, client: TestClient, make_rp: MakeRP
) -> None:
    rp = make_rp(policy="synced", first_party=True)
    _, screen = enrolled(site, client)
    client.cookies.delete(cookie_name(site.settings, SESSION))
    token = parse_qs(urlsplit(rp.authorize().headers["location"]).query)["request"][0]
    location = screen.sign_in(token).json()["location"]
    code = parse_qs(urlsplit(location).query)["code"][0]
    before = events(site)
    with counted(site) as seen:
        tokens = rp.redeem(code).json()
        rp.userinfo(tokens["access_token"])
    assert events(site) == before
    assert not any("audit" in each for each in seen)
