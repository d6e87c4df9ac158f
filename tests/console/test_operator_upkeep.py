"""How the service does, as an operator sees it: keys, notices, sources, policies, the chain."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from authn.audit.log import audit_events
from authn.db.transaction import reading, writing
from authn.keys.signing_keys import ensure_signing_keys, list_keys
from authn.outbox.outbox import enqueue, list_unsent, outbox
from authn.sources.real_sources import Sources
from authn.web.site import Site
from tests.citizen import SSIN
from tests.conftest import MovableClock
from tests.console.desk import CitizenAtHome, DeskScreen
from tests.occasion import job
from tests.screens import answered, ceremony, problem
from tests.sources_server import write_files
from tests.together import at_once

KEYS = "/desk/operator/keys"
ROTATE = f"{KEYS}/ES256/rotate"
NOTICES = "/desk/operator/notices"


@pytest.fixture
def operator(operator: DeskScreen, site: Site) -> DeskScreen:
    """An operator who reads English; the service has its keys."""
    operator.screen.client.headers["Accept-Language"] = "en"
    ensure_signing_keys(site.database, site.secrets, site.clock())
    return operator


def keys(site: Site) -> dict[str, str]:
    with reading(site.database) as connection:
        return {each.state: each.kid for each in list_keys(connection) if each.alg == "ES256"}


def on_record(site: Site, prefix: str) -> list[tuple[str, Any]]:
    columns = select(audit_events.c.event, audit_events.c.actor_id)
    statement = columns.where(audit_events.c.event.startswith(prefix)).order_by(audit_events.c.id)
    with reading(site.database) as connection:
        return [tuple(row) for row in connection.execute(statement)]


def test_keys_are_shown_with_their_age(
    operator: DeskScreen, site: Site, clock: MovableClock
) -> None:
    clock.advance(days=12)
    operator.screen.sign_in()
    operator.open()
    page = operator.get(KEYS).text
    assert keys(site)["active"][:12] in page
    assert "12 days" in page
    assert f'href="{ROTATE}"' in page


def test_the_next_key_is_put_in_use_and_another_is_published(
    operator: DeskScreen, site: Site, clock: MovableClock
) -> None:
    clock.advance(days=30)
    operator.screen.sign_in()
    operator.open()
    before = keys(site)
    assert "Some applications have not read" not in operator.get(ROTATE).text
    assert operator.act(ROTATE).json() == {"location": KEYS}
    after = keys(site)
    assert after["active"] == before["next"]
    assert after["retired"] == before["active"]
    assert after["next"] not in before.values()
    assert on_record(site, "signing_key.") == [("signing_key.rotated", operator.person.id)]


def test_a_key_that_is_not_known_yet_waits_unless_it_is_said(
    operator: DeskScreen, site: Site
) -> None:
    before = keys(site)
    assert "Some applications have not read" in operator.get(ROTATE).text
    assert problem(operator.act(ROTATE)) == "too-early"
    assert keys(site) == before
    assert operator.act(ROTATE, at_once="on").status_code == 200
    assert keys(site)["active"] == before["next"]


def test_of_two_rotations_at_the_same_moment_one_is_done(operator: DeskScreen, site: Site) -> None:
    options = [ceremony(operator.screen, f"{ROTATE}/options") for _ in range(2)]
    ready = [{"at_once": "on", **answered(operator.screen, each)} for each in options]
    before = keys(site)
    answers = at_once(lambda: operator.post_json(ROTATE, ready.pop()).status_code, 2)
    assert answers.count(200) == 1
    assert keys(site)["active"] == before["next"]
    assert len(on_record(site, "signing_key.rotated")) == 1


def test_an_algorithm_that_is_none_is_not_there(operator: DeskScreen) -> None:
    assert operator.get(f"{KEYS}/none/rotate").status_code == 404


def failed(site: Site, how_many: int, citizen: CitizenAtHome | None = None) -> list[str]:
    """So many rows that could not be told to others."""
    with writing(site.database) as connection:
        ids = [
            enqueue(
                job(site, connection),
                "mail",
                {"to": "hanne@mail.example"},
                citizen.person.id if citizen else None,
            )
            for _ in range(how_many)
        ]
        connection.execute(update(outbox).values(state="dead", last_error="550", tries=9))
    return [str(each) for each in ids]


def states(site: Site) -> list[str]:
    with reading(site.database) as connection:
        return [each.state for each in list_unsent(connection)]


def test_notices_that_failed_are_shown_without_whom_and_what(
    operator: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    failed(site, 2, citizen)
    page = operator.get(NOTICES).text
    assert page.count(">550<") == 2
    for word in ("hanne@mail.example", citizen.person.family_name, str(citizen.person.id), SSIN):
        assert word not in page
    assert 'class="count">2<' in operator.get("/desk").text


def test_one_or_all_are_tried_again_and_it_is_on_record(operator: DeskScreen, site: Site) -> None:
    rows = failed(site, 3)
    operator.post_form(f"{NOTICES}/{rows[0]}/retry")
    assert sorted(states(site)) == ["dead", "dead", "waiting"]
    operator.post_form(f"{NOTICES}/retry")
    assert states(site) == ["waiting"] * 3
    operator.post_form(f"{NOTICES}/retry")
    assert on_record(site, "outbox.") == [("outbox.retried", operator.person.id)] * 2


def test_one_is_deleted_once_confirmed_and_only_once(operator: DeskScreen, site: Site) -> None:
    (row,) = failed(site, 1)
    path = f"{NOTICES}/{row}/drop"
    assert "never told" in operator.get(path).text
    assert operator.post_json(path).status_code == 400
    assert states(site) == ["dead"]
    assert operator.act(path).json() == {"location": NOTICES}
    assert states(site) == []
    assert operator.get(path).status_code == 404
    assert on_record(site, "outbox.") == [("outbox.dropped", operator.person.id)]


def test_sources_are_shown_and_asked(operator: DeskScreen) -> None:
    assert operator.get("/desk/operator/sources").text.count("filled from files") == 4
    answer = operator.post_form("/desk/operator/sources/check")
    assert answer.status_code == 200
    assert "Authentic sources" in answer.text


def test_a_source_that_does_not_answer_is_told(
    operator: DeskScreen, site: Site, tmp_path: Path
) -> None:
    (tmp_path / "citizens").mkdir()
    update_of = {
        "professions_url": "https://127.0.0.1:1",
        "sources_token_url": "https://127.0.0.1:1/token",
        "sources_client_id": "authn",
        "sources_key": write_files(tmp_path / "citizens"),
    }
    object.__setattr__(site, "settings", site.settings.model_copy(update=update_of))
    site.memory.values.pop(Sources, None)  # as if the service had started with them
    assert "https://127.0.0.1:1" in operator.get("/desk/operator/sources").text
    assert "Does not answer" in operator.post_form("/desk/operator/sources/check").text


def test_the_policy_in_force_and_the_age_of_what_is_kept_up(operator: DeskScreen) -> None:
    page = operator.get("/desk/operator/policy").text
    assert "Policies in force" in page
    assert "FIDO metadata" in page
    assert "waiting to be chained" in page


def test_an_operator_sees_no_person(operator: DeskScreen, citizen: CitizenAtHome) -> None:
    for path in ("clients", "resources", "organisations", "keys", "notices", "sources", "policy"):
        page = operator.get(f"/desk/operator/{path}").text
        assert citizen.person.family_name not in page
        assert str(citizen.person.id) not in page
    assert operator.get(f"/desk/people/{citizen.person.id}").status_code == 404
