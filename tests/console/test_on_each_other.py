"""Two of the staff who act on each other at the same moment: neither waits for the other for ever.

Each act locks who does it and whom it is on. Were they locked one after the other, each of the two
would hold what the other one waits for.
"""

import re
from collections.abc import Callable
from itertools import cycle
from threading import Lock
from typing import Any
from uuid import UUID

import pytest
from httpx2 import Response

from authn.db.transaction import reading
from authn.devices.devices import list_devices
from authn.errors import Refusal
from authn.settings import Settings
from authn.web.site import Site
from tests.console.acting import act_path, asked, every_approval
from tests.console.conftest import MakeStaff, MakeTool
from tests.console.desk import DeskScreen
from tests.console.test_api import ANOTHER
from tests.screens import answered, ceremony
from tests.together import at_once

ROUNDS = 12


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Mail can be sent, so that an address can be added."""
    return settings.model_copy(update={"smtp_host": "localhost"})


def device_of(site: Site, made: DeskScreen) -> UUID:
    with reading(site.database) as connection:
        return list_devices(connection, made.person.id)[0].id


def one_each(acts: list[Callable[[], Response]]) -> Callable[[], Response]:
    """Each thread gets the next of the acts."""
    lock, turns = Lock(), cycle(acts)

    def act() -> Response:
        with lock:
            mine = next(turns)
        return mine()

    return act


def statuses(answers: list[Response | Refusal]) -> list[int]:
    return [each.status_code if isinstance(each, Response) else 0 for each in answers]


def ready(made: DeskScreen, path: str) -> Callable[[], Response]:
    """The act with its confirmation at hand, so that nothing but the act itself is left."""
    content: dict[str, Any] = answered(made.screen, ceremony(made.screen, f"{path}/options"))
    return lambda: made.post_json(path, content)


@pytest.fixture
def both(make_staff: MakeStaff) -> tuple[DeskScreen, DeskScreen]:
    """Two colleagues, each of whom has said why they look at the other."""
    one, other = make_staff("agent", "supervisor"), make_staff("supervisor", citizen=ANOTHER)
    one.give_reason(other.person.id)
    other.give_reason(one.person.id)
    return one, other


def test_two_who_act_on_each_other_at_the_pages_are_both_answered(
    site: Site, both: tuple[DeskScreen, DeskScreen]
) -> None:
    one, other = both
    paths = {
        0: act_path(other.person, device_of(site, other), "suspend"),
        1: act_path(one.person, device_of(site, one), "suspend"),
    }
    for _ in range(ROUNDS):
        acts = [ready(made, paths[index]) for index, made in enumerate(both)]
        assert statuses(at_once(one_each(acts), 2)) == [200, 200]
    assert {each.state for each in every_approval(site)} == {"waiting"}  # colleagues: by two alone


def test_two_who_act_on_each_other_by_their_tools_are_both_answered(
    site: Site, both: tuple[DeskScreen, DeskScreen], make_tool: MakeTool
) -> None:
    one, other = both

    def calling(made: DeskScreen, on: DeskScreen) -> Callable[[], Response]:
        tool, device = make_tool(made), device_of(site, on)
        return lambda: tool.call("suspend", on.person.id, device)

    calls = [calling(one, other), calling(other, one)]
    for _ in range(ROUNDS):
        assert statuses(at_once(one_each(calls), 2)) == [202, 202]


def test_two_who_approve_acts_on_each_other_are_both_answered(
    site: Site, registrar: DeskScreen, both: tuple[DeskScreen, DeskScreen]
) -> None:
    def asking(on: DeskScreen, address: str) -> str:
        registrar.give_reason(on.person.id)
        page = registrar.post_form(f"/desk/people/{on.person.id}/addresses", address=address)
        (path,) = re.findall(r'data-path="([^"]+)"', page.text)
        return f"/desk/approvals/{asked(registrar.act(path, address=address))}/approve"

    waiting = [
        [asking(on, f"new{round_}@example.be") for on in both[::-1]] for round_ in range(ROUNDS)
    ]
    for paths in waiting:
        acts = [ready(made, path) for made, path in zip(both, paths, strict=True)]
        # After some of them the list of addresses is full, which is a no like any other.
        assert set(statuses(at_once(one_each(acts), 2))) <= {200, 403}
    assert {each.state for each in every_approval(site)} == {"approved", "failed"}
