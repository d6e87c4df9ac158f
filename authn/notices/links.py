"""The link "this was not me" of a mail: signed, for one notice, valid for thirty days.

It does nothing by being followed, since mail scanners follow links: its secret is in the fragment,
and the page that it opens has a button. It can only block or cancel, never open anything.
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
    """What somebody says was not them: a kind of notice, and the device or return it told of."""

    person_id: UUID
    notice: str
    target: UUID | None
    expires_at: datetime


def not_me_link(
    settings: Settings, secrets: Secrets, person_id: UUID, notice: Notice, happened_at: datetime
) -> str:
    """The link of this notice; each mail about it has the same."""
    content = {
        "person": str(person_id),
        "notice": NAMES[type(notice)],
        "target": _target(notice),
        "at": happened_at.isoformat(),
    }
    token = sign_token(secrets, PURPOSE, content, happened_at, LIFETIME)
    return f"{settings.issuer}/not-me#{token}"


def read_not_me(secrets: Secrets, token: str, now: datetime) -> NotMeLink:
    """What the link's token says; raises `InvalidRequest` or `Expired`."""
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
