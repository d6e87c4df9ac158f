"""The link "this was not me" of a mail: signed, for one notice, valid for thirty days.

Following the link changes nothing, since mail scanners follow links: the secret is in the fragment,
and the page has a button. The button can only block or cancel, never allow anything.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from authn.notices.kinds import (
    NAMES,
    AccountRecoveryBegunNotice,
    DeskCodeNotice,
    DeviceAddedNotice,
    IdentityMatchedNotice,
    Notice,
    OperatorCodeNotice,
)
from authn.secrets import Secrets, read_token, sign_token
from authn.settings import Settings

PURPOSE = "not-me"
LIFETIME = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class NotMeLink:
    """The content of a link "this was not me": the kind of notice, and the id of its subject.

    `target` is the id of the device, account recovery, code or foreign identity; None without.
    """

    person_id: UUID
    notice: str
    target: UUID | None
    expires_at: datetime


def not_me_link(
    settings: Settings, secrets: Secrets, person_id: UUID, notice: Notice, happened_at: datetime
) -> str:
    """The link "this was not me" of a notice, equal in each mail about the event."""
    content = {
        "person": str(person_id),
        "notice": NAMES[type(notice)],
        "target": _target(notice),
        "at": happened_at.isoformat(),
    }
    token = sign_token(secrets, PURPOSE, content, happened_at, LIFETIME)
    return f"{settings.issuer}/not-me#{token}"


def read_not_me_link(secrets: Secrets, token: str, now: datetime) -> NotMeLink:
    """The content of a link's token; raises `InvalidRequest` or `Expired`."""
    content = read_token(secrets, PURPOSE, token, now)
    return NotMeLink(
        person_id=UUID(content["person"]),
        notice=content["notice"],
        target=UUID(content["target"]) if content["target"] else None,
        expires_at=datetime.fromisoformat(content["at"]) + LIFETIME,
    )


def _target(notice: Notice) -> str:
    if isinstance(notice, DeviceAddedNotice):
        return str(notice.device_id)
    if isinstance(notice, DeskCodeNotice | OperatorCodeNotice):
        return str(notice.desk_code_id)
    if isinstance(notice, IdentityMatchedNotice):
        return str(notice.identity_id)
    return str(notice.return_id) if isinstance(notice, AccountRecoveryBegunNotice) else ""
