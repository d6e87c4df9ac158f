"""What somebody tries who knows the protocols and wishes us ill, across the rooms.

The classes are those by which comparable products were broken. What belongs to one room is tested
there; here is what needs two of them at once, or the ground under all.
"""

import os
import re
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from httpx2 import Response
from pydantic import SecretStr, ValidationError
from sqlalchemy import select, update
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from authn.app import ROUTES, create_app
from authn.clock import Clock
from authn.db.engine import open_database
from authn.db.transaction import reading, writing
from authn.devices.devices import MOST_DEVICES, find_device
from authn.devices.life import suspend, unlink
from authn.devices.tables import devices
from authn.enrolment.invitation_tables import invitations
from authn.errors import CommandError, Forbidden
from authn.grants.tables import grants
from authn.people.persons import lock_person
from authn.people.tables import persons
from authn.secrets import load_secrets
from authn.sessions.tables import sessions
from authn.settings import Settings
from authn.web import languages
from authn.web.cookies import BROWSER, INSTALLATION, LANGUAGE, SESSION
from authn.web.routing import _Endpoint
from authn.web.server import server_options
from authn.web.site import Site
from tests import patience
from tests.authenticator import Authenticator
from tests.citizen import KARIM, ORIGIN, Screen, activation_code, enrolled
from tests.hospital import REDIRECT_URI, register_hospital
from tests.occasion import job
from tests.patience import meanwhile
from tests.screens import (
    add_here,
    another_screen,
    answered,
    approve,
    ceremony,
    claim,
    created,
    device_in,
    events,
    everything,
    finish_joining,
    invite,
    problem,
    remove,
    signed_in,
)

pytestmark = pytest.mark.thorough

ANY_ID = "00000000-0000-0000-0000-000000000000"
DESK_API = "/api/desk/v1/"
# Called by clients, who prove themselves each time; the first two turn a POST into a GET.
PROTOCOL = {
    "/authorize",
    "/logout",
    "/token",
    "/userinfo",
    "/par",
    "/device_authorization",
    "/introspect",
    "/revoke",
    "/register",
}


@pytest.fixture
def application(site: Site) -> None:
    """A relying application is registered, and there are signing keys."""
    register_hospital(site, require_pkce=False)


@pytest.fixture
def screen(site: Site, client: TestClient, application: None) -> Screen:
    """Hanne, signed in on the laptop with which she enrolled."""
    return enrolled(site, client)[1]


def authorize(screen: Screen, **parameters: str) -> str:
    """Where an authorization request leads."""
    request = {
        "response_type": "code",
        "client_id": "hospital",
        "redirect_uri": REDIRECT_URI,
        "scope": "openid",
    }
    return screen.client.get("/authorize?" + urlencode(request | parameters)).headers["location"]


def waiting(location: str, page: str) -> str:
    """The token of the request that waits at this page."""
    assert urlsplit(location).path == page, location
    return parse_qs(urlsplit(location).query)["request"][0]


def hidden(screen: Screen, page: str) -> dict[str, str]:
    """The hidden fields of the form that this page's question is in."""
    form = screen.client.get(page).text.partition("<main")[2].partition("</form>")[0]
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))


# The ground


@pytest.mark.parametrize("path", ["/devices/", "/token/", "/static"])
def test_the_host_header_leads_nowhere(client: TestClient, path: str) -> None:
    answer = client.request("GET", path, headers={"Host": "attacker.example"})
    assert answer.status_code == 404
    assert "attacker.example" not in answer.text + str(answer.headers)


@pytest.mark.parametrize(
    "name", ["Host", "X-Forwarded-Host", "X-Original-URL", "X-Forwarded-Proto"]
)
def test_no_header_changes_what_we_say_of_ourselves(client: TestClient, name: str) -> None:
    for path in ("/", "/login", "/.well-known/openid-configuration"):
        answer = client.get(path, headers={name: "attacker.example"})
        assert answer.status_code == 200
        assert "attacker.example" not in answer.text + str(answer.headers)


@pytest.mark.parametrize(
    "path", ["/devices;x", "/devices..;/", "//devices", "/devices%00", "/devices%20", "/DEVICES"]
)
def test_only_the_exact_path_is_a_route(client: TestClient, path: str) -> None:
    assert client.get(ORIGIN + path).status_code == 404


def test_a_post_of_a_page_of_ours_needs_origin_and_token(client: TestClient, site: Site) -> None:
    """Every POST route, by its shape: what has no CSRF token is a protocol endpoint.

    Of those, none is worth anything to somebody else's form: they look at no cookie.
    """
    shapes = {
        route.path: route.app.shape
        for route in ROUTES
        if isinstance(route, Route)
        and isinstance(route.app, _Endpoint)
        and "POST" in (route.methods or ())
    }
    exempt = {path for path, shape in shapes.items() if not shape.same_site}
    of_the_api = {path for path in exempt if path.startswith(DESK_API)}
    assert exempt - of_the_api == PROTOCOL
    enrolled(site, client)
    before = everything(site)
    for path in of_the_api:  # by an access token alone
        answer = client.post(re.sub(r"\{\w+:uuid\}", ANY_ID, path), json={})
        assert answer.status_code == 401, path
        assert not answer.headers.get_list("set-cookie"), path
    for path in PROTOCOL:
        answer = client.post(path, json={}) if shapes[path].body == "json" else client.post(path)
        assert answer.status_code in (303, 400, 401), path
        assert not answer.headers.get_list("set-cookie"), path
    for path in shapes.keys() - exempt:
        plain = re.sub(r"\{\w+:uuid\}", ANY_ID, path)
        answer = client.post(plain, json={}) if shapes[path].body == "json" else client.post(plain)
        assert answer.status_code == 403, path
    assert everything(site) == before


def test_another_site_can_not_throw_away_the_cookie_of_this_browser(client: TestClient) -> None:
    """A cross-site POST comes without Lax cookies: that makes nobody a new browser."""
    for path in ("/authorize", "/logout", "/sign-out", "/consent", "/no/such/page"):
        answer = client.post(path, data={}, headers={"Origin": "https://attacker.example"})
        assert BROWSER not in str(answer.headers.get_list("set-cookie")), path


def test_on_https_every_cookie_is_for_this_host_alone(settings: Settings, clock: Clock) -> None:
    origin = "https://login.example.org"
    app = create_app(settings.model_copy(update={"issuer": origin}), clock)
    with TestClient(app, base_url=origin, follow_redirects=False) as client:
        _, code = activation_code(app.state.site)
        screen = Screen(client, origin=origin)
        first = client.get("/")
        assert first.headers["strict-transport-security"].startswith("max-age=")
        answers = [first, screen.enrol(code), screen.post_form("/language", language="fr")]
        answers += [screen.post_form("/sign-out")]
    cookies = [each for answer in answers for each in answer.headers.get_list("set-cookie")]
    names = {cookie.partition("=")[0] for cookie in cookies}
    assert names == {f"__Host-authn-{each}" for each in (BROWSER, SESSION, INSTALLATION, LANGUAGE)}
    for cookie in cookies:
        attributes = {each.strip().lower() for each in cookie.split(";")[1:]}
        assert {"path=/", "secure", "httponly", "samesite=lax"} <= attributes, cookie
        assert not any(each.startswith("domain") for each in attributes)


def test_what_is_remembered_of_a_header_is_short() -> None:
    languages._accepted_languages.cache_clear()
    for end in ("x", "y"):
        assert languages.accepted_languages("fr," + " " * 1000 + end) == ("fr",)
    assert languages._accepted_languages.cache_info().currsize == 1


def test_pages_with_anything_personal_are_not_kept(screen: Screen) -> None:
    for path in ("/", "/devices", "/devices/add", "/login", "/activate", "/signed-out"):
        assert screen.client.get(path).headers["cache-control"] == "no-store", path


def test_uvicorn_speaks_no_web_socket_and_believes_no_header(settings: Settings) -> None:
    options = server_options(settings)
    assert options["ws"] == "none"
    assert options["proxy_headers"] is False
    assert options["access_log"] is False


# At rest, and at start


@pytest.mark.parametrize("mode", [0o700, 0o755])
def test_the_embedded_database_is_its_owners_alone(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(mode)
    url = SecretStr(f"sqlite:///{folder / 'authn.db'}")
    before = os.umask(0o022)
    try:
        with closing(open_database(Settings(database_url=url))) as database:
            with writing(database) as connection:
                connection.exec_driver_sql("CREATE TABLE names (name TEXT)")
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    finally:
        os.umask(before)
    assert set(modes.values()) == {0o600}, modes
    assert {"authn.db", "authn.db-wal", "authn.db.lock"} <= modes.keys()


def test_two_keys_that_are_the_same_are_refused(settings: Settings) -> None:
    same = settings.model_copy(update={"audit_key": settings.token_key})
    with pytest.raises(CommandError, match="the same"):
        load_secrets(same)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rp_id", "example.com"),
        ("rp_id", "in.example.org"),
        ("rp_id", "xample.org"),
        ("issuer", "https://Login.example.org"),
        ("issuer", "https://login.example.org:443"),
        ("issuer", "https://login.example.org:x"),
        ("issuer", "https://login.example.org/path"),
        ("issuer", "https://u:p@login.example.org"),
        ("issuer", "http://login.example.org"),
        ("issuer", "http://localhost.attacker.example"),
        ("database_url", "mysql://u:secret@host/authn"),
        ("database_url", "postgresql://u:sec@ret@host/authn"),
    ],
)
def test_a_setting_that_would_lock_everybody_out_is_refused(name: str, value: str) -> None:
    values = {"issuer": "https://login.example.org", name: value}
    with pytest.raises(ValidationError) as refused:
        Settings(**values)  # type: ignore[arg-type]
    problem = refused.value.errors(include_input=False, include_url=False, include_context=False)
    assert problem[0]["loc"] == (name,)
    assert "secret" not in str(problem)


def test_an_rp_id_may_be_a_domain_above_the_issuer() -> None:
    above = Settings(issuer="https://login.example.org", rp_id="example.org")
    assert above.relying_party_id == "example.org"


# Steps out of order, repeated or in the wrong hands


def test_a_second_sign_in_for_an_answered_request_leaves_the_person_signed_in(
    site: Site, screen: Screen
) -> None:
    """Two tabs, or autofill and the button: nothing half-written, and no session that is lost."""
    first = waiting(authorize(screen, prompt="login"), "/login")
    consent = waiting(screen.sign_in(first).json()["location"], "/consent")
    screen.answer_page("/consent", consent, decision="allow")
    answer = screen.sign_in(first)
    assert answer.status_code == 200, answer.text
    location = answer.json()["location"]
    assert urlsplit(location).path == "/login/continue"
    assert screen.client.get(location).status_code == 410
    assert signed_in(screen)
    with reading(site.database) as connection:
        assert len(connection.execute(select(grants)).all()) == 1
        open_sessions = select(sessions.c.id).where(sessions.c.ended_at.is_(None))
        assert len(connection.execute(open_sessions).all()) == 1


def test_a_consent_counts_for_the_person_whom_it_was_shown_to(
    site: Site, app: Starlette, screen: Screen
) -> None:
    token = waiting(authorize(screen), "/consent")
    shown = hidden(screen, "/consent?" + urlencode({"request": token}))
    enrolled(site, another_screen(app).client, KARIM)
    _, code = activation_code(site, KARIM)
    screen.authenticator = Authenticator()
    assert screen.enrol(code, KARIM.ssin).status_code == 200  # in the same browser
    answer = screen.post_form("/consent", **shown, decision="allow")
    assert urlsplit(answer.headers["location"]).path == "/consent"
    assert "consent.given" not in dict(events(site))
    shown = hidden(screen, answer.headers["location"])
    assert "code=" in screen.post_form("/consent", **shown, decision="allow").text


def test_an_account_is_chosen_by_the_person_whom_it_was_shown_to(
    site: Site, screen: Screen
) -> None:
    token = waiting(authorize(screen, prompt="select_account"), "/select-account")
    shown = hidden(screen, "/select-account?" + urlencode({"request": token}))
    _, code = activation_code(site, KARIM)
    screen.authenticator = Authenticator()
    assert screen.enrol(code, KARIM.ssin).status_code == 200
    answer = screen.post_form("/select-account", **shown, choice="continue")
    assert urlsplit(answer.headers["location"]).path == "/select-account"


def test_a_refused_registration_burns_its_challenge_and_nothing_else(
    site: Site, app: Starlette, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:  # decisions 5
    """The code and the link, which were spent behind the savepoint, are good for another try."""
    _, code = activation_code(site, KARIM)
    other, phone = another_screen(app), another_screen(app)
    page, secret = invite(screen)
    invitation, number = claim(phone, secret)
    assert approve(screen, page, number).status_code == 200
    with monkeypatch.context() as twins:
        # Authenticators that give out a credential that somebody has already
        twin = screen.authenticator.credentials[0]
        twins.setattr(Authenticator, "_new_credential", lambda *_: twin)
        assert problem(other.enrol(code, KARIM.ssin)) == "already-registered"
        refused = finish_joining(phone, invitation, ignore_exclude=True)
        assert problem(refused) == "already-registered"
    assert [each for each in events(site) if each[1] == "already_registered"] == [
        ("device.refused", "already_registered")
    ] * 2
    assert other.enrol(code, KARIM.ssin).status_code == 200
    assert finish_joining(phone, invitation).status_code == 200


def test_no_key_is_made_that_could_not_be_kept(site: Site, screen: Screen) -> None:
    """A twenty-first device is refused before the authenticator is asked for a key."""
    for _ in range(MOST_DEVICES - 1):
        device_in(add_here(screen, Authenticator()))
    confirmation = answered(screen, ceremony(screen, "/devices/add/here/confirm-options"))
    answer = screen.post_json("/devices/add/here/options", confirmation)
    assert (answer.status_code, problem(answer)) == (403, "too-many-devices")


STEPS = [
    "/login/options",
    "/login/assertion",
    "/activate/options",
    "/activate/registration",
    "/join/look",
    "/join/claim",
    "/join/options",
    "/join/registration",
    "/devices/add/here/options",
    "/devices/add/here/registration",
]


@pytest.mark.parametrize("path", STEPS)
@pytest.mark.parametrize(
    "content",
    [{}, {"request": "x"}, {"enrolment": "", "invitation": ANY_ID, "secret": "", "ceremony": ""}],
)
@pytest.mark.one_engine
def test_an_empty_step_is_no_step(
    site: Site, screen: Screen, path: str, content: dict[str, str]
) -> None:
    before = everything(site)
    answer = screen.post_json(path, content)
    asks_first = path == "/login/options" and not content.get("request")
    assert answer.status_code == 200 if asks_first else 400 <= answer.status_code < 500
    assert everything(site) == before


def test_a_token_of_one_purpose_is_worth_nothing_for_another(site: Site, screen: Screen) -> None:
    _, code = activation_code(site, KARIM)
    enrolment = screen.activate(code, KARIM.ssin)
    pending = waiting(authorize(screen, prompt="login"), "/login")
    challenge = ceremony(screen, "/login/options")["ceremony"]
    logout = hidden(screen, "/logout")["logout"]
    for wrong in (enrolment, challenge, logout):
        assert screen.post_json("/login/options", {"request": wrong}).status_code == 400
    for wrong in (pending, challenge, logout):
        assert screen.post_json("/activate/options", {"enrolment": wrong}).status_code == 400
    for wrong in (enrolment, pending, logout):
        answer = screen.post_json("/login/assertion", {"ceremony": wrong})
        assert answer.status_code == 400
    for wrong in (enrolment, pending, challenge):
        assert screen.post_form("/logout/confirm", logout=wrong).status_code == 400


# Removal against everything else, at the same moment


def while_removing(site: Site, device: Response, act: Callable[[], Response]) -> Response:
    """The answer to an act that began before a removal was committed, and went on after it."""
    with reading(site.database) as connection:
        person_id = connection.execute(select(persons.c.id)).scalar_one()
    with ThreadPoolExecutor(1) as pool:
        with writing(site.database) as connection:
            found = find_device(connection, person_id, device_in(device))
            unlink(job(site, connection), found, "holder")
            running = pool.submit(act)
            meanwhile()  # it has read what it reads, and waits
        return running.result(timeout=patience.SECONDS)


def test_a_sign_in_with_a_device_that_is_removed_meanwhile_is_refused(
    site: Site, app: Starlette, screen: Screen
) -> None:
    key = another_screen(app)
    added = add_here(screen, key.authenticator)
    assertion = answered(key, ceremony(key, "/login/options"))
    answer = while_removing(site, added, lambda: key.post_json("/login/assertion", assertion))
    assert answer.status_code in (403, 404), answer.text
    assert not signed_in(key)


def test_a_link_that_a_device_approved_dies_with_it_even_meanwhile(
    site: Site, app: Starlette, screen: Screen
) -> None:
    key, phone = Authenticator(), another_screen(app)
    added = add_here(screen, key)
    page, secret = invite(screen)
    invitation, number = claim(phone, secret)
    laptop, screen.authenticator = screen.authenticator, key
    assert approve(screen, page, number).status_code == 200
    screen.authenticator = laptop
    options = ceremony(phone, "/join/options", {"invitation": invitation})
    content = {"invitation": invitation, **created(phone.authenticator, options)}
    phone.csrf()
    answer = while_removing(site, added, lambda: phone.post_json("/join/registration", content))
    assert answer.status_code in (404, 410), answer.text
    assert not signed_in(phone)
    assert [name for name, _ in events(site)].count("device.added") == 2


def test_a_session_whose_device_is_removed_meanwhile_adds_nothing(
    site: Site, app: Starlette, screen: Screen
) -> None:
    key = Authenticator()
    added = add_here(screen, key)
    screen.authenticator = key
    assert screen.sign_in().status_code == 200  # with the key that will be removed
    confirmation = answered(screen, ceremony(screen, "/devices/add/here/confirm-options"))
    options = ceremony(screen, "/devices/add/here/options", confirmation)
    content = created(Authenticator(), options)
    answer = while_removing(
        site, added, lambda: screen.post_json("/devices/add/here/registration", content)
    )
    assert (answer.status_code, problem(answer)) == (403, "not-signed-in")
    assert [name for name, _ in events(site)].count("device.added") == 2


def test_the_last_two_devices_are_not_removed_meanwhile(
    site: Site, app: Starlette, screen: Screen
) -> None:
    added = add_here(screen, Authenticator())
    with reading(site.database) as connection:
        held = connection.execute(select(devices.c.id, devices.c.person_id)).all()
    [(first, person_id)] = [row for row in held if row.id != device_in(added)]

    def remove_the_other() -> Response:
        with writing(site.database) as connection:
            unlink(job(site, connection), find_device(connection, person_id, first), "holder")
        raise AssertionError("no device is left")

    with pytest.raises(Forbidden):
        while_removing(site, added, remove_the_other)


def test_a_number_is_not_compared_once_another_one_has_ended_the_link(
    site: Site, app: Starlette, screen: Screen
) -> None:
    """Else many tries at once would tell which number is right."""
    phone = another_screen(app)
    page, secret = invite(screen)
    _, number = claim(phone, secret)
    with ThreadPoolExecutor(1) as pool:
        with writing(site.database) as connection:
            person_id = connection.execute(select(persons.c.id)).scalar_one()
            lock_person(connection, person_id)
            connection.execute(update(invitations).values(state="dead"))  # a wrong number, just now
            running = pool.submit(screen.post_json, f"{page}/confirm", {"number": number})
            meanwhile()
        answer = running.result(timeout=patience.SECONDS)
    assert (answer.status_code, problem(answer)) == (410, "invitation-over")


def test_a_removal_that_is_refused_is_on_record(site: Site, screen: Screen) -> None:
    page = screen.client.get("/devices").text
    found = re.search(r"/devices/([0-9a-f-]{36})\"", page)
    assert found
    options = ceremony(screen, f"/devices/{found[1]}/remove/options")
    answer = screen.post_json(f"/devices/{found[1]}/remove", answered(screen, options))
    assert problem(answer) == "last-device"
    assert events(site)[-1] == ("device.act-refused", "last device")


# The dead and the suspended


def test_nothing_is_left_to_who_has_died(site: Site, app: Starlette, screen: Screen) -> None:
    """Session, fresh sign-in, link, confirmation, enrolment: each is tried."""
    _, code = activation_code(site)
    half = another_screen(app)
    enrolment = half.activate(code)
    page, secret = invite(screen)
    phone = another_screen(app)
    invitation, number = claim(phone, secret)
    assert approve(screen, page, number).status_code == 200
    joining = ceremony(phone, "/join/options", {"invitation": invitation})
    with writing(site.database) as connection:
        connection.execute(update(persons).values(deceased=True))
    assert not signed_in(screen)
    assert screen.sign_in().status_code == 403
    assert half.post_json("/activate/options", {"enrolment": enrolment}).status_code == 403
    content = {"invitation": invitation, **created(phone.authenticator, joining)}
    assert phone.post_json("/join/registration", content).status_code == 410
    assert another_screen(app).post_json("/join/look", {"secret": secret}).status_code == 410
    assert another_screen(app).post_form("/activate", code=code, ssin="x").status_code == 422


def test_a_suspended_device_confirms_nothing(site: Site, screen: Screen) -> None:
    key = Authenticator()
    added = device_in(add_here(screen, key))
    options = ceremony(screen, f"/devices/{added}/remove/options")
    with writing(site.database) as connection:
        person_id = connection.execute(select(persons.c.id)).scalar_one()
        device = find_device(connection, person_id, added)
        assert suspend(job(site, connection), device, "holder", "holder")
    laptop, screen.authenticator = screen.authenticator, key
    answer = screen.post_json(f"/devices/{added}/remove", answered(screen, options))
    assert (answer.status_code, problem(answer)) == (403, "refused-by-policy")
    screen.authenticator = laptop
    assert remove(screen, added).status_code == 200
