"""Damaged statements of each format: a refusal, or a device that nothing vouches for."""

from typing import Any

import cbor2
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from authn.web.site import Site
from tests.attestation import (
    FORMATS,
    Maker,
)
from tests.citizen import Screen, activation_code
from tests.webauthn.attestation.enrolment import (
    ON_SQLITE,
    Enrolment,
    aaguid_of,
    known,
    maker_of,
)
from tests.webauthn.test_registration import stored

pytestmark = [pytest.mark.thorough, pytest.mark.one_engine]

MANY = hypothesis_settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63),
    st.floats(allow_nan=False),
    st.text(max_size=20),
    st.binary(max_size=300),
    st.lists(st.binary(max_size=60), max_size=10),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
)


@st.composite
def damages(draw: st.DrawFn) -> tuple[int, int, bytes, int, Any]:
    """Which member, where, what is put there in place of how many bytes, or what it becomes."""
    return (
        draw(st.integers(0, 99)),
        draw(st.integers(0, 9999)),
        draw(st.binary(max_size=6)),
        draw(st.integers(0, 6)),
        draw(st.just("…damage") | JUNK),
    )


def damaged(value: bytes, at: int, put: bytes, instead: int) -> bytes:
    at %= len(value)
    return value[:at] + put + value[at + instead :]


@pytest.fixture
def maker(site: Site, request: pytest.FixtureRequest) -> Maker:
    """A maker of the test's format, whom the metadata knows."""
    made = maker_of(request.node.callspec.params["format_"])
    known(site, made)
    return made


@ON_SQLITE
@pytest.mark.parametrize("format_", [*FORMATS, "packed-self"])
@MANY
@given(damage=damages())
def test_a_damaged_statement_never_attests_and_is_no_crash(
    site: Site,
    client: TestClient,
    maker: Maker,
    format_: str,
    damage: tuple[int, int, bytes, int, Any],
) -> None:
    which, at, put, instead, junk = damage
    changed: list[bool] = []

    def damaging(*of: Any) -> tuple[str, dict[str, Any]]:
        name, statement = maker(*of)
        before = cbor2.dumps(statement)
        member = sorted(statement)[which % len(statement)]
        value = statement[member]
        if junk != "…damage":
            statement[member] = junk
        elif isinstance(value, bytes):
            statement[member] = damaged(value, at, put, instead)
        elif isinstance(value, list):
            # never the root: whose copy it is does not matter, ours counts
            place = at % min(len(value), 2)
            value[place] = damaged(value[place], at, put, instead)
        else:
            statement[member] = None
        changed.append(cbor2.dumps(statement) != before)
        return name, statement

    _, code = activation_code(site)
    screen = Screen(client)
    enrolment = Enrolment(screen, screen.activate(code))
    devices_before = len(stored(site))
    answer = enrolment.register(None, attests=damaging, aaguid=aaguid_of(maker))
    assert answer.status_code in (200, 400), answer.text
    if answer.status_code == 200:
        assert not changed[-1] or not stored(site)[-1].attested
    else:
        assert len(stored(site)) == devices_before
