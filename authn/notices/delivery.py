"""Delivers the rows of the outbox that are notices, by mail, in a thread of the service."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from authn.clock import Clock
from authn.db.engine import Database
from authn.notices.mail import write_mail
from authn.notices.notices import OUTBOX_KIND
from authn.outbox.outbox import ClaimedEntry
from authn.outbox.smtp import can_send, mail_sender
from authn.outbox.worker import Deliver, OutboxWork, run_in_background
from authn.secrets import Secrets
from authn.settings import Settings
from authn.web.logs import logger
from authn.web.pages import Pages, load_pages
from authn.web.site import Site


def build_mail_work(
    settings: Settings, secrets: Secrets, database: Database, clock: Clock
) -> OutboxWork:
    """The settings of the worker that sends notices by mail."""
    pages = load_pages(settings.service_name)
    return OutboxWork(
        database, secrets, clock, OUTBOX_KIND, lambda: _open_delivery(settings, secrets, pages)
    )


@contextmanager
def deliver_in_background(site: Site) -> Iterator[None]:
    """A thread of this process sends notices during the block, unless the settings say otherwise.

    Without a mail server nothing is sent: rows are kept for a month, so that nothing is lost should
    the settings name one later.
    """
    settings = site.settings
    if not can_send(settings):
        logger.warning("no notice is sent", missing="AUTHN_SMTP_HOST")
        yield
    elif not settings.outbox_worker:
        logger.info("outbox worker is off", instead="authn outbox send")
        yield
    else:
        with run_in_background(build_mail_work(settings, site.secrets, site.database, site.clock)):
            yield


@contextmanager
def _open_delivery(settings: Settings, secrets: Secrets, pages: Pages) -> Iterator[Deliver]:
    """A function that delivers a mail; one connection to the mail server for the whole block."""
    with mail_sender(settings) as send:

        def deliver_mail(claimed: ClaimedEntry, payload: dict[str, Any]) -> None:
            send(write_mail(settings, secrets, pages, claimed.id, payload))

        yield deliver_mail
