"""A person's mailbox: an address that is confirmed, and the mails that wait to be sent to it."""

from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

from sqlalchemy import select

from authn.db.transaction import reading, writing
from authn.notices.contact_addresses import add_address, confirm_address
from authn.notices.mail import write_mail
from authn.outbox.outbox import ClaimedEntry, outbox, read_payload
from authn.people.tables import Person
from authn.web.site import Site


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail of the outbox: to whom, about what, and as it would be sent."""

    to: str
    notice: str
    fields: dict[str, Any]
    message: EmailMessage

    @property
    def text(self) -> str:
        """Its plain part."""
        body = self.message.get_body(("plain",))
        assert body is not None
        content: str = body.get_content()
        return content

    @property
    def html(self) -> str:
        """Its HTML part."""
        body = self.message.get_body(("html",))
        assert body is not None
        content: str = body.get_content()
        return content

    def link(self, path: str) -> str:
        """What stands behind the `#` of the link to this path."""
        _, found, rest = self.text.partition(f"{path}#")
        assert found, f"no link to {path}"
        return rest.split()[0]


def confirm_for(
    site: Site,
    person: Person,
    address: str = "hanne@example.org",
    ago: timedelta = timedelta(days=7),
) -> str:
    """The address, confirmed as one of this person's, some time ago."""
    now = site.clock() - ago
    with writing(site.database) as connection:
        _, secret = add_address(connection, site.secrets, person.id, address, now)
        return confirm_address(connection, site.secrets, secret, now).address


def mails(site: Site, to: str | None = None) -> list[Mail]:
    """The mails that wait to be sent, the oldest first; those to one address, if it is given.

    The clock of a test stands still: those of one moment come in any order.
    """
    statement = (
        select(outbox)
        .where(outbox.c.state == "waiting", outbox.c.kind == "mail")
        .order_by(outbox.c.created_at)
    )
    with reading(site.database) as connection:
        rows = connection.execute(statement).all()
    found = []
    for row in rows:
        claimed = ClaimedEntry(
            row.id, row.kind, row.payload_encrypted, row.created_at, row.tries, row.due_at
        )
        payload = read_payload(site.secrets, claimed)
        message = write_mail(site.settings, site.secrets, site.pages, row.id, payload)
        found.append(Mail(payload["address"], payload["notice"], payload["fields"], message))
    return [mail for mail in found if to is None or mail.to == to]
