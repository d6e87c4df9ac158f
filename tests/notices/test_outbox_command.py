"""`authn outbox`: what is not sent, tried again, deleted, sent now; never to whom."""

from uuid import uuid4

import pytest

from authn.db.transaction import writing
from authn.notices import kinds
from authn.notices.notices import tell
from authn.outbox.outbox import claim, list_unsent, mark_dead
from authn.settings import Settings
from authn.web.site import Site
from tests import mail_server
from tests.citizen import activation_code
from tests.commands import run_command
from tests.mailbox import confirm_for
from tests.occasion import job

pytestmark = [pytest.mark.thorough, pytest.mark.usefixtures("register")]


@pytest.fixture
def dead_row(site: Site) -> str:
    """The id of a mail that could not be sent."""
    person, _ = activation_code(site)
    confirm_for(site, person)
    with writing(site.database) as connection:
        tell(job(site, connection), person.id, kinds.AccountRecoveryCancelledNotice())
        claimed = claim(connection, site.clock(), "mail")
        assert claimed is not None
        mark_dead(connection, claimed, "recipient: 550 5.1.1", site.clock())
        return str(claimed.id)


def states(site: Site) -> list[tuple[str, int]]:
    with writing(site.database) as connection:
        return [(entry.state, entry.tries) for entry in list_unsent(connection)]


def test_an_empty_outbox_is_said(settings: Settings, site: Site) -> None:
    result = run_command(settings, "outbox", "list")
    assert "Everything is sent." in result.stdout
    assert "AUTHN_SMTP_HOST" in result.stdout


def test_a_dead_row_is_shown_without_its_address(settings: Settings, dead_row: str) -> None:
    result = run_command(settings, "outbox", "list")
    assert result.returncode == 0, result.stderr
    for shown in (dead_row, "dead", "recipient: 550 5.1.1"):
        assert shown in result.stdout
    assert "example" not in result.stdout


def test_a_dead_row_is_tried_again(settings: Settings, site: Site, dead_row: str) -> None:
    assert run_command(settings, "outbox", "retry", dead_row).returncode == 0
    assert states(site) == [("waiting", 0)]
    again = run_command(settings, "outbox", "retry", dead_row)
    assert (again.returncode, "no such dead row" in again.stderr) == (1, True)


def test_every_dead_row_is_tried_again(settings: Settings, site: Site, dead_row: str) -> None:
    result = run_command(settings, "outbox", "retry", "--all")
    assert "Waiting again: 1." in result.stdout
    assert states(site) == [("waiting", 0)]


@pytest.mark.parametrize("arguments", [[], ["--all", str(uuid4())]])
def test_one_row_or_all_must_be_said(settings: Settings, site: Site, arguments: list[str]) -> None:
    assert run_command(settings, "outbox", "retry", *arguments).returncode == 1


def test_a_row_is_deleted(settings: Settings, site: Site, dead_row: str) -> None:
    assert run_command(settings, "outbox", "drop", dead_row).returncode == 0
    assert states(site) == []
    assert run_command(settings, "outbox", "drop", dead_row).returncode == 1


def test_what_is_due_is_sent_once(
    settings: Settings, site: Site, dead_row: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_command(settings, "outbox", "retry", dead_row)
    with mail_server.running() as server:
        monkeypatch.setenv("AUTHN_SMTP_HOST", "127.0.0.1")
        monkeypatch.setenv("AUTHN_SMTP_PORT", str(server.port))
        monkeypatch.setenv("AUTHN_SMTP_SECURITY", "none")
        sent = run_command(settings, "outbox", "send")
        assert "Sent: 1." in sent.stdout, sent.stderr
        assert "Sent: 0." in run_command(settings, "outbox", "send").stdout
    assert server.recipients == ["hanne@example.org"]


def test_a_server_that_is_not_there_is_one_sentence(
    settings: Settings, dead_row: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_command(settings, "outbox", "retry", dead_row)
    assert "AUTHN_SMTP_HOST" in run_command(settings, "outbox", "send").stdout
    with mail_server.running() as server:
        pass
    monkeypatch.setenv("AUTHN_SMTP_HOST", "127.0.0.1")
    monkeypatch.setenv("AUTHN_SMTP_PORT", str(server.port))
    monkeypatch.setenv("AUTHN_SMTP_SECURITY", "none")
    result = run_command(settings, "outbox", "send")
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert "mail server" in result.stderr
