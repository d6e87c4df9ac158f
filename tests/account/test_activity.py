"""My activity: who signed in where, what was given to whom, and all of it as a file."""

import csv
import io
from datetime import timedelta
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from authn.account.activity_endpoints import COLUMNS
from authn.audit.catalogue import events_by_name
from authn.audit.events.applications import ConsentGiven, NationalNumberReleased, TokenExchanged
from authn.audit.events.devices import DeviceRenamed, DeviceSuspended, DeviceUnlinked
from authn.audit.events.event import Event
from authn.audit.events.people import SignedIn, SignInRefused
from authn.audit.log import record
from authn.audit.reading import RowPlace, list_recorded_events
from authn.db.transaction import reading, writing
from authn.devices.devices import rename_device
from authn.people.merge import merge_persons
from authn.people.persons import find_or_create_person
from authn.views import activity
from authn.views.activity_words import BY, KINDS, LINES, NOT_SHOWN
from authn.web.csv_lines import csv_cell
from authn.web.site import Site
from tests.citizen import HANNE, KARIM
from tests.conftest import MovableClock
from tests.occasion import job
from tests.oidc.relying_party import Holder, hold_device, register
from tests.oidc.test_cost import counted


@pytest.fixture
def holder(site: Site, client: TestClient) -> Holder:
    client.headers["Accept-Language"] = "en"
    return hold_device(site, client)


def happened(site: Site, *events: Event, reference: str = "ABCDEFGHJK") -> None:
    with writing(site.database) as connection:
        for event in events:
            record(connection, site.secrets, event, site.clock(), reference)


def page(client: TestClient, query: str = "") -> str:
    answer = client.get("/activity" + query)
    assert answer.status_code == 200, answer.text
    return answer.text


def file(client: TestClient) -> list[dict[str, str]]:
    """The lines of the file, by the names of the columns."""
    answer = client.get("/activity/all.csv")
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


@pytest.mark.one_engine
def test_every_event_is_in_words_or_is_named_with_the_reason_why_not() -> None:
    defined = set(events_by_name().values())
    assert LINES.keys() | NOT_SHOWN.keys() == defined
    assert not LINES.keys() & NOT_SHOWN.keys()
    for event, line in LINES.items():
        assert line.kind in KINDS
        for detail in (line.data, line.resource, line.why):
            assert not detail or detail in event.__dataclass_fields__, event


@pytest.mark.one_engine
def test_who_did_it_has_words_for_each_actor_but_the_holder() -> None:
    assert {"system", "door", "notice", "return", "desk"} <= BY.keys()


def test_whoever_is_not_signed_in_is_sent_to_sign_in(client: TestClient) -> None:
    for path in ("/activity", "/activity/all.csv"):
        answer = client.get(path)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/login?")


def test_what_happened_is_told_with_application_device_and_who_did_it(
    site: Site, client: TestClient, holder: Holder, clock: MovableClock
) -> None:
    register(site, client, client_id="hospital", client_name="Hospital <b>West</b>")
    person, device = holder.person.id, holder.held.device.id
    happened(
        site,
        SignedIn(person_id=person, device_id=device, level="device"),
        NationalNumberReleased(person_id=person, client_id="hospital"),
        ConsentGiven(person_id=person, client_id="hospital", scopes="openid profile"),
        DeviceSuspended(person_id=person, device_id=device, by="desk", reason="desk"),
        SignInRefused(person_id=person, device_id=device, reason="for operators alone"),
    )
    text = page(client)
    assert "Monday, 2 March 2026" in text
    for words in (
        "You signed in",
        "Your national number was given",
        "Hospital &lt;b&gt;West&lt;/b&gt;",
        "Your name, date of birth and language",
        "Device: Laptop",
        "By: The help desk",
        "10:30",  # in Belgium
    ):
        assert words in text, words
    assert "for operators alone" not in text


def test_one_kind_alone_is_shown(site: Site, client: TestClient, holder: Holder) -> None:
    person = holder.person.id
    happened(site, DeviceRenamed(person_id=person), SignedIn(person_id=person, level="device"))
    text = page(client, "?kind=devices")
    assert "A device got another name" in text
    assert "You signed in" not in text
    # What is no kind is all of them.
    assert "You signed in" in page(client, "?kind=%3Cscript%3E")


def test_the_page_goes_back_six_months_and_the_file_has_all(
    site: Site, client: TestClient, holder: Holder, clock: MovableClock
) -> None:
    happened(site, DeviceRenamed(person_id=holder.person.id))
    clock.advance(days=200)
    hold_device(site, client)
    assert "A device got another name" not in page(client)
    assert "A device got another name" in {line["What happened"] for line in file(client)}


def test_nothing_of_anybody_else_is_told(site: Site, client: TestClient, holder: Holder) -> None:
    with writing(site.database) as connection:
        other = find_or_create_person(connection, site.secrets, KARIM, site.clock())
    happened(site, DeviceUnlinked(person_id=other.id, by="holder"))
    assert "A device was removed" not in page(client)
    assert file(client) == []


def test_what_happened_to_somebody_who_was_merged_is_told_to_who_they_are_now(
    site: Site, client: TestClient, holder: Holder
) -> None:
    with writing(site.database) as connection:
        other = find_or_create_person(connection, site.secrets, KARIM, site.clock())
    happened(site, DeviceUnlinked(person_id=other.id, by="holder"))
    with writing(site.database) as connection:
        merge_persons(job(site, connection), other.id, holder.person.id, [])
    told = [line["What happened"] for line in file(client)]
    assert told == ["Your two accounts became one", "A device was removed"]


def test_the_same_many_times_in_a_row_is_told_once_with_how_often(
    site: Site, client: TestClient, holder: Holder, clock: MovableClock
) -> None:
    for _ in range(12):
        happened(site, NationalNumberReleased(person_id=holder.person.id, client_id="gone"))
        clock.advance(minutes=1)
    text = page(client)
    assert text.count("Your national number was given") == 1
    assert "12 times since 10:30" in text
    assert len(file(client)) == 12


def test_earlier_pages_leave_nothing_out_and_show_nothing_twice(
    site: Site,
    client: TestClient,
    holder: Holder,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Several rows of one moment lie on both sides of the end of a page."""
    monkeypatch.setattr(activity, "AT_ONCE", 4)
    for number in range(10):
        happened(
            site,
            TokenExchanged(
                person_id=holder.person.id,
                client_id=f"app{number}",
                subject_client_id="x",
                resource="https://api.example",
            ),
        )
        if number % 3 == 2:
            clock.advance(minutes=1)
    query, seen = "", []
    for _ in range(5):
        text = page(client, query)
        seen += [number for number in range(9, -1, -1) if f"<li>app{number} →" in text]
        found = text.partition('href="/activity?before=')[2].partition('"')[0]
        if not found:
            break
        query = f"?before={found}"
    assert seen == list(range(9, -1, -1))


@pytest.mark.parametrize(
    "before", ["x", "-1.0", "99999999999999999999.1", "1.99999", "9999999999999999.9999", "1.1\n"]
)
def test_a_place_that_nobody_wrote_is_the_latest_or_nothing(
    client: TestClient, holder: Holder, before: str
) -> None:
    assert client.get("/activity", params={"before": before}).status_code == 200


def test_the_file_is_a_download_that_nothing_keeps(client: TestClient, holder: Holder) -> None:
    answer = client.get("/activity/all.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert answer.headers["cache-control"] == "no-store"
    disposition = answer.headers["content-disposition"]
    assert disposition == 'attachment; filename="activity-2026-03-02.csv"'
    first = answer.content.decode("utf-8-sig").splitlines()[0]
    assert first == ",".join(f'"{column}"' for column in COLUMNS)


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t=", "\r=", " =", "＝", "－"])
def test_no_cell_is_computed_by_a_spreadsheet(
    site: Site, client: TestClient, holder: Holder, sign: str
) -> None:
    with writing(site.database) as connection:
        rename_device(connection, holder.held.device, f'{sign}HYPERLINK(1)\r\n"x"')
    happened(
        site,
        SignedIn(
            person_id=holder.person.id,
            device_id=holder.held.device.id,
            client_id=f"{sign}1+1",
            level="device",
        ),
    )
    for line in file(client):
        for cell in line.values():
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "＝", "－"))
            assert "\n" not in cell


@pytest.mark.one_engine
def test_a_cell_is_one_line_and_keeps_its_words() -> None:
    assert csv_cell("Laptop") == "Laptop"
    assert csv_cell("a\r\nb\tc") == "a b c"
    assert csv_cell("@x") == "'@x"
    assert csv_cell("") == ""


def test_the_file_is_read_some_rows_at_a_time_and_has_every_row_once(
    site: Site, client: TestClient, holder: Holder, clock: MovableClock
) -> None:
    for number in range(1201):
        if number % 400 == 0:
            clock.advance(minutes=1)
            hold_device(site, client)
        happened(site, SignedIn(person_id=holder.person.id, level="device"), reference=str(number))
    references = [line["Reference"] for line in file(client)]
    assert references == [str(number) for number in range(1200, -1, -1)]


def test_no_national_number_is_on_the_page_or_in_the_file(
    site: Site, client: TestClient, holder: Holder
) -> None:
    happened(site, NationalNumberReleased(person_id=holder.person.id, client_id="hospital"))
    content = page(client) + client.get("/activity/all.csv").text
    for number in (HANNE.ssin, "03.41.01-001.28", HANNE.ssin[:6]):
        assert number not in content


def test_what_the_page_costs_does_not_grow_with_what_happened(
    site: Site, client: TestClient, holder: Holder, clock: MovableClock
) -> None:
    register(site, client, client_id="hospital")
    for _ in range(60):
        clock.advance(seconds=1)
        happened(
            site,
            SignedIn(person_id=holder.person.id, device_id=holder.held.device.id, level="device"),
            NationalNumberReleased(person_id=holder.person.id, client_id="hospital"),
        )
    with counted(site) as seen:
        page(client)
    # Session; who was merged into them; the rows; devices; applications.
    assert len(seen) == 5, seen


def test_the_place_goes_on_inside_a_moment(site: Site, holder: Holder) -> None:
    happened(site, *(SignedIn(person_id=holder.person.id, level="device") for _ in range(7)))
    place, found, ids = RowPlace(site.clock()), 0, [holder.person.id]
    with reading(site.database) as connection:
        since = site.clock() - timedelta(days=1)
        while rows := list_recorded_events(connection, ids, ["session.signed-in"], since, place, 3):
            found += len(rows)
            place = place.after(rows)
        assert (
            list_recorded_events(connection, [UUID(int=0)], ["session.signed-in"], since, place, 3)
            == []
        )
    assert (found, place.skip) == (7, 7)
