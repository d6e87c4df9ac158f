"""What a resource refuses to the capacity in which somebody acts: narrowed, or told plainly.

RFC 6749 §3.3 (https://www.rfc-editor.org/rfc/rfc6749#section-3.3) for a scope that is narrowed,
§4.1.2.1 for `access_denied`. The rules themselves: tests/clients/test_permissions.py.
"""

import re
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson
import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from authn.audit.log import audit_events
from authn.clients.client_metadata import ClientMetadata
from authn.clients.resource_servers.resources import ResourceScope
from authn.db.transaction import reading
from authn.grants.authorization_request import unpack_grant_details
from authn.grants.tables import grants
from authn.web.site import Site
from tests.authenticator import Authenticator
from tests.capacities import MARIE, choose, knows, mandate, physician, quality
from tests.citizen import HANNE, Screen, enrolled, fields_of
from tests.hospital import REDIRECT_URI, register_hospital
from tests.login.test_interaction import allow, authorize, data_location, query, waiting
from tests.oidc.apis import PRESCRIPTIONS, REPORTS, details, register_api
from tests.oidc.other_screens import error, go_on, other_screen
from tests.oidc.test_cost import counted
from tests.screens import add_here, device_in

ENGLISH = {"Accept-Language": "en"}
PAGE = "/login/not-permitted"
REFUSED = {
    "error": "access_denied",
    "error_description": "The person may not obtain what this client needs.",
}
SCOPES = {
    "read": ResourceScope({"en": "Read prescriptions", "nl": "Voorschriften lezen"}),
    "write": ResourceScope(
        {"en": "Write prescriptions"},
        profile_kinds=("quality", "mandate"),
        disciplines=("physician", "dentist"),
        service_names=("recipe",),
    ),
    "sign": ResourceScope({"en": "Sign prescriptions"}, level="device"),
}


@pytest.fixture
def screen(site: Site, client: TestClient) -> Screen:
    """Hanne, signed in on the laptop with which she enrolled."""
    _, screen = enrolled(site, client)
    client.headers.update(ENGLISH)
    return screen


def synced(site: Site, client: TestClient) -> Screen:
    """Hanne, signed in with a key that is shared by her devices."""
    _, screen = enrolled(site, client, backup_eligible=True)
    screen.authenticator.credentials[0].backup_eligible = True
    client.headers.update(ENGLISH)
    return screen


def hospital(site: Site, *, scopes: dict[str, ResourceScope] = SCOPES, **more: Any) -> None:
    """An application of ours that may ask all of them; nobody is asked for consent."""
    register_api(site, scopes=scopes)
    values: dict[str, Any] = {
        "scope": "openid profile offline_access read write sign",
        "resources": [PRESCRIPTIONS],
        "first_party": True,
        "metadata": ClientMetadata(grant_types=("authorization_code", "refresh_token")),
    }
    register_hospital(site, **(values | more))


def granted(site: Site) -> list[tuple[str, tuple[str, ...]]]:
    """The scope of each grant, and its resources."""
    with reading(site.database) as connection:
        statement = select(grants.c.scope, grants.c.particulars).order_by(grants.c.granted_at)
        return [
            (row.scope, unpack_grant_details(row.particulars).resources)
            for row in connection.execute(statement)
        ]


def refusals(site: Site) -> list[dict[str, Any]]:
    """What was put on record of refused scopes."""
    with reading(site.database) as connection:
        statement = select(audit_events.c.details).where(audit_events.c.event == "scope.refused")
        found = connection.execute(statement.order_by(audit_events.c.id)).scalars()
        return [orjson.loads(text) for text in found]


def text(html: str) -> str:
    """The page, without tags and with single spaces."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html.partition("<main")[2]))


def shown(screen: Screen, token: str) -> str:
    return text(screen.client.get(f"{PAGE}?request={token}").text)


def go_back(screen: Screen, token: str) -> str:
    """Where "Go back" leads."""
    answer = screen.answer_page(PAGE, token)
    assert answer.status_code == 200, answer.text
    return data_location(answer.text)


# Narrowed


def test_what_the_identity_may_not_have_is_left_out(site: Site, screen: Screen) -> None:
    hospital(site)
    assert "code" in query(authorize(screen, scope="openid read write"))
    assert granted(site) == [("openid read", (PRESCRIPTIONS,))]
    assert refusals(site) == [
        {"scopes": f"{PRESCRIPTIONS}#write", "reasons": "kind", "access_denied": False}
    ]


def test_what_it_may_have_is_not_on_record(site: Site, screen: Screen) -> None:
    hospital(site)
    assert "code" in query(authorize(screen, scope="openid read sign"))
    assert granted(site) == [("openid read sign", (PRESCRIPTIONS,))]
    assert refusals(site) == []


def test_a_resource_goes_with_the_last_of_its_scopes(site: Site, screen: Screen) -> None:
    hospital(site)
    assert "code" in query(authorize(screen, scope="openid write", resource=PRESCRIPTIONS))
    assert granted(site) == [("openid", ())]


def test_a_resource_that_was_asked_alone_stays(site: Site, screen: Screen) -> None:
    hospital(site)
    assert "code" in query(authorize(screen, scope="openid", resource=PRESCRIPTIONS))
    assert granted(site) == [("openid", (PRESCRIPTIONS,))]


def test_the_answer_of_the_token_endpoint_says_the_scope(
    site: Site, screen: Screen
) -> None:  # §3.3
    hospital(site, token_endpoint_auth_method="none", require_pkce=True)
    code = query(authorize(screen, scope="openid read write"))["code"]
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": "hospital",
        "redirect_uri": REDIRECT_URI,
        "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    }
    answer = screen.client.post("/token", data=form).json()
    assert answer["scope"] == "read"


def test_what_is_refused_is_not_asked_at_consent(site: Site, screen: Screen) -> None:
    hospital(site, first_party=False)
    token = waiting(authorize(screen, scope="openid read write"), "/consent")
    page = text(screen.client.get("/consent?request=" + token).text)
    assert "Read prescriptions" in page
    assert "Write prescriptions" not in page
    assert "code" in query(allow(screen, token))
    assert granted(site) == [("openid read", (PRESCRIPTIONS,))]
    assert len(refusals(site)) == 1


def test_the_same_name_at_another_resource_is_another_scope(site: Site, screen: Screen) -> None:
    register_api(site, REPORTS, scopes={"write": "Write a report"})
    hospital(site, resources=[PRESCRIPTIONS, REPORTS])
    both = [PRESCRIPTIONS, REPORTS]
    assert "code" in query(authorize(screen, scope="openid write", resource=both))
    assert granted(site) == [("openid write", (REPORTS,))]


def test_what_one_resource_refuses_is_not_had_there_by_another_s_scope_of_the_same_name(
    site: Site, screen: Screen
) -> None:
    register_api(site, REPORTS, scopes={"read": "Read a report", "write": "Write a report"})
    hospital(site, resources=[PRESCRIPTIONS, REPORTS], first_party=False)
    both = [PRESCRIPTIONS, REPORTS]
    token = waiting(authorize(screen, scope="openid read write", resource=both), "/consent")
    asked = screen.client.get(f"/consent?request={token}").text
    assert f"allow:{REPORTS}#write" in asked
    # Nobody is asked to allow what they may not obtain.
    assert "Write prescriptions" not in asked
    assert f"{PRESCRIPTIONS}#write" not in asked
    allow(screen, token)
    assert granted(site) == [("openid read write", (PRESCRIPTIONS, REPORTS))]
    with reading(site.database) as connection:
        kept = unpack_grant_details(connection.execute(select(grants.c.particulars)).scalar_one())
    assert kept.withheld == (f"{PRESCRIPTIONS}#write",)


def test_a_detail_goes_with_any_of_its_actions(site: Site, screen: Screen) -> None:
    hospital(site)
    asked = orjson.loads(details("read", "write")) + orjson.loads(details("read", identifier="1"))
    location = authorize(screen, scope="openid", authorization_details=orjson.dumps(asked).decode())
    assert "code" in query(location)
    with reading(site.database) as connection:
        kept = unpack_grant_details(connection.execute(select(grants.c.particulars)).scalar_one())
    assert [each.get("identifier") for each in kept.authorization_details] == ["1"]
    assert kept.resources == (PRESCRIPTIONS,)


def test_a_detail_that_is_refused_takes_its_resource_along(site: Site, screen: Screen) -> None:
    hospital(site)
    location = authorize(screen, scope="openid", authorization_details=details("write"))
    assert "code" in query(location)
    assert granted(site) == [("openid", ())]


@pytest.mark.parametrize(
    ("fact", "scope"),
    [
        (physician(), "openid read write"),
        (quality("nurse"), "openid read"),
        (mandate(MARIE, ("recipe",)), "openid read write"),
        (mandate(MARIE, ("medicaldatamanagement",)), "openid read"),
    ],
    ids=["physician", "nurse", "mandate for it", "mandate for something else"],
)
def test_the_capacity_decides(site: Site, screen: Screen, fact: Any, scope: str) -> None:
    knows(site, HANNE.ssin, fact)
    hospital(site, profile_kinds=["quality", "mandate"])
    token = waiting(authorize(screen, scope="openid read write"), "/profile")
    profile = next(iter(_buttons(screen, token) - {"citizen"}))
    location = _after(screen, choose(screen, token, profile))
    assert "code" in query(location), location
    assert [given for given, _ in granted(site)] == [scope]


def _buttons(screen: Screen, token: str, **query: str) -> set[str]:
    html = screen.client.get("/profile?" + urlencode({**query, "request": token})).text
    return set(re.findall(r'name="profile" value="([^"]+)"', html))


def _after(screen: Screen, answer: Any) -> str:
    """Where the choice leads in the end: an address of ours, or the application's."""
    location = str(answer.headers.get("location") or data_location(answer.text))
    while location.startswith("/login/continue"):
        location = screen.client.get(location).headers["location"]
    return location


# Denied


def test_where_nothing_is_left_the_person_is_told_and_the_application_too(
    site: Site, screen: Screen
) -> None:
    hospital(site)
    token = waiting(authorize(screen, scope="write"), PAGE)
    page = shown(screen, token)
    for sentence in (
        "Not possible in this capacity Hospital needs something that you can't give it now.",
        "In which capacity As a citizen",
        "Nothing was shared. Your account and your devices are safe.",
        "Write prescriptions",
        "It is not for the capacity in which you act now.",
        "It is for physicians, dentists, people who act for somebody by a mandate",
        "Go back to Hospital",
    ):
        assert sentence in page, sentence
    assert "Choose another capacity" not in page
    assert refusals(site) == []
    answer = query(go_back(screen, token))
    assert answer == {**REFUSED, "state": "s", "iss": answer["iss"]}
    assert refusals(site) == [
        {"scopes": f"{PRESCRIPTIONS}#write", "reasons": "kind", "access_denied": True}
    ]
    assert granted(site) == []


def test_offline_access_alone_is_nothing(site: Site, screen: Screen) -> None:
    hospital(site)
    waiting(authorize(screen, scope="offline_access write"), PAGE)


def test_a_capacity_that_was_asked_for_alone_is_nothing(site: Site, screen: Screen) -> None:
    hospital(site)
    detail = orjson.dumps([{"type": "profile", "kinds": ["citizen"]}]).decode()
    waiting(authorize(screen, scope="write", authorization_details=detail), PAGE)


def test_what_the_client_can_not_do_without_is_never_left_out(site: Site, screen: Screen) -> None:
    reasons = {"write": {"en": "To renew them for you.", "nl": "Om ze te vernieuwen."}}
    hospital(site, scope_reasons=reasons)
    token = waiting(authorize(screen, scope="openid read write"), PAGE)
    assert "To renew them for you." in shown(screen, token)
    assert "Read prescriptions" not in shown(screen, token)
    screen.client.headers["Accept-Language"] = "nl"
    assert "Om ze te vernieuwen." in shown(screen, token)
    assert query(go_back(screen, token))["error"] == "access_denied"
    # What it does not ask now, it does without.
    assert "code" in query(authorize(screen, scope="openid read"))


def test_without_a_page_the_answer_is_access_denied(site: Site, screen: Screen) -> None:
    hospital(site)
    answer = query(authorize(screen, scope="write", prompt="none"))
    assert {name: answer[name] for name in REFUSED} == REFUSED
    assert [each["access_denied"] for each in refusals(site)] == [True]
    assert "code" in query(authorize(screen, scope="openid write", prompt="none"))


def test_the_answer_comes_in_the_form_that_was_asked(site: Site, screen: Screen) -> None:
    hospital(site)
    token = waiting(authorize(screen, scope="write", response_mode="form_post"), PAGE)
    html = screen.answer_page(PAGE, token).text
    assert f'action="{REDIRECT_URI}"' in html
    assert 'value="access_denied"' in html


def test_another_screen_is_told_by_its_code(  # RFC 8628 §3.5
    site: Site, screen: Screen, client: TestClient
) -> None:
    hospital(site)
    television = other_screen(site, client, scope="openid read write", resources=[PRESCRIPTIONS])
    codes = television.asked(scope="write")
    token = waiting(go_on(screen, codes["user_code"]), PAGE)
    answer = screen.answer_page(PAGE, token)
    assert urlsplit(answer.headers["location"]).path == "/device/stopped"
    assert screen.client.get(answer.headers["location"]).status_code == 200
    assert error(television.poll(codes["device_code"])) == "access_denied"
    assert [each["access_denied"] for each in refusals(site)] == [True]


def test_another_person_who_signed_in_since_is_shown_the_page_again(
    site: Site, screen: Screen
) -> None:
    hospital(site)
    token = waiting(authorize(screen, scope="write"), PAGE)
    answer = screen.post_form(PAGE, request=token, person="00000000-0000-4000-8000-000000000000")
    assert urlsplit(answer.headers["location"]).path == PAGE
    assert refusals(site) == []


def test_no_step_of_the_interaction_leads_around_it(site: Site, screen: Screen) -> None:
    hospital(site, first_party=False)
    token = waiting(authorize(screen, scope="write"), PAGE)
    for path in ("/login/continue", "/consent"):
        location = screen.client.get(f"{path}?request={token}").headers["location"]
        while urlsplit(location).path == "/login/continue":
            location = screen.client.get(location).headers["location"]
        assert urlsplit(location).path == PAGE
    assert granted(site) == []


def test_where_nothing_is_refused_the_page_goes_on(site: Site, screen: Screen) -> None:
    hospital(site, first_party=False)
    token = waiting(authorize(screen, scope="openid read"), "/consent")
    for answer in (
        screen.client.get(f"{PAGE}?request={token}"),
        screen.post_form(PAGE, request=token),
    ):
        assert urlsplit(answer.headers["location"]).path == "/login/continue"
    assert refusals(site) == []


def test_who_signed_out_meanwhile_signs_in_first(site: Site, screen: Screen) -> None:
    hospital(site)
    token = waiting(authorize(screen, scope="write"), PAGE)
    screen.post_form("/sign-out")
    answer = screen.client.get(f"{PAGE}?request={token}")
    assert urlsplit(answer.headers["location"]).path == "/login/continue"


@pytest.mark.parametrize("method", ["get", "post"])
def test_garbage_is_refused(site: Site, screen: Screen, method: str) -> None:
    hospital(site)
    if method == "get":
        answer = screen.client.get(f"{PAGE}?request=x")
    else:
        answer = screen.post_form(PAGE, request="x")
    assert answer.status_code == 400


def test_another_capacity_that_may_is_named_and_can_be_chosen(site: Site, screen: Screen) -> None:
    knows(site, HANNE.ssin, physician())
    hospital(site, profile_kinds=["quality"])
    token = waiting(authorize(screen, scope="write"), "/profile")
    location = _after(screen, choose(screen, token, "citizen"))
    token = waiting(location, PAGE)
    page = shown(screen, token)
    assert "It is possible in another capacity" in page
    assert "Choose another capacity" in page
    html = screen.client.get(f"{PAGE}?request={token}").text
    assert f'href="/profile?change=1&amp;request={token}"' in html
    profile = next(iter(_buttons(screen, token, change="1") - {"citizen"}))
    person = fields_of(html)["person"]
    answer = screen.post_form("/profile", request=token, person=person, profile=profile)
    location = _after(screen, answer)
    assert "code" in query(location)
    assert granted(site) == [("write", (PRESCRIPTIONS,))]


def test_one_that_may_not_either_is_no_way_out(site: Site, screen: Screen) -> None:
    knows(site, HANNE.ssin, quality("nurse"))
    hospital(site, profile_kinds=["quality"])
    token = waiting(authorize(screen, scope="write"), "/profile")
    page = shown(screen, waiting(_after(screen, choose(screen, token, "citizen")), PAGE))
    assert "another capacity" not in page


# A level


def test_a_level_that_another_device_reaches_is_asked_for(site: Site, client: TestClient) -> None:
    hospital(site)
    screen = synced(site, client)
    another = Authenticator()
    device_in(add_here(screen, another))
    token = waiting(authorize(screen, scope="openid read sign"), "/login/device-needed")
    html = client.get(f"/login/device-needed?request={token}").text
    assert "a key that stays on one device" in html
    assert "This device of yours is accepted" in html
    assert "a key that stays on one device" in client.get(f"/login?another=1&request={token}").text
    screen.authenticator = another
    assert "code" in query(screen.sign_in(token).json()["location"])
    assert granted(site) == [("openid read sign", (PRESCRIPTIONS,))]
    assert refusals(site) == []


def test_a_level_that_no_device_reaches_leaves_the_scope_out(
    site: Site, client: TestClient
) -> None:
    hospital(site)
    screen = synced(site, client)
    assert "code" in query(authorize(screen, scope="openid read sign"))
    assert granted(site) == [("openid read", (PRESCRIPTIONS,))]
    assert [each["reasons"] for each in refusals(site)] == ["level"]


@pytest.mark.parametrize("asked", [{"scope": "sign"}, {"scope": "openid read sign"}])
def test_a_level_that_the_client_can_not_do_without_is_asked_for_in_any_case(
    site: Site, client: TestClient, asked: dict[str, str]
) -> None:
    hospital(site, scope_reasons={"sign": {"en": "To sign."}})
    screen = synced(site, client)
    token = waiting(authorize(screen, **asked), "/login/device-needed")
    assert (
        "a key that stays on one device" in client.get(f"/login/device-needed?request={token}").text
    )
    answer = query(authorize(screen, prompt="none", **asked))
    assert answer["error"] == "login_required"
    back = client.get(f"/login/without-device?request={token}").headers["location"]
    assert query(back)["error"] == "unmet_authentication_requirements"


def test_the_least_level_is_asked_for_where_a_higher_one_is_out_of_reach(
    site: Site, client: TestClient
) -> None:
    certified = ResourceScope({"en": "Read"}, level="certified")
    hospital(site, scopes={**SCOPES, "read": certified}, scope_reasons={"sign": {"en": "x"}})
    screen = synced(site, client)
    token = waiting(authorize(screen, scope="openid read sign"), "/login/device-needed")
    html = client.get(f"/login/device-needed?request={token}").text
    assert "a key that stays on one device" in html
    assert "certified" not in html


def test_the_level_of_a_resource_is_that_of_each_of_its_scopes(
    site: Site, client: TestClient
) -> None:
    register_api(site, level="device", scopes={"read": "Read"})
    register_hospital(site, scope="openid read", resources=[PRESCRIPTIONS], first_party=True)
    screen = synced(site, client)
    assert "code" in query(authorize(screen, scope="openid read"))
    assert "code" in query(authorize(screen, scope="openid", resource=PRESCRIPTIONS))
    assert granted(site) == [("openid", ()), ("openid", ())]


SYNCED, DEVICE = "urn:authn:level:synced", "urn:authn:level:device"


@pytest.mark.parametrize(("scope", "level"), [("openid read", "synced"), ("openid sign", "device")])
def test_what_is_granted_raises_the_level_that_was_only_wished_for(
    site: Site, screen: Screen, scope: str, level: str
) -> None:
    """So that what the grant keeps is enough for what it is of, each time that it is used."""
    hospital(site)
    assert "code" in query(authorize(screen, scope=scope, acr_values=SYNCED))
    with reading(site.database) as connection:
        assert connection.execute(select(grants.c.level)).scalar_one() == level
    assert granted(site) == [(scope, (PRESCRIPTIONS,))]


def essential(*values: str) -> str:
    """The parameter `claims`: this `acr` and no other (Core §5.5.1.1)."""
    return orjson.dumps({"id_token": {"acr": {"essential": True, "values": values}}}).decode()


def test_a_level_that_the_application_would_not_be_told_is_out_of_reach(
    site: Site, screen: Screen
) -> None:
    hospital(site)
    claims = essential(SYNCED)
    assert "code" in query(authorize(screen, scope="openid read sign", claims=claims))
    assert granted(site) == [("openid read", (PRESCRIPTIONS,))]


def test_one_out_of_reach_that_the_client_can_not_do_without_is_denied(
    site: Site, screen: Screen
) -> None:
    hospital(site, scope_reasons={"sign": {"en": "To sign."}})
    token = waiting(authorize(screen, scope="openid sign", claims=essential(SYNCED)), PAGE)
    assert "To sign." in shown(screen, token)


def test_one_that_it_would_be_told_is_given(site: Site, screen: Screen) -> None:
    hospital(site)
    claims = essential(SYNCED, DEVICE)
    assert "code" in query(authorize(screen, scope="openid read sign", claims=claims))
    assert granted(site) == [("openid read sign", (PRESCRIPTIONS,))]


def test_who_may_not_have_it_is_not_asked_for_a_better_device(
    site: Site, client: TestClient
) -> None:
    high = ResourceScope({"en": "Write"}, profile_kinds=("quality",), level="device")
    hospital(site, scopes={"write": high})
    screen = synced(site, client)
    device_in(add_here(screen, Authenticator()))
    waiting(authorize(screen, scope="write"), PAGE)


# What it costs


def test_a_request_without_resources_costs_no_statement_more(site: Site, screen: Screen) -> None:
    hospital(site)
    authorize(screen)
    with counted(site) as seen:
        assert "code" in query(authorize(screen))
    without = len(seen)
    with counted(site) as seen:
        assert "code" in query(authorize(screen, scope="openid read"))
    # The resources, for what may be asked, and for who may obtain it.
    assert len(seen) == without + 2, seen
