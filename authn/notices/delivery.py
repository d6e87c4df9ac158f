"""What delivers the rows of the outbox that are mails, and the worker that does it all along."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from authn.clock import Clock
from authn.db.engine import Database
from authn.notices.mail import write_mail
from authn.notices.notices import OUTBOX_KIND
from authn.outbox.outbox import ClaimedEntry
from authn.outbox.smtp import can_send, mail_sender
from authn.outbox.worker import Deliver, OutboxWork, running
from authn.secrets import Secrets
from authn.settings import Settings
from authn.web.logs import logger
from authn.web.pages import Pages, load_pages
from authn.web.site import Site


def outbox_work(
    settings: Settings, secrets: Secrets, database: Database, clock: Clock
) -> OutboxWork:
    """The work of a worker with these settings."""
    pages = load_pages(settings.service_name)
    return OutboxWork(
        database, secrets, clock, OUTBOX_KIND, lambda: _delivering(settings, secrets, pages)
    )


@contextmanager
def delivering_in_background(site: Site) -> Iterator[None]:
    """A thread of this process sends what waits, unless the settings say otherwise.

    Without a mail server nothing is sent: what waits is kept for a month, so that nothing is lost
    should one be set.
    """
    settings = site.settings
    if not can_send(settings):
        logger.warning("no notice is sent", missing="AUTHN_SMTP_HOST")
        yield
    elif not settings.outbox_worker:
        logger.info("outbox worker is off", instead="authn outbox send")
        yield
    else:
        with running(outbox_work(settings, site.secrets, site.database, site.clock)):
            yield


@contextmanager
def _delivering(settings: Settings, secrets: Secrets, pages: Pages) -> Iterator[Deliver]:
    """What delivers a mail; one connection to the mail server for the whole block."""
    with mail_sender(settings) as send:

        def deliver_mail(claimed: ClaimedEntry, payload: dict[str, Any]) -> None:
            send(write_mail(settings, secrets, pages, claimed.id, payload))

        yield deliver_mail
