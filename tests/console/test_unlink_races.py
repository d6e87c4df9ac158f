"""An unlinking at the desk against what the citizen, or a thief, does at the same moment."""

from collections.abc import Iterator
from threading import Barrier, Thread

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.app import create_app
from authn.clients.client_metadata import ClientMetadata
from authn.console.acts import do_unlink
from authn.db.transaction import writing
from authn.keys.signing_keys import ensure_signing_keys
from authn.settings import Settings
from authn.web.site import Site
from tests.citizen import ORIGIN, Screen
from tests.console.acting import act_path, desk_of, rows, statuses
from tests.console.desk import CitizenAtHome, DeskScreen
from tests.logout_receiver import LogoutReceiver, receiving
from tests.occasion import job
from tests.oidc.relying_party import register
from tests.patience import SECONDS, until

LOGINS = 4


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The receiver is on this machine, which only a test bed allows."""
    return settings.model_copy(update={"private_hosts": frozenset({"localhost"})})


@pytest.fixture
def receiver() -> Iterator[LogoutReceiver]:
    """A relying application's server, which hears of sign-outs."""
    with receiving() as running:
        yield running


def test_a_login_at_the_same_moment_came_first_and_has_ended_or_finds_the_device_gone(
    site: Site, app: Starlette, agent: DeskScreen, citizen: CitizenAtHome
) -> None:
    desk = desk_of(site, agent, "lost-device")
    first = citizen.devices[0]
    screens = [
        Screen(
            TestClient(app, base_url=ORIGIN, follow_redirects=False), citizen.screen.authenticator
        )
        for _ in range(LOGINS)
    ]
    for screen in screens:
        screen.csrf()
    start = Barrier(LOGINS + 1)
    answers: list[int] = []

    def log_in(screen: Screen) -> None:
        start.wait(timeout=SECONDS)
        answers.append(screen.sign_in().status_code)

    def remove() -> None:
        start.wait(timeout=SECONDS)
        with writing(site.database) as connection:
            do_unlink(job(site, connection), desk, citizen.person, first)

    threads = [Thread(target=log_in, args=(each,)) for each in screens] + [Thread(target=remove)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=SECONDS)
    assert len(answers) == LOGINS
    # The counter of one key refuses logins that overtake one another; none is a crash.
    assert set(answers) <= {200, 403, 404}
    assert statuses(site, citizen.person)[first] == "unlinked"
    assert len(rows(site, "desk.unlinked")) == 1
    for screen in screens:
        assert screen.client.get("/devices").status_code == 303
        assert screen.sign_in().status_code == 404


def test_an_application_hears_of_an_unlinking_within_two_seconds(
    settings: Settings,
    site: Site,
    receiver: LogoutReceiver,
    agent: DeskScreen,
    citizen: CitizenAtHome,
) -> None:
    """By the worker of a service that runs, from the click to the logout token at the other end."""
    ensure_signing_keys(site.database, site.secrets, site.clock())
    rp = register(
        site,
        citizen.screen.client,  # type: ignore[arg-type]
        client_id="hospital",
        metadata=ClientMetadata(backchannel_logout_uri=receiver.address + "/logout"),
        first_party=True,
    )
    assert rp.tokens()["id_token"]
    agent.give_reason(citizen.person.id)
    running = create_app(settings.model_copy(update={"outbox_worker": True}), clock=site.clock)
    with TestClient(running, base_url=ORIGIN):
        path = act_path(citizen.person, citizen.devices[0], "unlink")
        assert rp.client.client_name in agent.get(path).text
        assert agent.act(path).status_code == 200
        assert until(lambda: receiver.received) < 2
    assert len(receiver.received) == 1
