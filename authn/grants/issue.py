"""The one way in which a grant comes to be: a person's answer to an authorization request.

OpenID Connect Core 1.0 §3.1.2.4 (https://openid.net/specs/openid-connect-core-1_0.html#Consent).
"""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import Connection, bindparam, select

from authn.clients.clients import Client
from authn.db.once import insert_once
from authn.errors import N_, Expired, Refusal
from authn.grants.authorization_request import AuthorizationRequest
from authn.grants.grants import OFFLINE_ACCESS
from authn.grants.tables import grants
from authn.people.subjects import subject_of
from authn.sessions.sessions import Session
from authn.sessions.tables import sessions

# The lock makes a sign-out everywhere wait for what is given at the same moment, so that it ends
# that too; a grant that ends with its session needs none.
_SESSION_OPEN = (
    select(sessions.c.id)
    .where(sessions.c.id == bindparam("session_id"), sessions.c.ended_at.is_(None))
    .with_for_update(read=True)
)


class OtherPerson(Refusal):
    """Whoever is signed in is not whom the `id_token_hint` names; nothing was written."""

    def __init__(self) -> None:
        super().__init__("login_required", N_("Another person is signed in."))


def answered_before() -> Expired:
    """The refusal of a second answer to one request."""
    return Expired("replayed", N_("This sign-in is already finished. Go back to your application."))


def issue_grant(
    connection: Connection,
    request: AuthorizationRequest,
    client: Client,
    session: Session,
    now: datetime,
    *,
    profile_id: UUID | None = None,
    ends_at: datetime | None = None,
) -> UUID:
    """The id of a new grant for this request, of the person and the device of this session.

    `profile_id` is in which capacity the person acts, None as a citizen; `ends_at` until when they
    allowed it, None until they take it back.

    Inserting it spends the request: of two tabs that answer the same one, one gets here. Raises
    `Expired` when the request was answered before, or the session of an offline grant has ended in
    this moment; `OtherPerson` when it asks for another.
    """
    subject = subject_of(connection, session.person_id, client.sector_identifier, now)
    if request.subject_hint and request.subject_hint != subject:
        raise OtherPerson
    offline = OFFLINE_ACCESS in request.scope.split()
    if offline and not _is_open(connection, session):
        raise answered_before()
    grant_id = uuid4()
    grant = {
        "id": grant_id,
        "request_id": request.request_id,
        "person_id": session.person_id,
        "device_id": session.device_id,
        "session_id": session.id,
        "client_id": client.client_id,
        "subject": subject,
        "scope": request.scope,
        "level": session.level,
        "auth_time": session.auth_time,
        "granted_at": now,
        "offline": offline,
        "particulars": request.particulars.pack(),
        "profile_id": profile_id,
        "ends_at": ends_at,
    }
    if not insert_once(connection, grants, grant):
        raise answered_before()
    return grant_id


def _is_open(connection: Connection, session: Session) -> bool:
    """Whether the session has not ended since it was read, nor ends before this commits."""
    return connection.execute(_SESSION_OPEN, {"session_id": session.id}).first() is not None
