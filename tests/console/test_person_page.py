"""The page of a person at the desk: what a caller would describe, what is wrong, what may be done;
nothing that opens anything, and each look on record."""

import base64
import re
from html import unescape
from typing import Any
from uuid import UUID

import orjson
import pytest
from sqlalchemy import LargeBinary, String, select, update

from authn.audit.events.devices import DeviceRenamed
from authn.audit.events.people import SignedIn
from authn.audit.events.staff import DeskLookedAt, DeskNumberShown
from authn.audit.log import audit_events, record
from authn.db.metadata import metadata
from authn.db.transaction import reading, writing
from authn.devices.devices import find_device
from authn.devices.life import suspend, suspend_all, unlink
from authn.devices.tables import SuspendedWhy, devices
from authn.enrolment.activation.lifecycle import issue_activation_code
from authn.enrolment.returning import begin_account_recovery
from authn.notices.contact_addresses import add_address
from authn.people.merge import merge_persons
from authn.people.persons import find_or_create_person
from authn.people.tables import persons
from authn.policies import COMPROMISED, Policy
from authn.web.site import Site
from authn.webauthn.metadata.current import current_metadata
from tests.capacities import knows, many_mandates, physician
from tests.citizen import KARIM, SSIN
from tests.console.conftest import MakeStaff
from tests.console.desk import CitizenAtHome, DeskScreen, asked_for_reason
from tests.loss import door
from tests.mailbox import confirm_for
from tests.occasion import job
from tests.oidc.test_cost import counted
from tests.policies import MODEL

ADDRESS = "hanne@example.be"


@pytest.fixture(autouse=True)
def _english(agent: DeskScreen) -> None:
    agent.screen.client.headers["Accept-Language"] = "en"


def path(citizen: CitizenAtHome) -> str:
    return f"/desk/people/{citizen.person.id}"


def page(made: DeskScreen, citizen: CitizenAtHome) -> str:
    """The page of the person, for a reason."""
    made.screen.client.headers["Accept-Language"] = "en"
    made.give_reason(citizen.person.id)
    answer = made.get(path(citizen))
    assert answer.status_code == 200, answer.text
    return answer.text


def links(html: str) -> list[str]:
    """The acts that are offered, as their paths end."""
    return [
        found.partition("/people/")[2][37:] or found.rpartition("/")[0]
        for found in re.findall(r'class="act"[^>]* href="([^"]+)"', html)
    ]


def card(html: str, name: str) -> str:
    """The card of the device of this name."""
    cards = html.split("data-device>")[1:]
    return next(each.partition("</li>\n")[0] for each in cards if f">{name}" in each)


def looks(site: Site, name: str) -> list[dict[str, Any]]:
    """What is on record of each event of this name."""
    statement = select(audit_events).where(audit_events.c.event == name).order_by(audit_events.c.id)
    with reading(site.database) as connection:
        rows = connection.execute(statement).all()
    return [
        {**orjson.loads(row.details), "actor": row.actor_id, "person": row.person_id}
        for row in rows
    ]


def change(site: Site, device_id: UUID, **values: Any) -> None:
    with writing(site.database) as connection:
        connection.execute(update(devices).where(devices.c.id == device_id).values(**values))


# Who is shown, and why


def test_nobody_is_shown_without_a_reason(agent: DeskScreen, citizen: CitizenAtHome) -> None:
    answer = agent.get(path(citizen))
    assert asked_for_reason(answer) == str(citizen.person.id)
    assert asked_for_reason(agent.post_form(f"{path(citizen)}/number")) == str(citizen.person.id)


def test_every_look_is_on_record_with_its_reason(
    agent: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    agent.give_reason(citizen.person.id, "lost-device", "by phone", "T-3")
    for _ in range(2):
        agent.get(path(citizen))
    look = {
        "role": "agent",
        "desk": "Ghent",
        "reason": "lost-device",
        "explanation": "by phone",
        "ticket": "T-3",
        "actor": agent.person.id,
        "person": citizen.person.id,
    }
    assert looks(site, DeskLookedAt.name) == [look, look]


def test_name_language_and_masked_number_are_shown(
    agent: DeskScreen, citizen: CitizenAtHome
) -> None:
    html = page(agent, citizen)
    assert "Hanne Van der Meulen" in html
    assert "Dutch" in html
    assert "**.**.**-***.28" in html
    assert SSIN not in re.sub(r"[.-]", "", html)


def test_the_number_is_shown_on_demand_and_that_is_on_record(
    agent: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    page(agent, citizen)
    answer = agent.post_form(f"{path(citizen)}/number")
    assert "03.41.01-001.28" in answer.text
    assert answer.headers["cache-control"] == "no-store"
    (shown,) = looks(site, DeskNumberShown.name)
    assert (shown["person"], shown["reason"]) == (citizen.person.id, "lost-device")
    assert "03.41.01-001.28" not in agent.get(path(citizen)).text
    assert agent.get(f"{path(citizen)}/number").status_code in (404, 405)
    read = citizen.screen.client.get("/activity?kind=staff", headers={"Accept-Language": "en"})
    assert "saw your national number" in read.text


def test_nobody_sees_their_own_page(agent: DeskScreen, site: Site) -> None:
    answer = agent.get(f"/desk/people/{agent.person.id}")
    assert answer.status_code == 403
    assert looks(site, DeskLookedAt.name) == []


def test_who_looked_at_too_many_is_shown_nobody(
    agent: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    page(agent, citizen)
    limit = {"desk_looks_warning": 1, "desk_looks_most": 1}
    object.__setattr__(site, "settings", site.settings.model_copy(update=limit))
    for answer in (agent.get(path(citizen)), agent.post_form(f"{path(citizen)}/number")):
        assert answer.status_code == 403
        assert "Hanne" not in answer.text


def test_who_became_another_leads_there(
    agent: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    with writing(site.database) as connection:
        other = find_or_create_person(connection, site.secrets, KARIM, site.clock())
        merge_persons(job(site, connection), other.id, citizen.person.id, [])
    agent.give_reason(other.id)
    html = agent.get(f"/desk/people/{other.id}").text
    assert f'href="{path(citizen)}"' in html
    assert "Benali" not in html


# Devices, as the caller would describe them


def test_a_device_is_described_as_its_holder_would(
    agent: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    change(site, citizen.devices[0], name="My old phone", kind="phone")
    shown = card(page(agent, citizen), "My old phone")
    assert "Phone or tablet" in shown
    assert "Only on this device" in shown
    assert "Last used today at 10:30" in shown
    assert "with an activation code" in shown
    assert "Blocked" not in shown


def test_the_model_and_its_picture_are_shown(
    agent: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    aaguid = UUID("fbfc3007-154e-4ecc-8c0b-6e020557d7bd")
    change(site, citizen.devices[0], aaguid=aaguid)
    html = page(agent, citizen)
    assert "iCloud Keychain" in html
    assert f"/device-models/{aaguid}" in html


def test_open_sessions_are_shown_with_their_browser(
    agent: DeskScreen, citizen: CitizenAtHome
) -> None:
    citizen.screen.client.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux) Firefox/140.0"
    citizen.screen.sign_in()
    html = page(agent, citizen)
    assert "Open now" in html
    assert "Firefox on Linux" in html
    citizen.screen.post_form("/sign-out")
    assert "Open now" not in page(agent, citizen)


SUSPICIOUS: dict[str, tuple[dict[str, Any], str]] = {
    "copied": (
        {"status": "suspended", "suspended_why": "counter"},
        "Its key may have been copied.",
    ),
    "backup changed": (
        {"backup_changed": True, "backup_eligible": True},
        "Its key was on that device alone, and no longer is.",
    ),
}


@pytest.mark.parametrize("what", SUSPICIOUS)
def test_what_is_suspicious_of_a_device_is_said(
    agent: DeskScreen, citizen: CitizenAtHome, site: Site, what: str
) -> None:
    values, sentence = SUSPICIOUS[what]
    html = page(agent, citizen)
    assert "Attention:" not in html
    change(site, citizen.devices[0], **values, suspended_at=site.clock())
    assert sentence in page(agent, citizen)


def test_a_model_whose_weakness_is_known_is_said(
    agent: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    known = current_metadata(site)
    models = ((each, known.model(each)) for each in known.by_aaguid)
    weak = (each for each, model in models if model and model.statuses & COMPROMISED)
    change(site, citizen.devices[0], aaguid=next(weak))
    assert "A weakness of its model is known" in page(agent, citizen)


def test_what_the_policy_refuses_is_said(
    agent: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    change(site, citizen.devices[0], aaguid=MODEL)
    values = {"policies": {"strict": Policy(deny=frozenset({MODEL}))}, "policy": "strict"}
    object.__setattr__(site, "settings", site.settings.model_copy(update=values))
    assert "Its model is not accepted." in page(agent, citizen)


@pytest.mark.parametrize(
    ("why", "sentence"),
    [
        ("holder", "The person blocked it today"),
        ("counter", "its key may have been copied"),
        ("emergency", "All devices were blocked today"),
        ("return", "when the person came back"),
        ("notice", "by the button in a mail"),
        ("desk", "The help desk blocked it today"),
    ],
)
def test_why_a_device_does_not_work_is_said(
    agent: DeskScreen, citizen: CitizenAtHome, site: Site, why: SuspendedWhy, sentence: str
) -> None:
    change(
        site,
        citizen.devices[0],
        status="suspended",
        suspended_why=why,
        suspended_at=site.clock(),
    )
    assert sentence in page(agent, citizen)


def test_removed_devices_are_named_and_no_more(
    agent: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    change(site, citizen.devices[1], name="Lost in Ghent")
    with writing(site.database) as connection:
        device = find_device(connection, citizen.person.id, citizen.devices[1])
        unlink(job(site, connection), device, "holder")
    html = page(agent, citizen)
    assert "Lost in Ghent" in html
    assert str(citizen.devices[1]) not in html


# What else


def test_addresses_are_masked(agent: DeskScreen, citizen: CitizenAtHome, site: Site) -> None:
    confirm_for(site, citizen.person, ADDRESS)
    with writing(site.database) as connection:
        add_address(connection, site.secrets, citizen.person.id, "other@example.be", site.clock())
    html = page(agent, citizen)
    assert "h•••@example.be" in html
    assert "o•••@example.be" in html
    assert "not confirmed yet" in html
    assert ADDRESS not in html


def test_a_return_that_waits_is_said(agent: DeskScreen, citizen: CitizenAtHome, site: Site) -> None:
    assert "A return waits" not in page(agent, citizen)
    with writing(site.database) as connection:
        begin_account_recovery(job(site, connection), citizen.person.id, "card", "substantial")
    assert "A return waits" in page(agent, citizen)


def test_an_emergency_block_is_said_with_its_end(
    agent: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    door(site, citizen.person, "mail")
    html = page(agent, citizen)
    assert "All devices were blocked as lost" in html
    assert "It ends by itself" in html


def test_capacities_are_shown_in_words_and_not_all_of_many(
    agent: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    assert "capacities" not in page(agent, citizen)
    knows(site, SSIN, physician(), *many_mandates(30))
    citizen.screen.client.get("/profiles")
    html = page(agent, citizen)
    assert "Physician" in unescape(html) or "physician" in html
    assert "and 25 more" in html


def test_what_happened_lately_is_shown_without_the_looks_themselves(
    agent: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    with writing(site.database) as connection:
        for event in (
            DeviceRenamed(person_id=citizen.person.id, device_id=citizen.devices[0]),
            SignedIn(person_id=citizen.person.id, level="device"),
        ):
            record(connection, site.secrets, event, site.clock(), "ABCDEFGHJK")
    html = page(agent, citizen)
    assert "A device got another name" in html
    assert "opened your account" not in html


# What may be done


def test_an_agent_is_offered_what_an_agent_may(agent: DeskScreen, citizen: CitizenAtHome) -> None:
    first, second = (f"devices/{each}" for each in citizen.devices)
    assert set(links(page(agent, citizen))) == {
        f"{first}/suspend",
        f"{first}/unlink",
        f"{second}/suspend",
        f"{second}/unlink",
        "block-all",
    }


def test_a_registrar_is_offered_codes_and_addresses_and_no_devices(
    registrar: DeskScreen, citizen: CitizenAtHome
) -> None:
    assert set(links(page(registrar, citizen))) == {"addresses", "/desk/registration"}


def test_what_was_blocked_on_suspicion_is_offered_to_supervisors_alone(
    agent: DeskScreen, supervisor: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    blocked = f"devices/{citizen.devices[0]}/resume"
    with writing(site.database) as connection:
        device = find_device(connection, citizen.person.id, citizen.devices[0])
        suspend(job(site, connection), device, "desk", "desk")
    assert blocked in links(page(agent, citizen))
    change(site, citizen.devices[0], suspended_why="counter")
    assert blocked not in links(page(agent, citizen))
    shown = page(supervisor, citizen)
    assert blocked in links(shown)
    assert "needs a second person" in shown


def test_the_last_device_needs_a_second_person(
    agent: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    assert "needs a second person" not in page(agent, citizen)
    with writing(site.database) as connection:
        device = find_device(connection, citizen.person.id, citizen.devices[0])
        suspend(job(site, connection), device, "desk", "desk")
    assert page(agent, citizen).count("needs a second person") == 1


def test_a_return_is_offered_where_a_mail_can_warn_and_none_waits(
    agent: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    assert "begin-return" not in links(page(agent, citizen))
    confirm_for(site, citizen.person, ADDRESS)
    assert "begin-return" in links(page(agent, citizen))
    with writing(site.database) as connection:
        begin_account_recovery(job(site, connection), citizen.person.id, "card", "substantial")
    assert "begin-return" not in links(page(agent, citizen))


def test_nothing_is_offered_on_who_has_died(
    agent: DeskScreen, supervisor: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    with writing(site.database) as connection:
        connection.execute(
            update(persons).where(persons.c.id == citizen.person.id).values(deceased=True)
        )
    for made in (agent, supervisor):
        html = page(made, citizen)
        assert links(html) == []
        assert '<span class="badge warning">Deceased or cancelled</span>' in html
        assert "Nothing can be done any more" in html


def test_on_a_colleague_every_act_says_that_it_waits(
    agent: DeskScreen, make_staff: MakeStaff, site: Site
) -> None:
    other = make_staff("registrar")
    agent.give_reason(other.person.id)
    html = agent.get(f"/desk/people/{other.person.id}").text
    assert html.count("needs a second person") == len(links(html)) > 0
    assert "A colleague of your own desk" in html


def test_all_blocked_leaves_nothing_to_block(
    agent: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    with writing(site.database) as connection:
        suspend_all(job(site, connection), citizen.person.id, "door", "emergency")
    assert "block-all" not in links(page(agent, citizen))


# Nothing that opens anything


def test_nothing_on_the_page_could_be_used_to_sign_in(
    agent: DeskScreen, supervisor: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    """Every binary value, hash and secret of the database, in each form in which it may stand."""
    confirm_for(site, citizen.person, ADDRESS)
    with writing(site.database) as connection:
        code = issue_activation_code(
            connection, site.secrets, site.settings, citizen.person, site.clock()
        )
        _, link = add_address(
            connection, site.secrets, citizen.person.id, "other@example.be", site.clock()
        )
    cookies = [each.value or "" for each in citizen.screen.client.cookies.jar]
    pages = [page(agent, citizen), page(supervisor, citizen)]
    pages.append(agent.post_form(f"{path(citizen)}/number").text)
    secrets = {code, code.replace("-", ""), link, ADDRESS, "other@example.be", *cookies}
    secrets |= stored_secrets(site)
    assert len(secrets) > 20
    for html in pages:
        assert [each for each in secrets if len(each) > 5 and each in html] == []


def stored_secrets(site: Site) -> set[str]:
    """Whatever is stored as bytes or as a hash, in the forms that a page could have it in."""
    found: set[str] = set()
    with reading(site.database) as connection:
        for table in metadata.tables.values():
            columns = [
                column
                for column in table.c
                if isinstance(column.type, LargeBinary)
                or (isinstance(column.type, String) and column.name.endswith(("hash", "key")))
            ]
            for row in connection.execute(select(*columns)) if columns else ():
                for value in row:
                    found |= written(value) if isinstance(value, bytes) else {value or ""}
    return found


def written(value: bytes) -> set[str]:
    encoded = {base64.b64encode(value), base64.urlsafe_b64encode(value)}
    return {value.hex()} | {each.decode().rstrip("=") for each in encoded}


def test_a_name_with_a_script_in_it_is_text(
    agent: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    change(site, citizen.devices[0], name="<script>alert(1)</script>")
    html = page(agent, citizen)
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html


# What it costs


def test_twenty_devices_cost_no_statement_more_than_two(
    agent: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    page(agent, citizen)
    with counted(site) as few:
        agent.get(path(citizen))
    with writing(site.database) as connection:
        row = connection.execute(select(devices).limit(1)).one()._asdict()
        for index in range(18):
            copy = {"id": UUID(int=index), "credential_id": bytes([index]), "name": f"n{index}"}
            connection.execute(devices.insert(), {**row, **copy, "person_id": citizen.person.id})
    with counted(site) as many:
        assert agent.get(path(citizen)).text.count("data-device") == 20
    assert few == many
