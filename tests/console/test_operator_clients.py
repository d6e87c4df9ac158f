"""Applications and resource servers, as an operator registers, changes, checks and ends them."""

import re
from html import unescape
from typing import Any

import orjson
import pytest
from httpx2 import Response
from sqlalchemy import select

from authn.audit.events.applications import ApplicationAuthorised
from authn.audit.log import audit_events, record
from authn.clients.clients import Client, find_client
from authn.clients.resource_servers.resources import Resource, find_resource
from authn.db.transaction import reading, writing
from authn.web.site import Site
from tests.citizen import fields_of
from tests.console.conftest import MakeStaff
from tests.console.desk import STAFF, CitizenAtHome, DeskScreen
from tests.screens import answered, ceremony, problem
from tests.together import at_once

CLIENTS = "/desk/operator/clients"
NEW = "/desk/operator/new-client"
API = "https://letters.example"


@pytest.fixture
def operator(operator: DeskScreen) -> DeskScreen:
    """An operator who reads English."""
    operator.screen.client.headers["Accept-Language"] = "en"
    return operator


def form_of(page: str) -> dict[str, str]:
    """What a browser sends of the form: the fields of `fields_of`, and those of several lines."""
    sent = fields_of(page)
    for name, text in re.findall(
        r'<textarea\b[^>]*name="([^"]*)"[^>]*>(.*?)</textarea>', page, re.DOTALL
    ):
        sent[name] = unescape(text)
    return {name: text for name, text in sent.items() if name != "csrf_token"}


def filled(operator: DeskScreen, kind: str = "web", **fields: str) -> Response:
    """The answer to the form of a new application, with these fields."""
    sent = form_of(operator.get(f"{NEW}?kind={kind}").text)
    usual = {"client_name": "Hospital", "redirect_uris": "https://hospital.example/callback"}
    return operator.post_form(NEW, **{**sent, **usual, **fields})


def path_of(page: Response) -> str:
    """Where the script of the page sends what it shows."""
    assert page.status_code == 200, page.text
    (path,) = re.findall(r'data-path="([^"]+)"', page.text)
    return unescape(path)


def confirmed(operator: DeskScreen, page: Response, path: str) -> Response:
    """The answer once the operator confirmed what the page shows, which is for this path."""
    assert path_of(page).rpartition("/")[0] == path
    return operator.act(path_of(page), **form_of(page.text))


def registered(operator: DeskScreen, **fields: str) -> dict[str, Any]:
    answer = confirmed(operator, filled(operator, **fields), f"{NEW}/confirmed")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return {**told, "client_id": told["location"].rpartition("/")[2]}


def client_of(site: Site, client_id: str) -> Client | None:
    with reading(site.database) as connection:
        return find_client(connection, client_id)


def on_record(site: Site, prefix: str) -> list[tuple[str, Any]]:
    columns = select(audit_events.c.event, audit_events.c.actor_id)
    statement = columns.where(audit_events.c.event.startswith(prefix)).order_by(audit_events.c.id)
    with reading(site.database) as connection:
        return [tuple(row) for row in connection.execute(statement)]


def test_an_application_is_registered_and_its_secret_told_once(
    operator: DeskScreen, site: Site
) -> None:
    told = registered(operator, client_id="hospital", **{"client_name#nl": "Ziekenhuis"})
    client = client_of(site, "hospital")
    assert client is not None
    assert client.display_name("nl") == "Ziekenhuis"
    assert client.require_pkce
    assert len(told["client_secret"]) >= 32
    page = operator.get(f"{CLIENTS}/hospital").text
    assert told["client_secret"] not in page
    assert "https://hospital.example/callback" in page
    assert "openid-client" in page, "the configuration to be copied"
    assert "Hospital" in operator.get(CLIENTS).text
    assert on_record(site, "client.") == [("client.registered", operator.person.id)]


@pytest.mark.parametrize("kind", ["web", "browser", "native", "system", "resource"])
def test_each_kind_has_a_form_with_what_it_usually_says(
    operator: DeskScreen, site: Site, kind: str
) -> None:
    fields = {"system": {"organisation": "0420.429.375", "jwks_uri": "https://x.example/keys"}}
    told = registered(operator, kind=kind, **fields.get(kind, {}))
    client = client_of(site, told["client_id"])
    assert client is not None
    assert ("client_secret" in told) == (kind in ("web", "resource"))
    if kind == "system":
        assert client.client_id == "cbe-0420429375"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"client_name": ""}, "client_name"),
        ({"client_id": "a b"}, "client_id"),
        ({"redirect_uris": ""}, "redirect_uris"),
        ({"redirect_uris": "http://evil.example/"}, "redirect_uris"),
        ({"post_logout_redirect_uris": "https://x.example/#f"}, "post_logout_redirect_uris"),
        ({"scope": "openid no-such"}, "scope"),
        ({"scope": "openid ssin"}, "scope"),
        ({"jwks": "no json"}, "jwks"),
        ({"jwks": '{"keys": []}'}, "jwks"),
        ({"jwks_uri": "http://x.example"}, "jwks_uri"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "jwks"),
        ({"token_endpoint_auth_method": "no-such"}, "token_endpoint_auth_method"),
        ({"id_token_signed_response_alg": "none"}, "id_token_signed_response_alg"),
        ({"organisation": "123"}, "organisation"),
        ({"grant_types:client_credentials": "on"}, "organisation"),
        ({"policy": "no-such"}, "policy"),
        ({"profile": "no-such"}, "profile"),
        ({"profile": "fapi2"}, "token_endpoint_auth_method"),
        ({"refresh_idle": "0"}, "refresh_idle"),
        ({"refresh_lifetime": "x"}, "refresh_lifetime"),
        ({"resources": API}, "resources"),
        ({"needs": "profile"}, "needs"),
        ({"needs": "ssin=Why"}, "needs"),
        ({"required_profile_kinds:child": "on"}, "required_profile_kinds"),
        ({"default_profile_kind": "child"}, "default_profile_kind"),
        ({"more": "[]"}, "more"),
        ({"more": '{"no_such_member": 1}'}, "more"),
        ({"more": '{"client_secret": "x"}'}, "more"),
        ({"more": '{"first_party": true}'}, "more"),
        ({"more": '{"contacts": "x"}'}, "more"),
    ],
    ids=str,
)
@pytest.mark.one_engine
def test_each_rule_is_told_at_its_field(
    operator: DeskScreen, site: Site, fields: dict[str, str], field: str
) -> None:
    answer = filled(operator, **fields)
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert f'href="#{field}"' in answer.text
    assert on_record(site, "client.") == []


def test_what_was_not_checked_before_is_refused_at_the_confirmation(
    operator: DeskScreen, site: Site
) -> None:
    page = filled(operator, client_id="hospital")
    for other in ("http://evil.example", "https://evil.example/callback"):
        carried = {**form_of(page.text), "redirect_uris": other}
        assert problem(operator.act(path_of(page), **carried)) == "not-as-shown"
    assert client_of(site, "hospital") is None
    assert on_record(site, "desk.refused") == [("desk.refused", operator.person.id)] * 2


def test_what_is_confirmed_is_what_was_shown(operator: DeskScreen, site: Site) -> None:
    """Two pages are open: what the one showed isn't done by confirming the other."""
    for client_id in ("hospital", "bank"):
        registered(operator, client_id=client_id)
    pages = {}
    for client_id in ("hospital", "bank"):
        sent = form_of(operator.get(f"{CLIENTS}/{client_id}/edit").text)
        edit = f"{CLIENTS}/{client_id}/edit"
        pages[client_id] = operator.post_form(edit, **{**sent, "client_name": f"A {client_id}"})
    hospital, bank = (path_of(pages[each]) for each in ("hospital", "bank"))
    of_hospital, of_bank = (form_of(pages[each].text) for each in ("hospital", "bank"))
    # The content of the one at the address of the other, and a content that nobody was shown.
    assert problem(operator.act(bank, **of_hospital)) == "not-as-shown"
    assert problem(operator.act(hospital, **{**of_hospital, "contacts": "x"})) == "not-as-shown"
    # A confirmation of the one for the other.
    options = ceremony(operator.screen, f"{hospital}/options")
    answer = operator.post_json(bank, {**of_bank, **answered(operator.screen, options)})
    assert answer.status_code == 400
    # The mark of the one for the other application.
    moved = bank.replace("/bank/", "/hospital/")
    assert problem(operator.act(moved, **of_bank)) == "not-as-shown"
    assert [each for each, _ in on_record(site, "client.")] == ["client.registered"] * 2


def test_what_another_operator_was_shown_is_theirs_alone(
    operator: DeskScreen, make_staff: MakeStaff, site: Site
) -> None:
    other = make_staff("operator", desk="Namur", citizen=STAFF["agent"])
    page = filled(operator, client_id="hospital")
    assert problem(other.act(path_of(page), **form_of(page.text))) == "not-as-shown"
    assert client_of(site, "hospital") is None


def test_several_lines_are_the_same_however_a_browser_ends_them(
    operator: DeskScreen, site: Site
) -> None:
    both = "https://hospital.example/a\r\nhttps://hospital.example/b"
    page = filled(operator, client_id="hospital", redirect_uris=both)
    carried = {**form_of(page.text), "redirect_uris": both.replace("\r\n", "\n")}
    assert operator.act(path_of(page), **carried).status_code == 200
    assert client_of(site, "hospital") is not None


def test_an_id_is_given_once_to_two_at_the_same_moment(operator: DeskScreen, site: Site) -> None:
    page = filled(operator, client_id="hospital")
    assert confirmed(operator, page, f"{NEW}/confirmed").status_code == 200
    assert confirmed(operator, page, f"{NEW}/confirmed").status_code == 400
    assert len(on_record(site, "client.registered")) == 1


def test_a_change_shows_before_and_after_and_keeps_what_the_form_does_not_name(
    operator: DeskScreen, site: Site
) -> None:
    registered(operator, client_id="hospital", more='{"contacts": ["a@hospital.example"]}')
    sent = form_of(operator.get(f"{CLIENTS}/hospital/edit").text)
    page = operator.post_form(f"{CLIENTS}/hospital/edit", **{**sent, "client_name": "Clinic"})
    assert "Hospital" in page.text
    assert "Clinic" in page.text
    before = client_of(site, "hospital")
    answer = confirmed(operator, page, f"{CLIENTS}/hospital/change")
    assert answer.json() == {"location": f"{CLIENTS}/hospital"}
    after = client_of(site, "hospital")
    assert before is not None
    assert after is not None
    assert after.client_name == "Clinic"
    assert after.client_secret_hash == before.client_secret_hash
    assert after.metadata.contacts == ("a@hospital.example",)
    assert on_record(site, "client.")[-1] == ("client.changed", operator.person.id)


def test_nothing_changed_asks_for_no_confirmation(operator: DeskScreen) -> None:
    registered(operator, client_id="hospital")
    sent = form_of(operator.get(f"{CLIENTS}/hospital/edit").text)
    page = operator.post_form(f"{CLIENTS}/hospital/edit", **sent).text
    assert "Nothing is another value than before." in page
    assert "data-ceremony" not in page


def test_what_somebody_else_changed_meanwhile_is_not_overwritten(
    operator: DeskScreen, site: Site
) -> None:
    registered(operator, client_id="hospital")
    sent = form_of(operator.get(f"{CLIENTS}/hospital/edit").text)
    pages = [
        operator.post_form(f"{CLIENTS}/hospital/edit", **{**sent, "client_name": name})
        for name in ("One", "Two")
    ]
    assert confirmed(operator, pages[0], f"{CLIENTS}/hospital/change").status_code == 200
    late = confirmed(operator, pages[1], f"{CLIENTS}/hospital/change")
    assert problem(late) == "changed-meanwhile"
    client = client_of(site, "hospital")
    assert client is not None
    assert client.client_name == "One"


def test_of_two_changes_at_the_same_moment_one_is_done(
    operator: DeskScreen, make_staff: MakeStaff, site: Site
) -> None:
    other = make_staff("operator", desk="Namur", citizen=STAFF["agent"])
    registered(operator, client_id="hospital")
    sent = form_of(operator.get(f"{CLIENTS}/hospital/edit").text)
    ready = []
    for each, name in ((operator, "One"), (other, "Two")):
        page = each.post_form(f"{CLIENTS}/hospital/edit", **{**sent, "client_name": name})
        options = ceremony(each.screen, f"{path_of(page)}/options")
        content = {**form_of(page.text), **answered(each.screen, options)}
        ready.append((each, path_of(page), content))

    def change() -> int:
        each, path, content = ready.pop()
        return each.post_json(path, content).status_code

    answers = [each for each in at_once(change, 2) if isinstance(each, int)]
    assert sorted(map(str, answers)) == ["200", "403"]
    assert len(on_record(site, "client.changed")) == 1


def test_a_key_in_place_of_a_secret_forgets_it_and_the_reverse_tells_a_new_one(
    operator: DeskScreen, site: Site
) -> None:
    registered(operator, client_id="hospital")

    def changed(**fields: str) -> dict[str, Any]:
        sent = form_of(operator.get(f"{CLIENTS}/hospital/edit").text)
        page = operator.post_form(f"{CLIENTS}/hospital/edit", **{**sent, **fields})
        told: dict[str, Any] = confirmed(operator, page, f"{CLIENTS}/hospital/change").json()
        return told

    key = {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://x.example/k"}
    assert "client_secret" not in changed(**key)
    client = client_of(site, "hospital")
    assert client is not None
    assert client.client_secret_hash is None
    back = {"token_endpoint_auth_method": "client_secret_basic", "jwks_uri": ""}
    assert len(changed(**back)["client_secret"]) >= 32


def test_a_check_says_what_would_fail(operator: DeskScreen) -> None:
    registered(operator, client_id="hospital", backchannel_logout_uri="https://127.0.0.1:1/x")
    page = operator.post_form(f"{CLIENTS}/hospital/check").text
    assert "This would fail" in page
    assert "https://127.0.0.1:1/x cannot be reached" in page
    assert "It has a secret, that we and it know" in page


def test_an_application_is_ended_once_confirmed_and_once_alone(
    operator: DeskScreen, site: Site
) -> None:
    registered(operator, client_id="hospital")
    path = f"{CLIENTS}/hospital/end"
    assert "for good" in operator.get(path).text
    assert operator.post_json(path, {}).status_code == 400
    assert client_of(site, "hospital") is not None
    options = [ceremony(operator.screen, f"{path}/options") for _ in range(2)]
    sent = [answered(operator.screen, each) for each in options]
    assert operator.post_json(path, sent[0]).json() == {"location": CLIENTS}
    assert operator.post_json(path, sent[1]).status_code == 404
    assert client_of(site, "hospital") is None
    assert operator.get(f"{CLIENTS}/hospital").status_code == 404
    assert on_record(site, "client.ended") == [("client.ended", operator.person.id)]


def test_a_confirmation_is_for_this_act_on_this_application_alone(
    operator: DeskScreen, site: Site
) -> None:
    for client_id in ("hospital", "bank"):
        registered(operator, client_id=client_id)
    options = ceremony(operator.screen, f"{CLIENTS}/hospital/end/options")
    sent = answered(operator.screen, options)
    assert operator.post_json(f"{CLIENTS}/bank/end", sent).status_code in (400, 403)
    assert client_of(site, "bank") is not None


def test_text_of_an_application_is_text(operator: DeskScreen) -> None:
    registered(operator, client_id="hospital", client_name="<script>alert(1)</script>")
    for path in (CLIENTS, f"{CLIENTS}/hospital", f"{CLIENTS}/hospital/edit"):
        page = operator.get(path).text
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page


def test_when_it_was_used_last_is_what_is_on_record(
    operator: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    registered(operator, client_id="hospital")
    assert "nothing on record" in operator.get(CLIENTS).text
    with writing(site.database) as connection:
        event = ApplicationAuthorised(client_id="hospital", scopes="openid")
        record(connection, site.secrets, event, site.clock(), "-")
    assert "nothing on record" not in operator.get(CLIENTS).text
    assert citizen.person.family_name not in operator.get(f"{CLIENTS}/hospital").text


# Resource servers

SCOPES = orjson.dumps({"letters.read": {"name": {"en": "Read your letters"}}}).decode()


def resource(site: Site) -> Resource | None:
    with reading(site.database) as connection:
        return find_resource(connection, API)


def add_resource(operator: DeskScreen, **fields: str) -> Response:
    usual = {"resource": API, "resource_name": "Letters", "scopes": SCOPES, "token_format": "jwt"}
    return operator.post_form("/desk/operator/new-resource", **{**usual, **fields})


def test_a_resource_server_is_registered_changed_and_ended(
    operator: DeskScreen, site: Site
) -> None:
    page = add_resource(operator)
    answer = confirmed(operator, page, "/desk/operator/new-resource/confirmed")
    location = answer.json()["location"]
    assert "Read your letters" in operator.get(location).text
    assert API in operator.get("/desk/operator/resources").text
    edit = location.replace("/resource?", "/resource/edit?")
    sent = form_of(operator.get(edit).text)
    assert orjson.loads(sent["scopes"]) == orjson.loads(SCOPES)
    page = operator.post_form(
        "/desk/operator/resource/edit", **{**sent, "level": "device", "reads_profile": "on"}
    )
    assert "reads_profile" in page.text
    late = operator.post_form("/desk/operator/resource/edit", **{**sent, "level": "certified"})
    assert confirmed(operator, page, "/desk/operator/resource/change").status_code == 200
    found = resource(site)
    assert found is not None
    assert (found.level, found.reads_profile) == ("device", True)
    answer = confirmed(operator, late, "/desk/operator/resource/change")
    assert problem(answer) == "changed-meanwhile"
    end = operator.get(location.replace("/resource?", "/resource/end?"))
    other = {"resource": "https://other.example"}
    assert problem(operator.act(path_of(end), **other)) == "not-as-shown"
    assert confirmed(operator, end, "/desk/operator/resource/end").status_code == 200
    assert resource(site) is None
    assert on_record(site, "resource.") == [
        (f"resource.{act}", operator.person.id) for act in ("registered", "changed", "ended")
    ]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"resource": "http://letters.example"}, "resource"),
        ({"resource": "http://localhost:8000/x"}, "resource"),
        ({"resource_name": ""}, "resource_name"),
        ({"client_id": "no-such"}, "client_id"),
        ({"token_format": "opaque"}, "client_id"),
        ({"token_format": "x"}, "token_format"),
        ({"level": "x"}, "level"),
        ({"revocation_hook": "http://x.example"}, "revocation_hook"),
        ({"scopes": "[]"}, "scopes"),
        ({"scopes": "{"}, "scopes"),
        ({"scopes": '{"openid": {"name": "x"}}'}, "scopes"),
        ({"scopes": '{"a": {}}'}, "scopes"),
        ({"scopes": '{"a": {"name": {"en": "x"}, "profile_kinds": ["x"]}}'}, "scopes"),
        ({"scopes": '{"a": {"name": {"en": "x"}, "misspelt": 1}}'}, "scopes"),
    ],
    ids=str,
)
@pytest.mark.one_engine
def test_each_rule_of_a_resource_server_is_told_at_its_field(
    operator: DeskScreen, site: Site, fields: dict[str, str], field: str
) -> None:
    answer = add_resource(operator, **fields)
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert resource(site) is None


def test_organisations_of_systems_are_listed(operator: DeskScreen) -> None:
    registered(
        operator, kind="system", organisation="0420429375", jwks_uri="https://x.example/keys"
    )
    page = operator.get("/desk/operator/organisations").text
    assert "0420429375" in page
    assert "Hospital" in page


@pytest.mark.parametrize(
    ("scopes", "sentence"),
    [
        ('{"a": {"name": "x"},\r\n "b": {"name": "y"\r\n}', "line 3, near character 2"),
        ('{"a": {"name": "x",}}', "line 1, near character 19"),
        ('{"a": "x"}', "scopes.a: This must be an object, in curly brackets."),
        ('{"a": {"name": {"en": 5}}}', "scopes.a.name.en: This must be a text"),
        ('{"a": {"name": "x", "nme": "y"}}', "scopes.a.nme: There is no member of this name."),
        ('{"a": {"name": "x", "level": "y"}}', "may stand here: &#34;&#34;, &#34;synced&#34;"),
        ('{"a": {}}', "scopes.a.name: This is missing."),
        ('{"a": {"name": "x", "profile_kinds": "citizen"}}', "profile_kinds: This must be a list"),
        ("[]", "The scopes are a JSON object"),
    ],
    ids=range(9),
)
def test_what_is_wrong_with_the_scopes_is_said_in_our_words_with_its_place(
    operator: DeskScreen, scopes: str, sentence: str
) -> None:
    page = add_resource(operator, scopes=scopes)
    assert page.status_code == 422
    error = page.text.partition('id="scopes-error"')[2].partition("</p>")[0]
    assert sentence in error
    for words in ("Input should", "valid dictionary", "Extra inputs", "pydantic"):
        assert words not in page.text
    operator.screen.client.headers["Accept-Language"] = "nl"
    in_dutch = add_resource(operator, scopes=scopes).text
    assert error not in in_dutch
