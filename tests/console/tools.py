"""A tool of the desk: it has access tokens of a member of staff, and calls the desk's API."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from httpx2 import Response
from jsonschema import Draft202012Validator, FormatChecker
from starlette.testclient import TestClient

from authn.clients.client_metadata import ClientMetadata
from authn.clients.desk_api import DESK_ACT, DESK_READ, PATH, desk_api_audience, register_desk_api
from authn.db.transaction import writing
from authn.desk_api.endpoints import OPERATIONS
from authn.desk_api.openapi import openapi
from authn.keys.signing_keys import ensure_signing_keys
from authn.web.site import Site
from tests.citizen import ORIGIN
from tests.console.desk import DeskScreen
from tests.oidc.relying_party import RelyingParty, register

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

    def headers(self, token: str | None = None) -> dict[str, str]:
        """How the token is presented."""
        presented = self.token if token is None else token
        return {"Authorization": f"Bearer {presented}", "Accept-Language": "en"}

    def call(self, name: str, /, *ids: UUID, **content: Any) -> Response:
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
            answer = self.post(path, **({**WHY, **content} if operation.with_why else content))
        check(name, answer)
        return answer

    def person(self, name: str, /, *ids: UUID, **content: Any) -> Any:
        """What a call that is allowed answers."""
        answer = self.call(name, *ids, **content)
        assert answer.status_code == 200, answer.text
        return answer.json()


def check(name: str, answer: Response) -> None:
    """The answer is one that the OpenAPI document has for this call."""
    document = openapi(ORIGIN, OPERATIONS)
    operation = BY_NAME[name]
    responses = document["paths"][operation.path][operation.method.lower()]["responses"]
    assert str(answer.status_code) in responses, (name, answer.status_code, answer.text)
    schema = operation.answers if answer.is_success else "Problem"
    kind = "application/json" if answer.is_success else "application/problem+json"
    assert answer.headers["content-type"] == kind
    assert answer.headers["cache-control"] == "no-store"
    schemas = {"components": document["components"], "$ref": f"#/components/schemas/{schema}"}
    Draft202012Validator(schemas, format_checker=FormatChecker()).validate(answer.json())


def tool_of(made: DeskScreen, http: TestClient, scope: str = BOTH) -> Tool:
    """A tool that this member of staff uses, with a token of theirs."""
    tool = Tool(made, registered_tool(made), http, scope)
    tool.token = tool.fresh_token()
    return tool


def registered_tool(made: DeskScreen, **metadata: Any) -> RelyingParty:
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
        scope=BOTH,
        metadata=ClientMetadata(**metadata) if metadata else None,
        resources=[desk_api_audience(site.settings)],
        first_party=True,
    )
