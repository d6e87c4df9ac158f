"""What bytes from outside may be: at most 64 kB, strict, each parameter once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from authn.errors import Refusal
from authn.web.body import parse_form, parse_json, parse_parameters

FORM = "application/x-www-form-urlencoded"


def test_a_body_over_64_kb_is_refused(client: TestClient) -> None:
    answer = client.post("/language", content=b"a=" + b"x" * 65_536, headers={"Content-Type": FORM})
    assert answer.status_code == 413


def test_a_length_of_thousands_of_digits_is_too_large(client: TestClient) -> None:
    headers = {"Content-Type": FORM, "Content-Length": "9" * 5000}
    assert client.post("/language", content=b"a=b", headers=headers).status_code == 413


def test_a_body_that_declares_no_length_is_cut_off_at_64_kb(client: TestClient) -> None:
    chunks = (b"x" * 1024 for _ in range(1000))
    answer = client.post("/language", content=chunks, headers={"Content-Type": FORM})
    assert answer.status_code == 413


def test_a_repeated_parameter_is_refused() -> None:
    with pytest.raises(Refusal):
        parse_parameters(b"state=1&state=2")


@pytest.mark.parametrize("body", [b"", b"[]", b'"text"', b"{", b"nul", b"\xff\xfe", b'{"a":1}x'])
def test_only_one_json_object_is_taken(body: bytes) -> None:
    with pytest.raises(Refusal):
        parse_json(body, "application/json")


def test_json_nested_too_deeply_is_refused() -> None:
    with pytest.raises(Refusal):
        parse_json(b'{"a":' + b"[" * 50 + b"]" * 50 + b"}", "application/json")


def test_another_content_type_is_refused() -> None:
    for content_type in ("", "text/plain", "multipart/form-data"):
        with pytest.raises(Refusal):
            parse_form(b"a=1", content_type)
        with pytest.raises(Refusal):
            parse_json(b"{}", content_type)


@given(st.binary(max_size=300))
def test_any_bytes_are_parsed_or_refused(body: bytes) -> None:
    for parse, content_type in ((parse_form, FORM), (parse_json, "application/json")):
        try:
            parse(body, content_type)
        except Refusal:
            continue


def test_a_query_over_16_kb_is_refused(client: TestClient) -> None:
    assert client.get("/?a=" + "x" * 20_000).status_code == 413
