"""The national register's CSV file: strict, all or nothing, silent about the numbers in it."""

import io
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from authn.audit.log import audit_events
from authn.db.transaction import reading, writing
from authn.enrolment.activation.lifecycle import issue_activation_code
from authn.errors import Forbidden
from authn.people.persons import Citizen, find_or_create_person, find_person_by_ssin, name_key
from authn.people.ssin import today_in_brussels
from authn.sources.embedded.register import EmbeddedRegister, is_empty
from authn.sources.embedded.register_csv import (
    COLUMNS,
    LONGEST_LINE,
    InvalidRegisterRow,
    RegisterLines,
    read_rows,
)
from authn.sources.embedded.register_import import BATCH, RegisterImportReport, import_register_file
from authn.sources.tables import register_citizens, register_replacements, register_staged_rows
from authn.web.site import Site
from tests.conftest import MovableClock
from tests.together import at_once

pytestmark = pytest.mark.thorough

PEOPLE = Path(__file__).parents[2] / "authn" / "demo" / "people.csv"
HEADER = ",".join(COLUMNS)
HANNE = "03410100128,Hanne,Van der Meulen,1903-01-01,nl,no,"
ELODIE = "03410100227,Élodie,Dubrulle,1903,fr,,"
JURGEN = "05520900401,Jürgen,Kettenis,1905-12,de,no,"

Import = Callable[..., RegisterImportReport]


@pytest.fixture
def take(site: Site, clock: MovableClock, tmp_path: Path) -> Import:
    """Imports the rows given, under the usual header."""

    def take(*rows: str, header: str = HEADER) -> RegisterImportReport:
        path = tmp_path / "people.csv"
        path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
        return import_register_file(site.database, site.secrets, path, clock.now)

    return take


def citizen(site: Site, ssin: str) -> Citizen | None:
    with reading(site.database) as connection:
        return EmbeddedRegister(connection, site.secrets).citizen(ssin)


def rows_in(site: Site, *tables: str) -> list[int]:
    known = {
        table.name: table
        for table in (register_citizens, register_replacements, register_staged_rows)
    }
    with reading(site.database) as connection:
        return [
            connection.execute(select(func.count()).select_from(known[name])).scalar_one()
            for name in tables
        ]


def test_what_the_file_says_is_what_the_register_says(site: Site, take: Import) -> None:
    assert take(HANNE, ELODIE, JURGEN) == RegisterImportReport(rows=3, refreshed=0)
    assert citizen(site, "03410100128") == Citizen(
        "03410100128", "Hanne", "Van der Meulen", "1903-01-01", "nl"
    )
    elodie = citizen(site, "03410100227")
    assert elodie is not None
    assert (elodie.given_name, elodie.birthdate, elodie.deceased) == ("Élodie", "1903", False)
    assert citizen(site, "00410100162") is None
    assert rows_in(site, "register_staged_rows") == [0]


def test_the_demos_people_are_fictitious(site: Site, clock: MovableClock) -> None:
    rows = PEOPLE.read_text(encoding="utf-8").splitlines()[1:]
    assert all(int(row[3:5]) > 12 for row in rows)  # BIS numbers (decisions 9.6)
    with reading(site.database) as connection:
        assert is_empty(connection)
    assert import_register_file(site.database, site.secrets, PEOPLE, clock.now).rows == len(rows)
    heroine = citizen(site, "03410100128")
    assert heroine is not None
    assert not heroine.deceased
    with reading(site.database) as connection:
        assert not is_empty(connection)


def test_numbers_with_separators_columns_in_any_order_quotes_and_a_bom_are_read(
    site: Site, take: Import
) -> None:
    take(
        '"Dupont, ""dit"" Lenoir",03.41.01-001.28,,yes,FR ,,Zoë ',
        header="\ufefffamily_name,ssin,birthdate,deceased,language,replaces,given_name",
    )
    assert citizen(site, "03410100128") == Citizen(
        "03410100128", "Zoë", 'Dupont, "dit" Lenoir', None, "fr", deceased=True
    )


def test_a_person_without_given_name_exists(site: Site, take: Import) -> None:
    take("03410100128,,Amina,,nl,no,")
    found = citizen(site, "03410100128")
    assert found is not None
    assert found.given_name == ""


def test_names_are_kept_in_one_normal_form(site: Site, take: Import) -> None:
    take("03410100128,Zoe\u0308,Janssens,,nl,no,")
    found = citizen(site, "03410100128")
    assert found is not None
    assert found.given_name == "Zo\u00eb"


BAD_ROWS = [
    ("03410100129,Hanne,Maes,,nl,no,", "ssin is not a valid national number (check_digits)"),
    (",Hanne,Maes,,nl,no,", "ssin is not a valid national number (structure)"),
    ("03410100128,Hanne,,,nl,no,", "family_name is empty"),
    ("03410100128,Hanne,Maes,1903-02-30,nl,no,", "birthdate is not a date"),
    ("03410100128,Hanne,Maes,1903-00,nl,no,", "birthdate is not a date"),
    ("03410100128,Hanne,Maes,01/02/1903,nl,no,", "birthdate is not a date"),
    ("03410100128,Hanne,Maes,1903-W01-1,nl,no,", "birthdate is not a date"),
    ("03410100128,Hanne,Maes,2026-03-03,nl,no,", "in the future"),
    ("03410100128,Hanne,Maes,1203,nl,no,", "before 1850"),
    ("03410100128,Hanne,Maes,,es,no,", "language is not"),
    ("03410100128,Hanne,Maes,,nl,perhaps,", "deceased is not yes or no"),
    ("03410100128,Hanne,Maes,,nl,no,123", "replaces is not a valid national number"),
    ("03410100128,Hanne,Maes,,nl,no,03.41.01-001.28", "the number replaces itself"),
    ("03410100128,Hanne,Maes,,nl,no", "it has 6 values instead of 7"),
    ("03410100128,Hanne,Maes,,nl,no,,", "it has 8 values instead of 7"),
    ("03410100128,Han\u202ene,Maes,,nl,no,", "given_name has a character that cannot be shown"),
    ("03410100128,Han\x00ne,Maes,,nl,no,", "given_name has a character that cannot be shown"),
    (f"03410100128,{'x' * 201},Maes,,nl,no,", "given_name is longer than 200 characters"),
    (f"03410100128,{'x' * LONGEST_LINE},Maes,,nl,no,", "it is longer than"),
    ('03410100128,"Hanne,Maes,,nl,no,', "it is not valid CSV"),
    ('03410100128,"Hanne"x,Maes,,nl,no,', "it is not valid CSV"),
]


@pytest.mark.parametrize(("row", "reason"), BAD_ROWS)
def test_a_bad_row_is_named_by_line_and_reason_and_nothing_is_imported(
    site: Site, take: Import, row: str, reason: str
) -> None:
    with pytest.raises(InvalidRegisterRow) as refusal:
        take(ELODIE, row)
    message = str(refusal.value)
    assert message.startswith("Line 3: ")
    assert reason in message
    assert "0341" not in message
    assert "03410100" not in repr(refusal.value.__context__)
    tables = ("register_citizens", "register_replacements", "register_staged_rows")
    assert rows_in(site, *tables) == [0, 0, 0]


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        ("ssin,given_name,family_name", []),
        (HEADER.replace(",", ";"), []),
        (HEADER + ",address", []),
        (HEADER + ",cancelled,cancelled", []),
        (HEADER.replace("given_name", "ssin"), []),
        ("", []),
        (HEADER, []),
    ],
)
def test_a_wrong_header_or_no_row_is_refused(take: Import, header: str, rows: list[str]) -> None:
    with pytest.raises(InvalidRegisterRow, match=r"^Line 1: "):
        take(*rows, header=header)


def test_a_file_that_is_not_utf8_is_refused_by_line(
    site: Site, clock: MovableClock, tmp_path: Path
) -> None:
    path = tmp_path / "latin1.csv"
    path.write_bytes(f"{HEADER}\n{HANNE}\n{ELODIE}\n".encode("latin-1"))
    with pytest.raises(InvalidRegisterRow, match=r"^Line 3: it is not UTF-8"):
        import_register_file(site.database, site.secrets, path, clock.now)
    assert rows_in(site, "register_citizens", "register_staged_rows") == [0, 0]


def test_a_number_twice_is_refused_with_both_lines(take: Import) -> None:
    with pytest.raises(InvalidRegisterRow, match=r"^Line 4: its number is on line 2 already"):
        take(HANNE, ELODIE, "03.41.01-001.28,Another,One,,nl,no,")


def test_a_number_replaced_twice_is_refused_with_both_lines(take: Import) -> None:
    with pytest.raises(
        InvalidRegisterRow, match=r"^Line 3: what it replaces is replaced on line 2 already"
    ):
        take(ELODIE + "03410100128", JURGEN + "03410100128")


def test_a_replaced_number_leads_to_the_citizen_who_has_the_new_one(
    site: Site, take: Import
) -> None:
    take(HANNE, "05520900401,Hanne,Van der Meulen,1903-01-01,nl,no,03410100128")
    expected = Citizen(
        "05520900401",
        "Hanne",
        "Van der Meulen",
        "1903-01-01",
        "nl",
        previous_ssins=("03410100128",),
    )
    assert citizen(site, "03410100128") == expected
    assert citizen(site, "05520900401") == expected


def test_a_number_replaced_again_later_leads_there_too(site: Site, take: Import) -> None:
    take(HANNE, ELODIE + "03410100128")
    take(JURGEN + "03410100227")
    for ssin in ("03410100128", "03410100227", "05520900401"):
        found = citizen(site, ssin)
        assert found is not None
        assert found.ssin == "05520900401"
        assert found.previous_ssins == ("03410100227", "03410100128")


WITH_CANCELLED = f"{HEADER},cancelled"


def test_a_cancelled_number_leads_to_nobody(site: Site, take: Import) -> None:  # decisions 9.5
    take(f"{HANNE},yes", f"{ELODIE},", f"{JURGEN},no", header=WITH_CANCELLED)
    assert citizen(site, "03410100128") is None
    for ssin in ("03410100227", "05520900401"):
        found = citizen(site, ssin)
        assert found is not None
        assert not found.cancelled
    with reading(site.database) as connection:
        entry = EmbeddedRegister(connection, site.secrets).entry("03410100128")
    assert entry is not None
    assert entry.cancelled
    take(HANNE)
    assert citizen(site, "03410100128")


def test_a_cancelled_number_that_was_replaced_leads_to_who_has_the_new_one(
    site: Site, take: Import
) -> None:
    take(f"{HANNE},yes", f"{JURGEN}03410100128,", header=WITH_CANCELLED)
    found = citizen(site, "03410100128")
    assert found is not None
    assert found.given_name == "Jürgen"


def test_who_enrolled_with_a_number_that_is_cancelled_since_can_do_nothing_more(
    site: Site, clock: MovableClock, take: Import
) -> None:
    take(HANNE)
    hanne = citizen(site, "03410100128")
    assert hanne is not None
    with writing(site.database) as connection:
        person = find_or_create_person(connection, site.secrets, hanne, clock.now)
    assert take(f"{HANNE},yes", header=WITH_CANCELLED).refreshed == 1
    with writing(site.database) as connection:
        found = find_person_by_ssin(connection, site.secrets, "03410100128")
        assert found == replace(person, deceased=True)  # as after a death
        with pytest.raises(Forbidden):
            issue_activation_code(connection, site.secrets, site.settings, found, clock.now)
    take(HANNE)
    with reading(site.database) as connection:
        assert find_person_by_ssin(connection, site.secrets, "03410100128") == person


def test_numbers_that_replace_one_another_in_a_circle_are_refused(site: Site, take: Import) -> None:
    take(HANNE, ELODIE + "03410100128")
    with pytest.raises(
        InvalidRegisterRow, match=r"^Line 2: the numbers replace one another in a circle"
    ):
        take(HANNE + "03410100227")
    found = citizen(site, "03410100128")
    assert found is not None
    assert found.ssin == "03410100227"
    assert rows_in(site, "register_staged_rows") == [0]


def test_a_second_file_adds_and_replaces_and_removes_nobody(site: Site, take: Import) -> None:
    take(HANNE, ELODIE)
    take(HANNE.replace("Hanne", "Anna"), JURGEN)
    take(HANNE.replace("Hanne", "Anna"), JURGEN)
    names = []
    for ssin in ("03410100128", "03410100227", "05520900401"):
        found = citizen(site, ssin)
        assert found is not None
        names.append(found.given_name)
    assert names == ["Anna", "Élodie", "Jürgen"]


def test_persons_enrolled_before_are_refreshed(
    site: Site, clock: MovableClock, take: Import
) -> None:
    take(HANNE, ELODIE)
    hanne = citizen(site, "03410100128")
    assert hanne is not None
    with writing(site.database) as connection:
        person = find_or_create_person(connection, site.secrets, hanne, clock.now)
    clock.advance(days=1)
    new = "05520900401,Hanne,Peeters,1903-01-01,fr,yes,03410100128"
    assert take(ELODIE, new) == RegisterImportReport(rows=2, refreshed=1)
    refreshed = replace(
        person,
        family_name="Peeters",
        language="fr",
        deceased=True,
        checked_at=clock.now,
        name_key=name_key("Hanne", "Peeters"),
    )
    with reading(site.database) as connection:
        for ssin in ("03410100128", "05520900401"):
            assert find_person_by_ssin(connection, site.secrets, ssin) == refreshed


def test_an_import_is_on_record(site: Site, take: Import) -> None:
    take(HANNE)
    with reading(site.database) as connection:
        rows = connection.execute(select(audit_events.c.event, audit_events.c.details)).all()
    assert [tuple(row) for row in rows] == [("register.imported", '{"rows":1}')]


def test_no_number_is_in_the_register_in_the_clear(site: Site, take: Import) -> None:
    take(HANNE, JURGEN + "03410100227")
    with reading(site.database) as connection:
        dump = repr(connection.execute(select(register_citizens)).all())
        dump += repr(connection.execute(select(register_replacements)).all())
    assert not any(ssin in dump for ssin in ("03410100128", "05520900401", "03410100227"))


def test_a_file_that_is_missing_is_an_operating_system_error(
    site: Site, clock: MovableClock, tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError):
        import_register_file(site.database, site.secrets, tmp_path / "none.csv", clock.now)


def many_people(count: int) -> list[str]:
    """BIS-shaped numbers of 1903 and after, with right check digits."""
    rows = []
    for index in range(count):
        year, rest = divmod(index, 27_000)
        day, order = divmod(rest, 998)
        nine = f"{year + 3:02}41{day + 1:02}{order + 1:03}"
        rows.append(f"{nine}{97 - int(nine) % 97:02},Given,Family {index},,nl,no,")
    return rows


def test_thousands_of_rows_take_seconds_and_show_their_progress(
    site: Site, clock: MovableClock, tmp_path: Path
) -> None:
    path = tmp_path / "many.csv"
    path.write_text("\n".join((HEADER, *many_people(5000))) + "\n", encoding="utf-8")
    seen: list[int] = []
    started = time.process_time()
    report = import_register_file(site.database, site.secrets, path, clock.now, seen.append)
    assert report.rows == 5000
    assert time.process_time() - started < 10
    assert seen == sorted(seen)
    assert len(seen) == 5000 // BATCH
    assert seen[-1] == path.stat().st_size


def test_two_imports_at_once_both_succeed(site: Site, clock: MovableClock, tmp_path: Path) -> None:
    rows = many_people(1500)
    files = []
    for name, order in (("a.csv", rows), ("b.csv", rows[::-1])):
        path = tmp_path / name
        path.write_text("\n".join((HEADER, *order)) + "\n", encoding="utf-8")
        files.append(path)
    reports = at_once(
        lambda: import_register_file(site.database, site.secrets, files.pop(), clock.now), threads=2
    )
    assert reports == [RegisterImportReport(1500, 0)] * 2
    assert rows_in(site, "register_citizens", "register_staged_rows") == [1500, 0]


@given(st.binary(max_size=200))
def test_any_bytes_are_rows_or_one_sentence(content: bytes) -> None:
    today = today_in_brussels(MovableClock().now)
    for start in (b"", HEADER.encode() + b"\n"):
        with suppress(InvalidRegisterRow):
            list(read_rows(RegisterLines(io.BytesIO(start + content)), today))
