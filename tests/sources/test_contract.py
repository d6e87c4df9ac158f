"""What our client says, and what the development server answers, is what openapi.yaml describes.

OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.1): its schemas are JSON Schema 2020-12.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import orjson
import pytest
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from authn.sources.facts import DISCIPLINES, ORGANISATION_KINDS
from authn.sources.questions import OF_SOURCES, QUESTIONS, SOURCES, QuestionName
from authn.sources.real_sources import SourceDown, Sources
from authn.sources.wire import problem
from tests.sources_server import (
    CANCELLED,
    HOSPITAL_CBE,
    MOTHER,
    MOTHER_BEFORE,
    UNKNOWN,
    Running,
    Seen,
)

pytestmark = pytest.mark.one_engine

FILE = Path(__file__).parents[2] / "docs" / "sources" / "openapi.yaml"
CONTRACT: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
SCHEMAS: dict[str, Any] = CONTRACT["components"]["schemas"]
REGISTRY: Registry[Any] = Registry().with_resource(
    "contract", DRAFT202012.create_resource(CONTRACT)
)
OPERATIONS = {
    (method.upper(), path): operation
    for path, methods in CONTRACT["paths"].items()
    for method, operation in methods.items()
}


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    """What a `$ref` inside the file refers to."""
    if "$ref" not in node:
        return node
    found: Any = CONTRACT
    for part in node["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return resolved(found)


def faults(schema: dict[str, Any], document: bytes) -> list[str]:
    """What is wrong with this document by this schema of the file."""
    absolute = orjson.loads(orjson.dumps(schema).replace(b'"#/', b'"contract#/'))
    validator = Draft202012Validator(absolute, registry=REGISTRY)
    return [error.message for error in validator.iter_errors(orjson.loads(document))]


def operation_of(seen: Seen) -> dict[str, Any]:
    """The operation that this request is."""
    for (method, path), operation in OPERATIONS.items():
        pattern = re.sub(r"\{\w+\}", "[0-9]+", path)
        if method == seen.method and re.fullmatch(pattern, seen.path):
            found: dict[str, Any] = operation
            return found
    raise AssertionError(f"{seen.method} {seen.path} is not in the contract")


def check(seen: Seen) -> None:
    """The request and its answer are as the file says."""
    operation = operation_of(seen)
    assert not seen.query
    if seen.method == "POST":
        body = resolved(operation["requestBody"])["content"]["application/json"]
        assert seen.headers["content-type"] == "application/json"
        assert not faults(body["schema"], seen.body)
    else:
        assert not seen.body
    answer = resolved(operation["responses"][str(seen.status)])
    media_type = seen.answer_type.partition(";")[0]
    assert not faults(answer["content"][media_type]["schema"], seen.answer)


def references(node: Any) -> Iterator[str]:
    """Every `$ref` in it."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for each in node.values():
            yield from references(each)
    elif isinstance(node, list):
        for each in node:
            yield from references(each)


def test_the_file_is_a_contract() -> None:
    assert re.fullmatch(r"3\.1\.\d+", CONTRACT["openapi"])
    for reference in references(CONTRACT):
        assert resolved({"$ref": reference})
    for schema in SCHEMAS.values():
        Draft202012Validator.check_schema(schema)
    ids = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(set(ids)) == len(ids)
    named = {part["name"] for part in CONTRACT["tags"]}
    assert all(set(operation["tags"]) <= named for operation in OPERATIONS.values())


def test_every_question_and_every_source_is_in_it() -> None:
    by_post = {path for method, path in OPERATIONS if method == "POST"}
    assert by_post == {f"/{question}" for question in OF_SOURCES}
    assert {*get_args(QuestionName)} - {*OF_SOURCES} == {"staff"}, "our own to say"
    for question in OF_SOURCES:
        tag = QUESTIONS[question].source.replace("_", " ")
        assert OPERATIONS["POST", f"/{question}"]["tags"] == [tag]
    for source in SOURCES:
        assert f"AUTHN_{source.upper()}_URL" in FILE.read_text(encoding="utf-8")


def test_no_national_number_is_in_an_address() -> None:
    for operation in OPERATIONS.values():
        for parameter in operation.get("parameters", []):
            pattern = resolved(parameter)["schema"]["pattern"]
            assert not re.fullmatch(pattern, MOTHER)


def test_the_vocabulary_is_ours() -> None:
    assert SCHEMAS["Quality"]["properties"]["discipline"]["enum"] == list(DISCIPLINES)
    assert SCHEMAS["Organization"]["properties"]["kind"]["enum"] == list(ORGANISATION_KINDS)
    for kind in (problem.REPLACED, problem.NOT_FOUND, problem.BAD_REQUEST):
        assert kind in FILE.read_text(encoding="utf-8")


def test_what_is_asked_and_answered_is_as_described(sources: Sources, real: Running) -> None:
    for ssin in (MOTHER, MOTHER_BEFORE, CANCELLED, UNKNOWN):
        sources.citizen(ssin)
        for question in ("children", "qualities", "memberships", "mandates"):
            getattr(sources, question)(ssin)
    for number in (HOSPITAL_CBE, "0200065765"):
        sources.organisation(number)
        sources.access_managers(number)
    real.trouble.failures = 1
    with pytest.raises(SourceDown):
        sources.citizen(MOTHER)
    asked = [seen for seen in real.server.seen if seen.path != "/token"]
    assert {(seen.method, seen.status) for seen in asked} == {
        ("POST", 200),
        ("POST", 400),
        ("POST", 404),
        ("POST", 503),
        ("GET", 200),
        ("GET", 404),
    }
    for seen in asked:
        check(seen)


def test_the_checks_of_this_module_find_faults(sources: Sources, real: Running) -> None:
    sources.qualities(MOTHER)
    [seen] = real.server.asked("/qualities")
    schema = OPERATIONS["POST", "/qualities"]["responses"]["200"]["content"]
    assert faults(schema["application/json"]["schema"], b'{"qualities": [{}]}')
    assert faults(SCHEMAS["Issue"], orjson.dumps({"type": problem.REPLACED}))
    check(seen)
