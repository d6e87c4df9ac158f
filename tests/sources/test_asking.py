"""Real sources are asked over HTTP, by the contract of docs/sources/openapi.yaml.

RFC 9457 (https://www.rfc-editor.org/rfc/rfc9457), RFC 6749 section 4.4, RFC 7523; decisions 9.5.
"""

from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path

import orjson
import pytest

from authn.people.persons import Citizen
from authn.settings import Settings
from authn.sources.facts import (
    Child,
    FactPeriod,
    Mandate,
    Membership,
    NaturalPerson,
    Organisation,
    Quality,
)
from authn.sources.protocols import AccessManager
from authn.sources.real_sources import SourceDown, Sources, open_sources
from authn.sources.wire import problem
from tests.conftest import MovableClock
from tests.sources_server import (
    CANCELLED,
    CHILD,
    HOSPITAL_CBE,
    HOSPITAL_NIHII,
    MANDATOR,
    MOTHER,
    MOTHER_BEFORE,
    NUMBERS,
    UNKNOWN,
    Running,
    Said,
    Seen,
    write_files,
)

pytestmark = pytest.mark.one_engine

HOSPITAL = Organisation("hospital", "AZ Sint-Fictief", HOSPITAL_CBE, HOSPITAL_NIHII)
HEAD = Membership(
    HOSPITAL, "head of surgery", FactPeriod(date(2021, 1, 1)), responsible_access_manager=True
)
LOU = NaturalPerson(CHILD, "Lou", "Van der Meulen")
JUERGEN = NaturalPerson(MANDATOR, "Jürgen", "Kettenis")
TOLD: dict[str, tuple[object, ...]] = {
    "children": (Child(LOU, "2012-01-01"),),
    "qualities": (Quality("physician", "10000000000", FactPeriod(date(2020, 1, 1))),),
    "memberships": (HEAD,),
    "mandates": (
        Mandate(
            "m-1",
            JUERGEN,
            ("recipe", "medicaldatamanagement"),
            FactPeriod(date(2025, 1, 1), date(2027, 1, 1)),
            accepted_by_mandator=True,
            accepted_by_mandatary=True,
        ),
    ),
}
HANNE = Citizen(
    MOTHER, "Hanne", "Van der Meulen", "1903-01-01", "nl", previous_ssins=(MOTHER_BEFORE,)
)


def told(sources: Sources, question: str, ssin: str) -> tuple[object, ...]:
    answer: tuple[object, ...] = getattr(sources, question)(ssin)
    return answer


def issue(kind: str, **more: str) -> Callable[[Seen], Said | None]:
    """An answer of Belgium's REST guide to everything but the token endpoint."""
    document = {"type": problem.BAD_REQUEST, "status": 400, "issues": [{"type": kind, **more}]}
    said = Said(400, orjson.dumps(document), problem.MEDIA_TYPE)
    return lambda seen: None if seen.path == "/token" else said


@pytest.mark.parametrize("question", TOLD)
def test_every_question_is_answered_as_the_source_has_it(sources: Sources, question: str) -> None:
    assert told(sources, question, MOTHER) == TOLD[question]
    assert told(sources, question, MANDATOR) == ()


def test_a_citizen_comes_with_the_numbers_that_theirs_replaced(sources: Sources) -> None:
    assert sources.citizen(MOTHER) == HANNE


@pytest.mark.parametrize("number", [HOSPITAL_CBE, HOSPITAL_NIHII])
def test_an_organisation_is_found_by_each_of_its_numbers(sources: Sources, number: str) -> None:
    assert sources.organisation(number) == HOSPITAL
    assert sources.access_managers(number) == (AccessManager(MOTHER, HEAD),)


def test_an_organisation_that_is_unknown_is_none(sources: Sources) -> None:
    assert sources.organisation("0200065765") is None
    assert sources.access_managers("0200065765") == ()


def test_a_replaced_number_is_followed(sources: Sources, real: Running) -> None:
    assert sources.citizen(MOTHER_BEFORE) == HANNE
    assert [each.status for each in real.server.asked("/citizen")] == [400, 200]
    assert sources.children(MOTHER_BEFORE) == TOLD["children"]


def test_a_replaced_number_is_followed_once(sources: Sources, real: Running) -> None:
    real.server.dictated = issue(problem.REPLACED, replacedBy=MANDATOR)
    with pytest.raises(SourceDown):
        sources.citizen(MOTHER)
    assert [orjson.loads(each.body)["ssin"] for each in real.server.asked("/citizen")] == [
        MOTHER,
        MANDATOR,
    ]


@pytest.mark.parametrize("successor", ["", "12345678901", "9" * 5000, "03410100128 "])
def test_a_number_replaced_by_what_is_none_is_no_answer(
    sources: Sources, real: Running, successor: str
) -> None:
    real.server.dictated = issue(problem.REPLACED, replacedBy=successor)
    with pytest.raises(SourceDown):
        sources.citizen(MOTHER_BEFORE)


def test_the_number_asked_for_stays_the_citizens_even_if_the_source_forgot_it(
    sources: Sources, real: Running
) -> None:
    document = {"ssin": MOTHER, "firstName": "H", "lastName": "V", "language": "nl"}

    def forgetful(seen: Seen) -> Said | None:
        if seen.path == "/citizen" and MOTHER.encode() in seen.body:
            return Said(200, orjson.dumps(document))
        return None

    real.server.dictated = forgetful
    citizen = sources.citizen(MOTHER_BEFORE)
    assert citizen is not None
    assert (citizen.ssin, citizen.previous_ssins) == (MOTHER, (MOTHER_BEFORE,))


def test_a_citizen_other_than_the_one_asked_for_is_no_answer(
    sources: Sources, real: Running
) -> None:
    document = {"ssin": MANDATOR, "firstName": "J", "lastName": "K", "language": "de"}
    real.server.dictated = lambda seen: (
        Said(200, orjson.dumps(document)) if seen.path == "/citizen" else None
    )
    with pytest.raises(SourceDown, match="another citizen"):
        sources.citizen(MOTHER)


def test_a_cancelled_number_is_nobodys(sources: Sources, real: Running) -> None:
    assert sources.citizen(CANCELLED) is None
    assert problem.CANCELLED.encode() in real.server.asked("/citizen")[0].answer
    assert sources.mandates(CANCELLED) == ()
    real.server.dictated = lambda seen: (
        Said(200, orjson.dumps({**member, "ssin": MOTHER})) if seen.path == "/citizen" else None
    )
    member = {"firstName": "", "lastName": "V", "language": "nl", "cancelled": True}
    assert sources.citizen(MOTHER) is None


def test_an_unknown_number_is_nobodys(sources: Sources) -> None:
    assert sources.citizen(UNKNOWN) is None


@pytest.mark.parametrize(
    "said",
    [
        Said(404, b"not found", "text/plain"),
        Said(404, b'{"type": "about:blank"}', problem.MEDIA_TYPE),
        Said(404, orjson.dumps({"type": problem.NOT_FOUND})),
        Said(404, b"[1]", problem.MEDIA_TYPE),
        Said(404, b"{", problem.MEDIA_TYPE),
        Said(400, b'{"issues": 1}', problem.MEDIA_TYPE),
        Said(400, b'{"issues": [1, {"type": 2}]}', problem.MEDIA_TYPE),
        Said(410, orjson.dumps({"type": problem.NOT_FOUND}), problem.MEDIA_TYPE),
    ],
)
def test_that_there_is_nobody_must_be_said_by_the_source(
    sources: Sources, real: Running, said: Said
) -> None:
    """The 404 of a proxy, or of a wrong address, would end everybody's capacities."""
    real.server.dictated = lambda seen: None if seen.path == "/token" else said
    for question in TOLD:
        with pytest.raises(SourceDown):
            told(sources, question, MOTHER)
    with pytest.raises(SourceDown):
        sources.citizen(MOTHER)


def test_a_national_number_is_in_a_body_and_nowhere_else(
    sources: Sources, real: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    for question in TOLD:
        told(sources, question, MOTHER)
    sources.citizen(MOTHER_BEFORE)
    real.server.dictated = issue(problem.REPLACED, replacedBy="07261500371")
    for question in TOLD:
        with pytest.raises(SourceDown) as failed:
            told(sources, question, MOTHER)
        assert not any(number in repr(failed.value) for number in NUMBERS)
        assert failed.value.__cause__ is None
        assert failed.value.__context__ is None
    for seen in real.server.seen:
        open_to_all = f"{seen.path} {seen.query!r} {seen.headers}"
        assert not any(number in open_to_all for number in NUMBERS)
    shown = "".join(capsys.readouterr())
    assert "source_failed" in shown
    assert not any(number in shown for number in NUMBERS)


def test_one_access_token_serves_every_source(sources: Sources, real: Running) -> None:
    for question in TOLD:
        told(sources, question, MOTHER)
    assert real.server.tokens == 1


def test_an_access_token_is_renewed_before_it_expires(
    sources: Sources, real: Running, clock: MovableClock
) -> None:
    sources.qualities(MOTHER)
    clock.advance(seconds=279)
    sources.qualities(MOTHER)
    assert real.server.tokens == 1
    clock.advance(seconds=2)
    sources.qualities(MOTHER)
    assert real.server.tokens == 2
    assert [each.status for each in real.server.asked("/qualities")] == [200, 200, 200]


def test_an_access_token_that_is_refused_is_renewed_once(sources: Sources, real: Running) -> None:
    sources.qualities(MOTHER)
    first = real.server.asked("/qualities")[0].headers["authorization"]
    real.server.dictated = lambda seen: (
        Said(401) if seen.headers.get("authorization") == first else None
    )
    assert sources.qualities(MOTHER) == TOLD["qualities"]
    assert real.server.tokens == 2
    real.server.dictated = lambda seen: None if seen.path == "/token" else Said(401)
    with pytest.raises(SourceDown, match="status 401"):
        sources.qualities(MOTHER)
    assert real.server.tokens == 3
    assert len(real.server.asked("/qualities")) == 3 + 2


def test_a_key_that_the_source_does_not_know_gets_no_answer(
    real: Running, clock: MovableClock, tmp_path: Path
) -> None:
    other = write_files(tmp_path / "others")
    with (
        closing(open_sources(real.settings(Settings(), sources_key=other), clock)) as strangers,
        pytest.raises(SourceDown, match="invalid_client"),
    ):
        strangers.qualities(MOTHER)
    assert not real.server.asked("/qualities")


def test_an_rsa_key_serves_as_well(real: Running, clock: MovableClock) -> None:
    settings = real.settings(Settings(), sources_key=real.key.parent / "sources_rsa_key.json")
    with closing(open_sources(settings, clock)) as sources:
        assert sources.qualities(MOTHER) == TOLD["qualities"]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"[]",
        b"{}",
        b'{"access_token": "t"}',
        b'{"access_token": "t", "token_type": "mac"}',
        b'{"access_token": 1, "token_type": "Bearer"}',
        b'{"access_token": "t\\r\\nX: y", "token_type": "Bearer"}',
        '{"access_token": "é", "token_type": "Bearer"}'.encode(),
        b'{"access_token": "t", "token_type": "Bearer", "expires_in": "soon"}',
        b'{"access_token": "t", "token_type": "Bearer", "expires_in": -1}',
        b'{"access_token": "t", "token_type": "Bearer", "expires_in": true}',
        b'{"access_token": "' + b"t" * 20_000 + b'", "token_type": "Bearer"}',
        b'{"error": "03410100128"}',
        b'{"error": ["invalid_client"]}',
        b"[" * 10_000,
        b"x" * (2 * 1024 * 1024),
    ],
)
def test_a_token_endpoint_that_says_anything_else_gives_no_token(
    sources: Sources, real: Running, answer: bytes
) -> None:
    real.server.dictated = lambda seen: Said(200, answer) if seen.path == "/token" else None
    with pytest.raises(SourceDown) as failed:
        sources.qualities(MOTHER)
    assert MOTHER not in str(failed.value)
    assert not real.server.asked("/qualities")
