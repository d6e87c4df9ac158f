"""From the act to the other side: the service's own worker, a real SMTP conversation, one mail."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from authn.app import create_app
from authn.db.transaction import reading, writing
from authn.notices import kinds
from authn.notices.delivery import build_mail_work
from authn.notices.notices import tell
from authn.outbox import worker
from authn.outbox.outbox import list_unsent
from authn.outbox.worker import run_once
from authn.settings import Settings
from authn.web.site import Site
from tests import mail_server
from tests.citizen import ORIGIN, activation_code, enrolled
from tests.conftest import MovableClock
from tests.mail_server import MailServer
from tests.mailbox import confirm_for
from tests.occasion import job
from tests.patience import until

pytestmark = pytest.mark.usefixtures("register")


def to(settings: Settings, server: MailServer) -> Settings:
    changes = {"smtp_host": "127.0.0.1", "smtp_port": server.port, "smtp_security": "none"}
    changes |= {"outbox_worker": True}
    return settings.model_copy(update=changes)


def test_a_new_device_is_told_of_by_the_service_that_runs(
    settings: Settings, site: Site, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "POLL_SECONDS", 0.05)
    person, _ = activation_code(site)
    confirm_for(site, person)
    with mail_server.running() as server:
        app = create_app(to(settings, server), clock=clock)
        with TestClient(app, base_url=ORIGIN, follow_redirects=False) as client:
            enrolled(app.state.site, client)
            until(lambda: len(server.mails) == 1)
    (mail,) = server.mails
    assert server.recipients == ["hanne@example.org"]
    assert mail["Subject"] == "Er is een toestel toegevoegd aan uw account"
    assert {part.get_content_type() for part in mail.walk()} == {
        *("multipart/alternative", "text/plain", "text/html")
    }


def test_a_service_without_a_mail_server_says_so_and_keeps_what_waits(
    settings: Settings, site: Site, clock: MovableClock
) -> None:
    person, _ = activation_code(site)
    confirm_for(site, person)
    with writing(site.database) as connection:
        tell(job(site, connection), person.id, kinds.AccountRecoveryCancelledNotice())
    app = create_app(settings, clock=clock)
    with capture_logs() as logs, TestClient(app, base_url=ORIGIN):
        pass
    assert {"event": "no notice is sent", "log_level": "warning", "missing": "AUTHN_SMTP_HOST"} in (
        logs
    )
    with reading(site.database) as connection:
        (entry,) = list_unsent(connection)
    assert (entry.state, entry.tries) == ("waiting", 0)


def test_a_mail_that_is_refused_for_now_comes_later(
    settings: Settings, site: Site, clock: MovableClock
) -> None:
    person, _ = activation_code(site)
    confirm_for(site, person)
    with writing(site.database) as connection:
        tell(job(site, connection), person.id, kinds.AccountRecoveryCancelledNotice())
    with mail_server.running() as server:
        work = build_mail_work(to(settings, server), site.secrets, site.database, clock)
        server.replies_to_recipient = ["451 4.7.1 come again"]
        assert run_once(work).put_off == 1
        clock.advance(minutes=2)
        assert run_once(work).sent == 1
    assert len(server.mails) == 1


def test_a_mailbox_that_is_gone_is_a_dead_letter_without_its_address(
    settings: Settings, site: Site, clock: MovableClock
) -> None:
    person, _ = activation_code(site)
    confirm_for(site, person)
    with writing(site.database) as connection:
        tell(job(site, connection), person.id, kinds.AccountRecoveryCancelledNotice())
    with mail_server.running() as server, capture_logs() as logs:
        work = build_mail_work(to(settings, server), site.secrets, site.database, clock)
        server.replies_to_recipient = ["550 5.1.1 <hanne@example.org> is gone"]
        assert run_once(work).dead == 1
    with reading(site.database) as connection:
        (entry,) = list_unsent(connection)
    assert (entry.state, entry.last_error) == ("dead", "recipient: 550 5.1.1")
    assert "example.org" not in str(logs)


def test_mails_of_the_demonstration_are_files(
    settings: Settings, site: Site, clock: MovableClock, tmp_path: Path
) -> None:
    person, _ = activation_code(site)
    confirm_for(site, person)
    with writing(site.database) as connection:
        tell(job(site, connection), person.id, kinds.AccountRecoveryCancelledNotice())
    folder = settings.model_copy(update={"mail_directory": tmp_path / "mails"})
    assert run_once(build_mail_work(folder, site.secrets, site.database, clock)).sent == 1
    assert len(list((tmp_path / "mails").glob("*.eml"))) == 1
