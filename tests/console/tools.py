"""A tool of the desk: it has access tokens of a member of staff, and calls the desk's API."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from httpx2 import Response
from jsonschema import Draft202012Validator, FormatChecker
from starlette.testclient import TestClient

from authn.clients.client_metadata import ClientMetadata
from authn.clients.resource_servers.desk_api import (
    DESK_ACT,
    DESK_READ,
    PATH,
    desk_api_audience,
    desk_tool_profile_kinds,
    register_desk_api,
)
from authn.db.transaction import writing
from authn.desk_api.endpoints import OPERATIONS
from authn.desk_api.openapi import build_openapi
from authn.keys.signing_keys import ensure_signing_keys
from authn.web.site import Site
from tests.citizen import ORIGIN
from tests.console.desk import DeskScreen
from tests.oidc.relying_party import RelyingParty, register
from tests.screens import answered, ceremony, problem

BOTH = f"openid {DESK_READ} {DESK_ACT}"
WHY = {"reason": "lost-device", "explanation": "called", "ticket": "T-1"}
BY_NAME = {each.name: each for each in OPERATIONS}


@dataclass(slots=True)
class Tool:
    """What calls, in the name of one member of staff."""

    made: DeskScreen
    rp: RelyingParty
    http: TestClient
    scope: str = BOTH
    token: str = ""

    @property
    def site(self) -> Site:
        """Where it calls."""
        return self.made.site

    def fresh_token(self, **parameters: str) -> str:
        """An access token for the API, of the session that the member of staff has."""
        asked = {"scope": self.scope, "resource": desk_api_audience(self.site.settings)}
        answer = self.rp.tokens(**(asked | parameters))
        token: str = answer["access_token"]
        return token

    def sign_in_anew(self) -> None:
        """The member of staff signs in once more, and the tool has a token of that."""
        answer = self.made.screen.sign_in()
        assert answer.status_code == 200, answer.text
        self.token = self.fresh_token()

    def post(self, path: str, /, token: str | None = None, **content: Any) -> Response:
        """The answer to a call with a body."""
        return self.http.post(PATH + path, json=content, headers=self.headers(token))

    def get(self, path: str) -> Response:
        """The answer to a call without one."""
        return self.http.get(PATH + path, headers=self.headers())

    def page_to_confirm(self, asked: list[dict[str, Any]], **parameters: str) -> Response:
        """What the member of staff is sent to when the tool asks them to confirm these details."""
        details = json.dumps(asked)
        request = {"scope": self.scope, "resource": desk_api_audience(self.site.settings)}
        return self.rp.authorize(**(request | parameters), authorization_details=details)

    def confirm(self, page: str, **lies: Any) -> Response:
        """The answer once they have confirmed what this page asks, as its script does it."""
        token = parse_qs(urlsplit(page).query)["request"][0]
        path = urlsplit(page).path
        fields = {"request": token, "person": str(self.made.person.id)}
        options = ceremony(self.made.screen, f"{path}/options", fields)
        return self.made.post_json(path, fields | answered(self.made.screen, options, **lies))

    def confirmed_token(self, asked: list[dict[str, Any]], **form: str) -> str:
        """An access token of a grant in which these details were confirmed."""
        code = self.confirmed_code(asked)
        answer = self.rp.redeem(code, **form)
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["access_token"]
        return token

    def confirmed_code(self, asked: list[dict[str, Any]], **parameters: str) -> str:
        """The code that the tool gets once they have confirmed these details."""
        page = self.page_to_confirm(asked, **parameters).headers["location"]
        assert urlsplit(page).path == "/login/desk-act", page
        answer = self.confirm(page)
        assert answer.status_code == 200, answer.text
        location: str = answer.json()["location"]
        return parse_qs(urlsplit(location).query)["code"][0]

    def asked_for(self, name: str, /, *ids: UUID, **content: Any) -> list[dict[str, Any]]:
        """The details that the API tells to ask for, when the call is made without them."""
        answer = self.once(name, *ids, **content)
        assert (answer.status_code, problem(answer)) == (401, "insufficient-authorization")
        details: list[dict[str, Any]] = answer.json()["authorization_details"]
        return details

    def headers(self, token: str | None = None) -> dict[str, str]:
        """How the token is presented."""
        presented = self.token if token is None else token
        return {"Authorization": f"Bearer {presented}", "Accept-Language": "en"}

    def call(self, name: str, /, *ids: UUID, **content: Any) -> Response:
        """As `once`; what must be confirmed is confirmed, and called again, as a tool does it."""
        answer = self.once(name, *ids, **content)
        if answer.status_code != 401 or problem(answer) != "insufficient-authorization":
            return answer
        token = self.confirmed_token(answer.json()["authorization_details"])
        return self.once(name, *ids, **content, token=token)

    def once(self, name: str, /, *ids: UUID, token: str | None = None, **content: Any) -> Response:
        """The answer to a call by its name, about these; with a reason where one is asked.

        What is answered is what the OpenAPI document says.
        """
        operation = BY_NAME[name]
        path = operation.path
        for each, value in zip(("{id}", "{device}"), ids, strict=False):
            path = path.replace(each, str(value))
        if operation.method == "GET":
            answer = self.get(path)
        else:
            members = {**WHY, **content} if operation.with_why else content
            answer = self.post(path, token, **members)
        check(name, answer)
        return answer

    def person(self, name: str, /, *ids: UUID, **content: Any) -> Any:
        """What a call that is allowed answers."""
        answer = self.call(name, *ids, **content)
        assert answer.status_code == 200, answer.text
        return answer.json()


def check(name: str, answer: Response) -> None:
    """The answer is one that the OpenAPI document has for this call."""
    document = build_openapi(ORIGIN, OPERATIONS)
    operation = BY_NAME[name]
    responses = document["paths"][operation.path][operation.method.lower()]["responses"]
    assert str(answer.status_code) in responses, (name, answer.status_code, answer.text)
    schema = operation.answers if answer.is_success else "Problem"
    kind = "application/json" if answer.is_success else "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    if operation.prints and answer.status_code == 200:
        assert answer.headers["content-type"] == "application/pdf"
        return
    assert answer.headers["content-type"] == kind
    schemas = {"components": document["components"], "$ref": f"#/components/schemas/{schema}"}
    Draft202012Validator(schemas, format_checker=FormatChecker()).validate(answer.json())


def tool_of(made: DeskScreen, http: TestClient, scope: str = BOTH) -> Tool:
    """A tool that this member of staff uses, with a token of theirs."""
    tool = Tool(made, registered_tool(made), http, scope)
    tool.token = tool.fresh_token()
    return tool


def registered_tool(
    made: DeskScreen, scope: str = BOTH, *, first_party: bool = True, **metadata: Any
) -> RelyingParty:
    """The tool as the operator registered it, in the browser of this member of staff."""
    site = made.site
    ensure_signing_keys(site.database, site.secrets, site.clock())
    with writing(site.database) as connection:
        register_desk_api(connection, site.secrets, site.settings, site.clock())
    browser = made.screen.client
    assert isinstance(browser, TestClient)
    return register(
        site,
        browser,
        client_id=f"tool-{made.person.id}",
        client_name="Call centre",
        scope=scope,
        metadata=ClientMetadata(**metadata) if metadata else None,
        resources=[desk_api_audience(site.settings)],
        first_party=first_party,
        **desk_tool_profile_kinds(site.settings, [desk_api_audience(site.settings)]),
    )
