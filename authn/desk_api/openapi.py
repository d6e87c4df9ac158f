"""The OpenAPI document of the desk's API, made of the list of operations.

OpenAPI 3.1.1 (https://spec.openapis.org/oas/v3.1.1.html). `make docs` writes it to
docs/desk-api/openapi.yaml, for an example issuer.
"""

import re
from typing import Any, Final

from authn.clients.resource_servers.desk_api import DESK_ACT, DESK_READ, PATH, SCOPES
from authn.desk_api.operations import Operation
from authn.desk_api.schemas import SCHEMAS

EXAMPLE_ISSUER: Final = "https://login.example.org"
DESCRIPTION: Final = (
    "What the pages of the support desk do, for the desk's own tools, with an access token of a "
    "member of staff. Every call about a person says why. A call that needs a second member of "
    "staff answers 202, and nothing is done until another one approves."
)
RESPONSES: Final = {
    "400": "What was sent is not what the call takes.",
    "401": "No token, or one that is not accepted; `insufficient_user_authentication` asks for a "
    "more recent sign-in (RFC 9470), `insufficient_authorization` for a confirmation of this act: "
    "its `authorization_details` are what to ask for (RFC 9396).",
    "403": "The token has not the scope, or it is not possible with this person.",
    "404": "It is not there, or not for this member of staff.",
    "409": "It is so already, or something has changed since.",
    "410": "What was sent is too old.",
    "429": "This member of staff has looked at too many people within an hour.",
    "503": "Not now: try again.",
}
_PARAMETER: Final = re.compile(r"\{([a-z]+)\}")


def build_openapi(issuer: str, operations: tuple[Operation, ...]) -> dict[str, Any]:
    """The OpenAPI document of these operations at this issuer."""
    paths: dict[str, Any] = {}
    for each in operations:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each)
    return {
        "openapi": "3.1.1",
        "info": {"title": "The desk's API", "version": "1", "description": DESCRIPTION},
        "servers": [{"url": issuer + PATH}],
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "responses": {
                "Problem": {
                    "description": "A refusal (RFC 9457).",
                    "content": {"application/problem+json": {"schema": _ref("schemas", "Problem")}},
                }
            },
            "securitySchemes": {"staff": _security_scheme(issuer)},
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    document: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "security": [{"staff": [operation.scope]}],
        "responses": _responses(operation),
    }
    description = _description(operation)
    if description:
        document["description"] = description
    parameters = [*_in_path(operation), *_in_query(operation)]
    if parameters:
        document["parameters"] = parameters
    if operation.method == "POST":
        content = {"application/json": {"schema": _body(operation)}}
        document["requestBody"] = {"required": True, "content": content}
    return document


def _in_path(operation: Operation) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "format": "uuid"},
        }
        for name in _PARAMETER.findall(operation.path)
    ]


def _in_query(operation: Operation) -> list[dict[str, Any]]:
    return [{"name": each.name, "in": "query", "schema": each.schema} for each in operation.query]


def _description(operation: Operation) -> str:
    sentences = []
    if operation.confirms:
        sentences.append(
            "Whoever calls has confirmed it for this one call, with the detail `desk_act`."
        )
    if operation.may_wait:
        sentences.append("It may have to wait for a second member of staff.")
    return " ".join(sentences)


def _body(operation: Operation) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {each.name: each.schema for each in operation.members},
        "required": [each.name for each in operation.members if each.required],
        "additionalProperties": False,
    }


def _responses(operation: Operation) -> dict[str, Any]:
    content = {"application/json": {"schema": _ref("schemas", operation.answers)}}
    letter = {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}
    shown = letter if operation.prints else content
    done = {"200": {"description": operation.summary, "content": shown}}
    if operation.may_wait:
        done["202"] = {
            "description": "It waits: for a second member of staff (`approval_id`)"
            + (", or until `opens_at`." if operation.prints else "."),
            "content": content,
        }
    problem = _ref("responses", "Problem")["$ref"]
    # Beside a reference, only its description may be said anew (§4.8.23).
    return done | {
        status: {"$ref": problem, "description": words} for status, words in RESPONSES.items()
    }


def _security_scheme(issuer: str) -> dict[str, Any]:
    flow = {
        "authorizationUrl": f"{issuer}/authorize",
        "tokenUrl": f"{issuer}/token",
        "scopes": {scope: SCOPES[scope].sentence("en") for scope in (DESK_READ, DESK_ACT)},
    }
    return {
        "type": "oauth2",
        "description": f"The resource is {issuer}{PATH}; DPoP and mutual TLS are understood.",
        "flows": {"authorizationCode": flow},
    }


def _ref(kind: str, name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/{kind}/{name}"}
