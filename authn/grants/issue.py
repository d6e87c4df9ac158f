"""Issuing a grant: the only way is a person's answer to an authorization request.

OpenID Connect Core 1.0 §3.1.2.4 (https://openid.net/specs/openid-connect-core-1_0.html#Consent).
"""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from authn.clients.clients import Client
from authn.db.transaction import must_write
from authn.errors import N_, Expired, Refusal
from authn.grants.authorization_request import AuthorizationRequest
from authn.grants.grants import OFFLINE_ACCESS
from authn.grants.tables import grants
from authn.people.subjects import find_or_create_subject
from authn.people.tables import subjects
from authn.sessions.sessions import Session
from authn.sessions.tables import sessions

# The lock makes a sign-out everywhere wait for what is given at the same moment, so that it ends
# that too; a grant that ends with its session needs none.
_SESSION_OPEN = (
    select(sessions.c.id)
    .where(sessions.c.id == bindparam("session_id"), sessions.c.ended_at.is_(None))
    .with_for_update(read=True)
)
_WRITTEN = tuple(each for each in grants.c if each is not grants.c.revoked_at)


def _insert(insert: Any) -> Any:
    """A statement that inserts a grant with the person's `sub` in the client's sector.

    No row where the sector has no `sub` for the person, nor where the request was answered before.
    The values are bound as `new_…`: a name of a column would be taken for that.
    """
    known = select(
        *(
            subjects.c.sub
            if each is grants.c.subject
            else bindparam(f"new_{each.name}", type_=each.type)
            for each in _WRITTEN
        )
    ).where(
        subjects.c.person_id == bindparam("new_person_id"),
        subjects.c.sector == bindparam("sector"),
    )
    inserted = insert(grants).from_select([each.name for each in _WRITTEN], known)
    return inserted.on_conflict_do_nothing().execution_options(preserve_rowcount=True)


_INSERT = {"sqlite": _insert(sqlite.insert), "postgresql": _insert(postgresql.insert)}


class OtherPerson(Refusal):
    """The person who is signed in is not the one of the `id_token_hint`; nothing was written."""

    def __init__(self) -> None:
        super().__init__("login_required", N_("Another person is signed in."))


def answered_before_refusal() -> Expired:
    """The refusal of a second answer to an authorization request."""
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
    """Issues a grant for the request to the person and device of the session; its id.

    `profile_id` is in which capacity the person acts, None as a citizen; `ends_at` until when they
    allowed it, None until they take it back.

    Inserting it spends the request: of two tabs that answer the same one, one gets here. Raises
    `Expired` when the request was answered before, or the session of an offline grant has ended in
    this moment; `OtherPerson` when it asks for another.
    """
    known_as = (connection, session.person_id, client.sector_identifier, now)
    if request.subject_hint and request.subject_hint != find_or_create_subject(*known_as):
        raise OtherPerson
    offline = OFFLINE_ACCESS in request.scope.split()
    if offline and not _is_open(connection, session):
        raise answered_before_refusal()
    grant_id = uuid4()
    grant = {
        "id": grant_id,
        "request_id": request.request_id,
        "person_id": session.person_id,
        "device_id": session.device_id,
        "session_id": session.id,
        "client_id": client.client_id,
        "scope": request.scope,
        "level": session.level,
        "auth_time": session.auth_time,
        "granted_at": now,
        "offline": offline,
        "particulars": request.grant_details.pack(),
        "profile_id": profile_id,
        "ends_at": ends_at,
    }
    if not _is_first(connection, grant, client.sector_identifier):
        find_or_create_subject(*known_as)  # nearly always it was known
        if not _is_first(connection, grant, client.sector_identifier):
            raise answered_before_refusal()
    return grant_id


def _is_first(connection: Connection, grant: dict[str, Any], sector: str) -> bool:
    """Whether the grant was inserted now: of a person whom the sector knows, for a request that was
    not answered before."""
    must_write(connection)
    values = {f"new_{name}": value for name, value in grant.items()}
    statement = _INSERT[connection.dialect.name]
    return connection.execute(statement, {**values, "sector": sector}).rowcount == 1


def _is_open(connection: Connection, session: Session) -> bool:
    """Whether the session has not ended since it was read, nor ends before this commits."""
    return connection.execute(_SESSION_OPEN, {"session_id": session.id}).first() is not None
