"""Files of facts: lines that break a rule are named, the others are taken, all in one moment."""

import json
import re
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from authn.audit.log import audit_events
from authn.db.transaction import reading, writing
from authn.errors import CommandError
from authn.people.persons import find_or_create_person
from authn.settings import PREFIX
from authn.sources.answers import find_source_answers, note_answer
from authn.sources.embedded import fact_files as reading_files
from authn.sources.embedded import fact_import
from authn.sources.embedded.fact_columns import COLUMNS, FileKind
from authn.sources.embedded.fact_files import FactFile, RejectedLine
from authn.sources.embedded.fact_import import FactImport, FactImportReport
from authn.sources.embedded.facts import find_facts, find_organisation
from authn.sources.embedded.register_csv import COLUMNS as PEOPLE
from authn.sources.embedded.register_csv import LONGEST_LINE, OPTIONAL_COLUMNS
from authn.sources.facts import Fact, Mandate
from authn.sources.questions import QuestionName
from authn.sources.tables import source_facts, source_staged_facts
from authn.web.site import Site
from tests.citizen import HANNE, KARIM
from tests.commands import run_command
from tests.conftest import MovableClock
from tests.together import at_once

pytestmark = pytest.mark.thorough

DOCUMENT = Path(__file__).parents[2] / "docs" / "sources" / "files.md"
NURSE = f"{HANNE.ssin},nurse,10000000000,2020-01-01,"
MIDWIFE = f"{KARIM.ssin},midwife,20000000000,2020-01-01,"
HOSPITAL = "hospital,Sint-Jan,0406798006,71000012"
MARIE = "05520900401,Marie,Dubois,"
HEADER = ",".join(column.name for column in COLUMNS["qualities"])

Take = Callable[..., FactImportReport]


@pytest.fixture
def take(site: Site, clock: MovableClock, tmp_path: Path) -> Take:
    """Takes the rows given, as a CSV file of this kind."""

    def take(kind: FileKind, *rows: str, header: str = "", **how: Any) -> FactImportReport:
        path = tmp_path / "facts.csv"
        header = header or ",".join(column.name for column in COLUMNS[kind])
        path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
        return FactImport(site.database, site.secrets, kind, path, clock.now, **how).run()

    return take


@pytest.fixture
def take_json(site: Site, clock: MovableClock, tmp_path: Path) -> Take:
    """Takes the content given, as a JSON file of this kind."""

    def take(kind: FileKind, content: object, **how: Any) -> FactImportReport:
        path = tmp_path / "facts.json"
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return FactImport(site.database, site.secrets, kind, path, clock.now, **how).run()

    return take


def told(site: Site, question: QuestionName, ssin: str = HANNE.ssin) -> tuple[Fact, ...]:
    with reading(site.database) as connection:
        return find_facts(connection, site.secrets, question, [ssin])


def rows(site: Site) -> tuple[int, int]:
    """How many facts are kept, and how many wait."""
    with reading(site.database) as connection:
        kept, waiting = (
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (source_facts, source_staged_facts)
        )
    return kept, waiting


def mandate(*, mandator: str = MARIE, services: str = "recipe", until: str = "") -> str:
    return f"m1,{HANNE.ssin},{mandator},{services},2020-01-01,{until},yes,no"


# What a file says


def test_a_file_of_each_kind_is_taken(site: Site, take: Take) -> None:
    assert take("organisations", HOSPITAL).facts == 1
    assert take("qualities", NURSE, "03.41.01-002.27,dentist,1-00000.00000,2020-01-01,").facts == 2
    assert take("memberships", f"{HANNE.ssin},0406.798.006,nurse,2020-01-01,,").facts == 1
    assert take("mandates", mandate(services="recipe  medicaldatamanagement")).facts == 1
    assert take("children", f"{HANNE.ssin},12410100251,Léa,Maes,2012,no").facts == 1
    (given,) = told(site, "mandates")
    assert isinstance(given, Mandate)
    assert given.service_names == ("recipe", "medicaldatamanagement")
    assert (given.accepted_by_mandator, given.accepted_by_mandatary) == (True, False)
    questions: list[QuestionName] = ["qualities", "memberships", "children"]
    assert all(len(told(site, question)) == 1 for question in questions)
    assert len(told(site, "qualities", KARIM.ssin)) == 1


def test_a_mandator_may_be_an_organisation(site: Site, take: Take) -> None:
    take("organisations", HOSPITAL)
    assert take("mandates", mandate(mandator=",,,71000012")).rejected == ()
    (given,) = told(site, "mandates")
    assert isinstance(given, Mandate)
    assert given.mandator.name == "Sint-Jan"


def test_columns_in_any_order_quotes_and_a_bom_are_read(site: Site, take: Take) -> None:
    report = take(
        "organisations",
        '71000012,"Sint-Jan, ""dit"" Lenoir",hospital,',
        header="\ufeffNIHII,name,kind, cbe ",
    )
    assert report.rejected == ()
    with reading(site.database) as connection:
        found = find_organisation(connection, site.secrets, "71000012")
    assert found is not None
    assert found.name == 'Sint-Jan, "dit" Lenoir'


def test_a_json_file_says_the_same(site: Site, take: Take, take_json: Take) -> None:
    take("qualities", NURSE)
    before = told(site, "qualities")
    fact = {"discipline": "nurse", "nihii11": "10000000000", "since": "2020-01-01"}
    assert take_json("qualities", [{"ssin": HANNE.ssin, "fact": fact}]) == FactImportReport(1, ())
    assert told(site, "qualities") == before
    organisation = {"kind": "hospital", "name": "Sint-Jan", "nihii": "71000012"}
    assert take_json("organisations", [{"fact": organisation}]).facts == 1


# What breaks a rule

BAD_ROWS: list[tuple[FileKind, str, str]] = [
    ("qualities", "03410100129,nurse,10000000000,2020-01-01,", "ssin is not a valid national"),
    ("qualities", f"{HANNE.ssin},nurse,1000000000,2020-01-01,", "nihii11 is not eleven digits"),
    ("qualities", f"{HANNE.ssin},,10000000000,2020-01-01,", "discipline is missing"),
    ("qualities", f"{HANNE.ssin},nurse,10000000000,1/1/2020,", "since is not a date"),
    ("qualities", f"{HANNE.ssin},nurse,10000000000,2020-01-01", "it has 4 values instead of 5"),
    ("qualities", f'{HANNE.ssin},"nurse,10000000000,2020-01-01,', "it is not valid CSV"),
    ("qualities", f"{HANNE.ssin}{'x' * LONGEST_LINE}", "it is longer than 4096 bytes"),
    ("qualities", NURSE, "it is told at 2 already"),
    ("memberships", f"{HANNE.ssin},71000099,nurse,2020-01-01,,", "organisation is not the number"),
    ("memberships", f"{HANNE.ssin},71000012,nurse,2020-01-01,,si", "responsible_access_manager is"),
    ("mandates", mandate(mandator=",Marie,Dubois,"), "mandator_ssin is missing"),
    ("mandates", mandate(mandator=MARIE + "71000012"), "mandator_organisation is given, and a"),
    ("mandates", mandate(services=""), "service_names is missing"),
    ("mandates", mandate(until="2019-01-01"), "until is before since"),
    ("organisations", "hospital,X,0406798007,", "cbe is not a valid CBE number"),
    ("organisations", "hospital,X,,", "cbe is missing, and nihii as well"),
    ("organisations", "hospital,Other,0406798006,", "it is told at 2 already"),
    ("children", f"{HANNE.ssin},12410100251,Léa,,2012,no", "family_name is missing"),
    ("children", f"{HANNE.ssin},12410100252,Léa,Maes,2012,no", "child_ssin is not a valid"),
]
GOOD_ROWS: dict[FileKind, str] = {
    "qualities": NURSE,
    "memberships": f"{HANNE.ssin},71000012,nurse,2020-01-01,,",
    "mandates": f"m9,{HANNE.ssin},{MARIE},recipe,2020-01-01,,yes,yes",
    "organisations": HOSPITAL,
    "children": f"{HANNE.ssin},14410100293,Nour,Maes,2014,no",
}


@pytest.mark.parametrize(("kind", "row", "rule"), BAD_ROWS)
def test_a_line_that_breaks_a_rule_is_named_without_what_it_holds_and_the_others_are_taken(
    take: Take, kind: FileKind, row: str, rule: str
) -> None:
    take("organisations", HOSPITAL)
    report = take(kind, GOOD_ROWS[kind], row)
    assert report.facts == 1
    (rejected,) = report.rejected
    assert rejected.line == 3
    assert rejected.rule.startswith(rule)
    for number in ("0341", "1241", "0552", "7100", "0406"):
        assert number not in rejected.rule


def test_a_quote_that_is_not_closed_spoils_its_own_line_alone(take: Take) -> None:
    report = take("qualities", f'{HANNE.ssin},"nurse', MIDWIFE, "\xff" * LONGEST_LINE, NURSE)
    assert [each.line for each in report.rejected] == [2, 4]
    assert report.facts == 2


def test_a_line_that_is_not_utf8_is_named(site: Site, clock: MovableClock, tmp_path: Path) -> None:
    path = tmp_path / "latin1.csv"
    path.write_bytes(f"{HEADER}\nÉlodie\n{NURSE}\n".encode("latin-1"))
    report = FactImport(site.database, site.secrets, "qualities", path, clock.now).run()
    assert report == FactImportReport(1, (RejectedLine(2, "it is not UTF-8"),))


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("ssin,discipline", "Line 1: the header must be ssin,discipline,nihii11,since,until"),
        (HEADER.replace(",", ";"), "Line 1: the header must be"),
        (HEADER + ",name", "Line 1: the header must be"),
        (HEADER, "There is nothing in the file"),
    ],
)
def test_a_file_of_another_kind_or_without_a_row_is_refused(
    take: Take, header: str, reason: str
) -> None:
    with pytest.raises(CommandError, match=reason):
        take("qualities", header=header)


@pytest.mark.parametrize("content", [b"", b"{}", b"[", b"\xff", b"[" * 5000, b'{"a":1}', b"1"])
def test_what_is_no_json_array_is_refused(site: Site, take_json: Take, content: bytes) -> None:
    with pytest.raises(CommandError, match="not a JSON array"):
        take_json("qualities", content)
    assert rows(site) == (0, 0)


def test_an_entry_that_breaks_a_rule_is_counted(take_json: Take) -> None:
    fact = {"discipline": "nurse", "nihii11": "10000000000", "since": "2020-01-01"}
    good = {"ssin": HANNE.ssin, "fact": fact}
    bad = [1, {}, good | {"ssin": "03410100129"}, good | {"fact": fact | {"a": 1}}, good | {"b": 2}]
    report = take_json("qualities", [*bad, good])
    assert report.facts == 1
    assert [each.line for each in report.rejected] == [1, 2, 3, 4, 5]
    assert "0341" not in repr(report)


def test_a_file_that_is_too_large_or_of_another_name_is_refused(
    site: Site, clock: MovableClock, take: Take, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(reading_files, "LARGEST_FILE", 200)
    with pytest.raises(CommandError, match="larger than 200 bytes"):
        take("qualities", *[NURSE] * 10)
    with pytest.raises(CommandError, match=r"must end with \.csv or \.json"):
        FactImport(site.database, site.secrets, "qualities", tmp_path / "a.xlsx", clock.now).run()
    with pytest.raises(FileNotFoundError):
        FactImport(site.database, site.secrets, "qualities", tmp_path / "a.csv", clock.now).run()
    assert rows(site) == (0, 0)


@hypothesis_settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.binary(max_size=200), st.sampled_from(list(COLUMNS)), st.sampled_from([".csv", ".json"]))
@pytest.mark.one_engine
def test_any_bytes_are_entries_rejected_lines_or_one_sentence(
    tmp_path: Path, content: bytes, kind: FileKind, suffix: str
) -> None:
    header = ",".join(column.name for column in COLUMNS[kind]).encode()
    path = tmp_path / f"facts{suffix}"
    for start in (b"", header + b"\n", b"["):
        path.write_bytes(start + content)
        with suppress(CommandError):
            list(FactFile(path, kind, {}, date(2026, 1, 1)).entries())


# All of it in one moment


def test_strict_takes_all_or_nothing(site: Site, take: Take) -> None:
    report = take("qualities", NURSE, "bad", strict=True)
    assert (report.facts, len(report.rejected)) == (0, 1)
    assert rows(site) == (0, 0)
    assert take("qualities", NURSE, strict=True).facts == 1


def test_the_same_file_twice_is_the_same(site: Site, take: Take) -> None:
    for complete in (False, True, True, False):
        assert take("qualities", NURSE, MIDWIFE, complete=complete) == FactImportReport(2, ())
        assert rows(site) == (2, 0)


def test_what_is_told_anew_takes_the_place_of_what_was_known(site: Site, take: Take) -> None:
    take("mandates", mandate())
    take("mandates", mandate(until="2026-12-31", services="other"))
    (given,) = told(site, "mandates")
    assert isinstance(given, Mandate)
    assert (given.period.until, given.service_names) == (date(2026, 12, 31), ("other",))


def test_what_a_complete_file_leaves_out_ends_and_nothing_of_another_kind(
    site: Site, take: Take
) -> None:
    take("organisations", HOSPITAL)
    take("mandates", mandate())
    take("qualities", NURSE, MIDWIFE)
    assert take("qualities", MIDWIFE).ended == 0
    assert len(told(site, "qualities")) == 1
    assert take("qualities", MIDWIFE, complete=True) == FactImportReport(1, (), ended=1)
    assert told(site, "qualities") == ()
    assert len(told(site, "qualities", KARIM.ssin)) == 1
    assert len(told(site, "mandates")) == 1
    with reading(site.database) as connection:
        assert find_organisation(connection, site.secrets, "71000012")


def test_a_complete_file_with_a_rejected_line_ends_nothing(site: Site, take: Take) -> None:
    take("qualities", NURSE, MIDWIFE)
    report = take("qualities", NURSE, MIDWIFE.replace("midwife", "midwive"), complete=True)
    assert (report.facts, len(report.rejected), report.ended) == (0, 1, 0)
    assert rows(site) == (2, 0)
    with pytest.raises(CommandError, match="nothing in the file"):
        take("qualities", complete=True)
    assert rows(site) == (2, 0)


def test_until_the_whole_file_is_read_nothing_has_changed(
    site: Site, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fact_import, "BATCH", 1)
    take("qualities", NURSE)
    seen: list[tuple[int, int]] = []
    take("qualities", MIDWIFE, "bad", NURSE, progress=lambda _: seen.append(rows(site)))
    assert seen == [(1, 1), (1, 2), (1, 2)]
    assert rows(site) == (2, 0)


def test_an_import_that_breaks_off_leaves_nothing_behind(site: Site, take: Take) -> None:
    def break_off(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take("qualities", NURSE, progress=break_off)
    assert rows(site) == (0, 0)


def test_what_a_killed_import_left_behind_goes_a_day_later(
    site: Site, clock: MovableClock, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as killed:
        killed.setattr(FactImport, "_clear_staging", lambda _: None)
        take("qualities", NURSE)
    take("qualities", MIDWIFE)
    assert rows(site) == (2, 1)
    clock.advance(days=1, seconds=1)
    take("qualities", MIDWIFE)
    assert rows(site) == (2, 0)


def test_two_imports_at_once_both_succeed(site: Site, clock: MovableClock, tmp_path: Path) -> None:
    many = [f"{HANNE.ssin},nurse,{10_000_000_000 + index},2020-01-01," for index in range(1200)]
    files = []
    for name, order in (("a.csv", many), ("b.csv", many[::-1]), ("c.csv", many)):
        path = tmp_path / name
        path.write_text("\n".join((HEADER, *order)) + "\n", encoding="utf-8")
        files.append(path)

    def take() -> FactImportReport:
        complete = len(files) % 2 == 0
        return FactImport(
            site.database, site.secrets, "qualities", files.pop(), clock.now, complete=complete
        ).run()

    assert at_once(take, threads=3) == [FactImportReport(1200, ())] * 3
    assert rows(site) == (1200, 0)


def test_an_import_is_on_record(site: Site, take: Take) -> None:
    take("qualities", NURSE, MIDWIFE)
    take("qualities", NURSE, complete=True)
    take("qualities", MIDWIFE, "bad")
    with reading(site.database) as connection:
        found = connection.execute(
            select(audit_events.c.details)
            .where(audit_events.c.event == "source.imported")
            .order_by(audit_events.c.id)
        ).scalars()
        assert [json.loads(details) for details in found] == [
            {"kind": "qualities", "facts": 2, "rejected": 0, "ended": 0},
            {"kind": "qualities", "facts": 1, "rejected": 0, "ended": 1},
            {"kind": "qualities", "facts": 1, "rejected": 1, "ended": 0},
        ]


# Whom it concerns is asked about anew


@pytest.fixture
def answered(site: Site, clock: MovableClock) -> Callable[[], dict[str, list[str]]]:
    """Hanne and Karim are known, and answers about them are fresh; then, by name, what is due."""
    with writing(site.database) as connection:
        people = {
            each.given_name: find_or_create_person(connection, site.secrets, each, clock.now).id
            for each in (HANNE, KARIM)
        }
        questions: tuple[QuestionName, ...] = ("qualities", "mandates")
        for person_id in people.values():
            for question in questions:
                note_answer(connection, person_id, question, site.settings, clock.now)
    clock.advance(seconds=10)

    def due() -> dict[str, list[str]]:
        with reading(site.database) as connection:
            return {
                name: [
                    question
                    for question, heard in find_source_answers(connection, person_id).items()
                    if heard.is_due(clock.now)
                ]
                for name, person_id in people.items()
            }

    assert due() == {"Hanne": [], "Karim": []}
    return due


def test_whom_a_file_tells_of_is_asked_about_anew_at_once(
    take: Take, answered: Callable[[], dict[str, list[str]]]
) -> None:
    take("qualities", NURSE)
    assert answered() == {"Hanne": ["qualities"], "Karim": []}
    take("organisations", HOSPITAL)
    take("mandates", f"m1,{KARIM.ssin},{MARIE},recipe,2020-01-01,,yes,yes", "bad", strict=True)
    assert answered() == {"Hanne": ["qualities"], "Karim": []}


def test_a_complete_file_concerns_everybody(
    take: Take, answered: Callable[[], dict[str, list[str]]]
) -> None:
    take("qualities", NURSE, complete=True)
    assert answered() == {"Hanne": ["qualities"], "Karim": ["qualities"]}


# The command


def test_the_command_tells_by_its_exit_code_whether_all_was_taken(
    site: Site, tmp_path: Path
) -> None:
    path = tmp_path / "qualities.csv"

    def run(*lines: str, options: tuple[str, ...] = ()) -> tuple[int, str]:
        path.write_text("\n".join((HEADER, *lines)) + "\n", encoding="utf-8")
        done = run_command(site.settings, "sources", "import", "qualities", str(path), *options)
        return done.returncode, done.stdout + done.stderr

    code, said = run(NURSE, MIDWIFE)
    assert (code, "Imported: 2." in said, "100%" in said) == (0, True, True)
    code, said = run("03410100129,nurse,10000000000,2020-01-01,", NURSE)
    assert code == 3
    assert "Line 2: ssin is not a valid national number (check_digits)." in said
    assert "Imported: 1." in said and "Rejected: 1." in said
    assert "0341" not in said
    code, said = run("bad", NURSE, options=("--strict",))
    assert (code, "Nothing was imported" in said) == (1, True)
    code, said = run(NURSE, options=("--complete",))
    assert (code, "Left out of the file, and ended: 1." in said) == (0, True)


def test_the_command_says_when_a_real_source_is_asked_instead(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "qualities.csv"
    path.write_text(f"{HEADER}\n{NURSE}\n", encoding="utf-8")
    configured = {
        "PROFESSIONS_URL": "https://professions.example",
        "SOURCES_TOKEN_URL": "https://professions.example/token",
        "SOURCES_CLIENT_ID": "cbe-0406798006",
        "SOURCES_KEY": str(path),
    }
    for name, value in configured.items():
        monkeypatch.setenv(f"{PREFIX}{name}", value)
    done = run_command(site.settings, "sources", "import", "qualities", str(path))
    assert done.returncode == 0
    assert "AUTHN_PROFESSIONS_URL is set" in done.stdout


# The page about them


@pytest.mark.one_engine
def test_every_column_is_in_the_documentation_as_it_is_in_code() -> None:
    page = DOCUMENT.read_text(encoding="utf-8")
    tables = {"people import": PEOPLE | OPTIONAL_COLUMNS}
    for kind, columns in COLUMNS.items():
        tables[f"sources import {kind}"] = {column.name: column.meaning for column in columns}
    for command, meanings in tables.items():
        section = page.split(f"### `authn {command}`\n")[1].split("\n#")[0]
        assert re.findall(r"^\| `(.+?)` \| (.+) \|$", section, re.MULTILINE) == [*meanings.items()]


def test_every_example_in_the_documentation_is_taken(site: Site, take_json: Take) -> None:
    page = DOCUMENT.read_text(encoding="utf-8")
    examples = re.findall(r"^\| ([a-z]+) \| `(\{.+\})` \|$", page, re.MULTILINE)
    assert {kind for kind, _ in examples} == COLUMNS.keys()
    for kind, example in examples:
        entry: dict[str, object] = {"fact": json.loads(example)}
        if kind != "organisations":
            entry["ssin"] = HANNE.ssin
        assert take_json(kind, [entry]) == FactImportReport(1, ())
    block = page.split("```json\n")[1].split("```")[0]
    assert take_json("qualities", json.loads(block)).facts == 1


def test_thousands_of_facts_take_seconds_and_show_their_progress(
    take: Take, tmp_path: Path
) -> None:
    seen: list[int] = []
    many = [f"{HANNE.ssin},nurse,{10_000_000_000 + index},2020-01-01," for index in range(5000)]
    began = time.process_time()
    assert take("qualities", *many, progress=seen.append).facts == 5000
    assert time.process_time() - began < 10
    assert seen == sorted(seen)
    assert len(seen) == 6
    assert seen[-1] == (tmp_path / "facts.csv").stat().st_size
