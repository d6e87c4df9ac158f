"""Bytes from outside: whatever they are, the answer is a refusal, and nothing was written."""

from typing import Any

import cbor2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from authn.web.site import Site
from authn.webauthn.authenticator_data import end_of_item
from tests.authenticator import base64url
from tests.citizen import ORIGIN, Screen, activation_code, enrolled
from tests.patience import processor_seconds
from tests.screens import ceremony, everything

pytestmark = [pytest.mark.thorough, pytest.mark.one_engine]

MANY = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

TEXTS = st.one_of(
    st.text(max_size=60),
    st.binary(max_size=120).map(base64url),
    st.sampled_from(["", "A", "AA==", "A" * 3000, "🙂", "a b"]),
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture
def screen(site: Site, client: TestClient, monkeypatch: pytest.MonkeyPatch) -> Screen:
    """Somebody who is signed in, and may have any number of devices."""
    monkeypatch.setattr("authn.devices.devices.MOST_DEVICES", 1_000_000)
    return enrolled(site, client)[1]


Mutation = tuple[int, int, Any, int, str]


@st.composite
def mutations(draw: st.DrawFn) -> Mutation:
    """Which member, and what becomes of it; drawn without a look at the answer."""
    which, where, at = (draw(st.integers(0, 9999)) for _ in range(3))
    value = draw(VALUES | st.just("…remove") | st.just("…flip"))
    return which, where, value, at, draw(st.sampled_from("AZaz09-_=+/ "))


def mutated(answer: dict[str, Any], mutation: Mutation) -> dict[str, Any]:
    """The answer with one of its members, at any depth, replaced, left out or turned around."""
    which, where, value, at, character = mutation
    copy: dict[str, Any] = {**answer, "response": dict(answer["response"])}
    place = (copy, copy["response"])[which % 2]
    name = sorted(place)[where % len(place)]
    if value == "…remove":
        del place[name]
    elif value == "…flip" and isinstance(place[name], str):
        text = place[name]
        at %= len(text)
        place[name] = text[:at] + character + text[at + 1 :]
    else:
        place[name] = value
    return copy


@MANY
@given(mutation=mutations())
def test_a_mutated_assertion_is_refused_and_writes_nothing(
    site: Site, screen: Screen, mutation: Mutation
) -> None:
    before = everything(site)
    options = ceremony(screen, "/login/options")
    answer = screen.authenticator.get(options, ORIGIN)
    content = {"ceremony": options["ceremony"], "credential": mutated(answer, mutation)}
    response = screen.post_json("/login/assertion", content)
    assert response.status_code in (200, 400, 403, 404), response.text
    if response.status_code in (400, 404):
        assert everything(site) == before


@MANY
@given(mutation=mutations(), extensions=VALUES)
def test_a_mutated_registration_is_no_crash(
    site: Site, screen: Screen, mutation: Mutation, extensions: Any
) -> None:
    _, code = activation_code(site)
    token = screen.activate(code)
    options = ceremony(screen, "/activate/options", {"enrolment": token})
    answer = screen.authenticator.create(options, ORIGIN, ignore_exclude=True)
    before = everything(site)
    content = {
        "enrolment": token,
        "ceremony": options["ceremony"],
        "credential": mutated(answer, mutation),
        "client_extension_results": extensions,
    }
    response = screen.post_json("/activate/registration", content)
    assert response.status_code in (200, 400, 403), response.text
    if response.status_code == 400:
        assert everything(site) == before


@MANY
@given(garbage=st.binary(max_size=200))
def test_garbage_for_an_attestation_object_is_refused(
    site: Site, screen: Screen, garbage: bytes
) -> None:
    _, code = activation_code(site)
    token = screen.activate(code)
    options = ceremony(screen, "/activate/options", {"enrolment": token})
    before = everything(site)
    for attestation in (
        garbage,
        cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": garbage}),
        cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": b"\x00" * 32 + b"\xc5" + garbage}),
    ):
        answer = screen.authenticator.create(
            options, ORIGIN, ignore_exclude=True, attestation_object=attestation
        )
        content = {"enrolment": token, "ceremony": options["ceremony"], "credential": answer}
        response = screen.post_json("/activate/registration", content)
        assert response.status_code == 400, response.text
    assert everything(site) == before


@MANY
@given(
    content=st.dictionaries(
        st.sampled_from(
            ["enrolment", "ceremony", "credential", "secret", "invitation", "number", "request"]
        ),
        VALUES,
    )
)
def test_garbage_json_is_refused_everywhere(
    site: Site, screen: Screen, content: dict[str, Any]
) -> None:
    before = everything(site)
    for path in (
        "/activate/options",
        "/activate/registration",
        "/join/look",
        "/join/claim",
        "/join/options",
        "/join/registration",
        "/login/assertion",
        "/devices/add/here/options",
        "/devices/add/here/registration",
    ):
        response = screen.post_json(path, content)
        assert response.status_code in (400, 403, 404, 410), (path, response.text)
    assert everything(site) == before


@given(garbage=st.binary(max_size=300))
def test_the_cbor_guard_ends_or_refuses(garbage: bytes) -> None:
    try:
        end = end_of_item(garbage)
    except ValueError:
        return
    assert 0 < end <= len(garbage)


PLAIN = st.recursive(
    st.integers(-(2**60), 2**60) | st.binary(max_size=300) | st.text() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=30) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(value=PLAIN, rest=st.binary(max_size=5))
def test_the_cbor_guard_finds_where_an_item_ends(value: Any, rest: bytes) -> None:
    encoded = cbor2.dumps(value)
    assert end_of_item(encoded + rest) == len(encoded)


@pytest.mark.parametrize(
    "encoded",
    [
        b"",
        b"\xc0\x00",  # a tag
        b"\xd8\x1c\x80",  # a shared value
        b"\x9f\xff",  # an array of indefinite length
        b"\x5f\xff",  # a byte string of indefinite length
        b"\x81" * 40 + b"\x00",  # nested deeply
        b"\x9b" + b"\xff" * 8,  # an array longer than anything
        b"\x5b" + b"\xff" * 8,  # a byte string longer than anything
        b"\x42\x00",  # cut off
        b"\x1c",  # reserved
    ],
)
def test_the_cbor_guard_refuses(encoded: bytes) -> None:
    with pytest.raises(ValueError, match="CBOR"):
        end_of_item(encoded)


def test_the_cbor_guard_is_quick_with_the_longest_input() -> None:
    longest = b"\x99\x60\x00" + b"\x00" * 0x6000
    assert end_of_item(longest) == len(longest)
    assert processor_seconds(lambda: end_of_item(longest)) < 1
