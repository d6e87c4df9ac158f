"""The audit log as an auditor searches it: filters, pages, one row, a file, the chain."""

import csv
import io
import re
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, text

from authn.audit import searching
from authn.audit.events.applications import ApplicationAuthorised
from authn.audit.events.audit_log import AuditRowSeen, AuditSearched, AuditVerified
from authn.audit.events.people import ActivationRefused, SignedIn
from authn.audit.events.service import RegisterImported
from authn.audit.log import audit_events, record
from authn.audit.searching import AuditFilters, search_rows
from authn.console import audit_csv, audit_endpoints
from authn.console.audit_filters import FIELDS
from authn.db.transaction import reading, writing
from authn.keys.audit_days import chain_all, sign_days
from authn.keys.signing_keys import ensure_signing_keys
from authn.web.site import Site
from tests.citizen import SSIN
from tests.conftest import MovableClock
from tests.console.desk import CitizenAtHome, DeskScreen


@pytest.fixture
def auditor(auditor: DeskScreen, citizen: CitizenAtHome) -> DeskScreen:
    """An auditor, and a citizen, who read English."""
    for screen in (auditor.screen, citizen.screen):
        screen.client.headers["Accept-Language"] = "en"
    return auditor


def happened(site: Site, how_many: int, **said: object) -> None:
    """So many sign-ins, a second apart, the last of them now."""
    with writing(site.database) as connection:
        for index in range(how_many):
            at = site.clock() - timedelta(seconds=how_many - 1 - index)
            event = SignedIn(level="device", **said)  # type: ignore[arg-type]
            record(connection, site.secrets, event, at, "REFERENCE2")


def numbers(page: str) -> list[int]:
    return [int(each) for each in re.findall(r'href="/desk/audit/(\d+)"', page)]


def on_record(site: Site, name: str) -> list[str]:
    columns = select(audit_events.c.details).where(audit_events.c.event == name)
    with reading(site.database) as connection:
        return list(connection.execute(columns.order_by(audit_events.c.id)).scalars())


def test_the_newest_come_first_and_pages_go_back_without_a_gap(
    auditor: DeskScreen, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_endpoints, "ROWS_ON_PAGE", 4)
    person_id = uuid4()
    happened(site, 10, person_id=person_id)
    page = auditor.get(f"/desk/audit?person={person_id}").text
    seen = numbers(page)
    while further := re.search(r'href="(/desk/audit\?[^"]*before=[^"]*)"', page):
        page = auditor.get(further[1].replace("&amp;", "&")).text
        seen += numbers(page)
    # And the looks of the auditor themselves, of which each page but the first finds none.
    assert seen == sorted(set(seen), reverse=True)
    assert len(seen) == 10


def test_rows_of_one_moment_are_each_shown_once(
    auditor: DeskScreen, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_endpoints, "ROWS_ON_PAGE", 3)
    person_id = uuid4()
    with writing(site.database) as connection:
        for _ in range(8):
            event = SignedIn(level="device", person_id=person_id)
            record(connection, site.secrets, event, site.clock() - timedelta(hours=1), "-")
    page = auditor.get(f"/desk/audit?person={person_id}").text
    seen = numbers(page)
    while further := re.search(r'href="(/desk/audit\?[^"]*before=[^"]*)"', page):
        page = auditor.get(further[1].replace("&amp;", "&")).text
        seen += numbers(page)
    assert len(set(seen)) == len(seen)
    assert len(seen) >= 8


@pytest.mark.parametrize(
    "name", ["since", "until", "event", "person", "actor", "application", "reference"]
)
def test_each_filter_finds_its_rows_and_no_other(
    auditor: DeskScreen, site: Site, clock: MovableClock, name: str
) -> None:
    person_id, actor_id = uuid4(), uuid4()
    now = site.clock()
    one = ApplicationAuthorised(
        person_id=person_id, actor_id=actor_id, client_id="hospital", scopes="openid"
    )
    other = RegisterImported(rows=1)
    with writing(site.database) as connection:
        record(connection, site.secrets, other, now - timedelta(days=9), "FAR2FAR2FA")
        record(connection, site.secrets, one, now - timedelta(days=5), "HERE2HERE2")
        record(connection, site.secrets, other, now - timedelta(days=1), "NEAR2NEAR2")
    day = (now - timedelta(days=5)).date().isoformat()
    values = {
        "since": day,
        "until": day,
        "event": one.name,
        "person": str(person_id),
        "actor": str(actor_id),
        "application": "hospital",
        "reference": "here2here2",
    }
    page = auditor.get(f"/desk/audit?{name}={values[name]}").text
    assert "HERE2HERE2" in page
    assert ("FAR2FAR2FA" in page) == (name == "until")
    assert ("NEAR2NEAR2" in page) == (name == "since")


def test_filters_go_together(auditor: DeskScreen, site: Site) -> None:
    person_id = uuid4()
    happened(site, 2, person_id=person_id, client_id="hospital")
    happened(site, 3, person_id=person_id, client_id="bank")
    happened(site, 4, client_id="bank")
    asked = f"person={person_id}&application=bank&event=session.signed-in"
    assert len(numbers(auditor.get(f"/desk/audit?{asked}").text)) == 3


def test_a_question_that_finds_little_looks_through_a_bounded_number_and_says_where(
    auditor: DeskScreen, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "LOOKED_THROUGH", 5)
    searching._statement.cache_clear()
    searching._last_looked_at.cache_clear()
    happened(site, 1, client_id="hospital")
    happened(site, 9)
    with writing(site.database) as connection:
        for _ in range(9):
            event = ActivationRefused(client_id="hospital", reason="x")
            record(connection, site.secrets, event, site.clock(), "-")
    filters = AuditFilters(event="session.signed-in", client_id="hospital")
    found, looks, mark = [], 0, None
    while True:
        with reading(site.database) as connection:
            part = search_rows(connection, filters, mark, 50)
        found += part.rows
        looks += 1
        if part.further is None:
            break
        assert part.given_up
        mark = part.further
    searching._statement.cache_clear()
    searching._last_looked_at.cache_clear()
    assert len(found) == 1
    assert 1 < looks < 6


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("since", "yesterday"),
        ("until", "0001-01-01"),
        ("event", "no.such-event"),
        ("person", "x"),
        ("actor", "x" * 200),
        ("application", "a b"),
        ("reference", "<script>"),
        *((name, SSIN) for name in FIELDS),
    ],
)
@pytest.mark.one_engine
def test_what_is_no_filter_is_asked_again_and_comes_into_no_address(
    auditor: DeskScreen, site: Site, name: str, value: str
) -> None:
    answer = auditor.post_form("/desk/audit", **{name: value})
    assert answer.status_code == 422
    assert f'id="{name}-error"' in answer.text
    assert f"?{name}=" not in answer.text
    assert on_record(site, AuditSearched.name) == []
    assert auditor.get("/desk/audit").status_code == 200


def test_the_last_day_is_not_before_the_first(auditor: DeskScreen) -> None:
    answer = auditor.post_form("/desk/audit", since="2026-03-02", until="2026-03-01")
    assert answer.status_code == 422
    assert 'id="until-error"' in answer.text


@pytest.mark.parametrize("before", ["x", "1", "9" * 18 + ".1", "1.1.1"])
def test_a_mark_that_is_none_is_not_there(auditor: DeskScreen, before: str) -> None:
    assert auditor.get(f"/desk/audit?before={before}").status_code == 404


def test_a_search_leads_to_an_address_that_can_be_kept(auditor: DeskScreen) -> None:
    answer = auditor.post_form("/desk/audit", event="desk.opened", since="2026-03-02")
    assert answer.headers["location"] == "/desk/audit?since=2026-03-02&event=desk.opened"
    page = auditor.get(answer.headers["location"]).text
    assert "A member of staff opened the support desk with their device." in page


def test_looking_is_on_record_and_the_person_reads_it(
    auditor: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    auditor.get(f"/desk/audit?person={citizen.person.id}&event=session.signed-in")
    number = numbers(auditor.get("/desk/audit?event=desk.opened").text)[0]
    auditor.get(f"/desk/audit/{number}")
    auditor.get("/desk/audit/found.csv?event=desk.opened")
    searched = on_record(site, AuditSearched.name)
    assert searched == [
        '{"role":"auditor","desk":"Brussels","filters":"event=session.signed-in","into":"page"}',
        '{"role":"auditor","desk":"Brussels","filters":"event=desk.opened","into":"page"}',
        '{"role":"auditor","desk":"Brussels","filters":"event=desk.opened","into":"file"}',
    ]
    assert len(on_record(site, AuditRowSeen.name)) == 1
    own = citizen.screen.client.get("/activity?kind=staff").text
    assert "An auditor searched what is on record about you" in own
    assert auditor.person.family_name not in own


def test_persons_appear_by_internal_id_alone(auditor: DeskScreen, citizen: CitizenAtHome) -> None:
    pages = [
        auditor.get("/desk/audit").text,
        auditor.get(f"/desk/audit?person={citizen.person.id}").text,
        auditor.get("/desk/audit/found.csv").text,
    ]
    pages += [auditor.get(f"/desk/audit/{number}").text for number in numbers(pages[0])[:5]]
    assert str(citizen.person.id) in pages[1]
    for page in pages:
        assert citizen.person.family_name not in page
        assert SSIN not in page


def test_a_row_shows_all_of_it_and_its_place(
    auditor: DeskScreen, site: Site, clock: MovableClock
) -> None:
    ensure_signing_keys(site.database, site.secrets, clock())
    happened(site, 1, person_id=uuid4(), device_id=uuid4(), client_id="hospital")
    page = auditor.get("/desk/audit?event=session.signed-in").text
    number = numbers(page)[0]
    before = auditor.get(f"/desk/audit/{number}").text
    assert "none yet: it waits to be chained" in before
    chain_all(site.database, site.secrets, clock())
    clock.advance(days=1)
    sign_days(site.database, site.settings, site.secrets, clock())
    auditor.screen.sign_in()
    auditor.open()
    after = auditor.get(f"/desk/audit/{number}").text
    assert "This row is as it was written" in after
    assert "follows from the row before" in after
    assert "2026-03-02" in after
    assert "A person signed in with a device" in after


def test_a_row_that_was_altered_is_told(auditor: DeskScreen, site: Site) -> None:
    happened(site, 1, person_id=uuid4())
    number = numbers(auditor.get("/desk/audit?event=session.signed-in").text)[0]
    with writing(site.database) as connection:
        if connection.dialect.name == "sqlite":
            for name in connection.execute(
                text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            ).scalars():
                connection.execute(text(f"DROP TRIGGER {name}"))
        else:
            connection.execute(text("ALTER TABLE audit_events DISABLE TRIGGER USER"))
        connection.execute(
            audit_events.update().where(audit_events.c.id == number).values(client_id="other")
        )
        if connection.dialect.name != "sqlite":
            connection.execute(text("ALTER TABLE audit_events ENABLE TRIGGER USER"))
    page = auditor.get(f"/desk/audit/{number}").text
    assert "This row is not as it was written" in page
    assert "wrong: the row was altered" in page


@pytest.mark.parametrize("number", ["0", "999999", "9" * 30])
def test_a_row_that_is_none_is_not_there(auditor: DeskScreen, number: str) -> None:
    assert auditor.get(f"/desk/audit/{number}").status_code == 404


def test_the_file_has_what_was_found_and_nothing_that_a_spreadsheet_computes(
    auditor: DeskScreen, site: Site
) -> None:
    with writing(site.database) as connection:
        event = ActivationRefused(client_id="-1+1", reason="=HYPERLINK(1)")
        record(connection, site.secrets, event, site.clock(), "=REFERENCE")
    answer = auditor.get("/desk/audit/found.csv?event=activation.refused")
    assert answer.headers["content-type"].startswith("text/csv")
    (line,) = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert not [cell for cell in line.values() if cell.startswith(("=", "+", "-", "@"))]
    assert line.keys() >= {"Number", "Event"}


def test_the_file_is_bounded_and_says_so(
    auditor: DeskScreen, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_csv, "MOST_IN_FILE", 4)
    monkeypatch.setattr(audit_csv, "ROWS_AT_ONCE", 2)
    happened(site, 9, person_id=uuid4())
    answer = auditor.get("/desk/audit/found.csv?event=session.signed-in")
    lines = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(lines) == 1 + 4 + 1
    assert lines[-1][0] == ""
    assert auditor.get("/desk/audit/found.csv?person=x").status_code == 404


def test_the_last_day_is_checked_at_the_push_of_a_button(
    auditor: DeskScreen, site: Site, clock: MovableClock
) -> None:
    ensure_signing_keys(site.database, site.secrets, clock())
    assert "/desk/audit/chain/verify" not in auditor.get("/desk/audit/chain").text
    assert auditor.post_form("/desk/audit/chain/verify").status_code == 404
    chain_all(site.database, site.secrets, clock())
    clock.advance(days=1)
    sign_days(site.database, site.settings, site.secrets, clock())
    auditor.screen.sign_in()
    auditor.open()
    assert auditor.post_form("/desk/audit/chain/verify").status_code == 303
    (found,) = on_record(site, AuditVerified.name)
    assert '"day":"2026-03-02"' in found
    assert '"findings":0' in found
    page = auditor.get("/desk/audit/chain").text
    assert "All is as it was written" in page
    assert "2026-03-02" in page
    next(site.settings.audit_heads.iterdir()).write_text("another")
    auditor.post_form("/desk/audit/chain/verify")
    assert "is not the one that was exported" in auditor.get("/desk/audit/chain").text


def test_whoever_may_not_gets_nothing(agent: DeskScreen) -> None:
    assert agent.get("/desk/audit").status_code == 404
