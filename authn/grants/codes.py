"""Authorization codes: issued once for a request, redeemed once by their client.

RFC 6749 §4.1 (https://www.rfc-editor.org/rfc/rfc6749#section-4.1), RFC 7636 §4
(https://www.rfc-editor.org/rfc/rfc7636#section-4).
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NoReturn
from uuid import UUID

from sqlalchemy import Connection, bindparam, delete, select, update

from authn.audit.events.applications import CodeRefused, CodeReplayed
from authn.audit.log import record
from authn.clients.clients import Client
from authn.errors import N_
from authn.grants.authorization_request import AuthorizationRequest
from authn.grants.grants import COLUMNS, Grant, InvalidGrant, find_live_grant, revoke_grant
from authn.grants.issue import issue_grant
from authn.grants.tables import authorization_codes, grants
from authn.secrets import Secrets, new_token, token_hash
from authn.sessions.sessions import Session
from authn.settings import Settings

LIFETIME = timedelta(seconds=60)
KEPT = timedelta(days=1)  # a second use must be recognised for as long as a first one can matter
CODE_VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}")

_INSERT = authorization_codes.insert()
_GIVEN = select(authorization_codes.c.grant_id).where(
    authorization_codes.c.code_hash == bindparam("presented_hash"),
    authorization_codes.c.client_id == bindparam("presenting_client"),
)
_SPEND = (
    update(authorization_codes)
    .where(
        authorization_codes.c.code_hash == bindparam("presented_hash"),
        authorization_codes.c.client_id == bindparam("presenting_client"),
        authorization_codes.c.used_at.is_(None),
    )
    .values(used_at=bindparam("now"))
    .returning(
        authorization_codes.c.grant_id,
        authorization_codes.c.redirect_uri,
        authorization_codes.c.nonce,
        authorization_codes.c.code_challenge,
        authorization_codes.c.expires_at,
        authorization_codes.c.dpop_jkt,
    )
)


@dataclass(frozen=True, slots=True)
class PresentedCode:
    """An authorization code as a client presents it; "" where it sent nothing.

    `dpop_jkt` is the thumbprint of the key whose proof came along.
    """

    code: str
    client_id: str
    redirect_uri: str
    code_verifier: str
    dpop_jkt: str = ""


@dataclass(frozen=True, slots=True)
class RedeemedCode:
    """A valid code, spent now, with its grant."""

    grant: Grant
    redirect_uri: str
    nonce: str

    def get_redirect_uri(self) -> str:
        """The `redirect_uri` that Authlib compares once more."""
        return self.redirect_uri


@dataclass(frozen=True, slots=True)
class _SpentCode:
    grant_id: UUID
    redirect_uri: str
    nonce: str
    code_challenge: str
    expires_at: datetime
    dpop_jkt: str


def issue_code(
    connection: Connection,
    request: AuthorizationRequest,
    client: Client,
    session: Session,
    now: datetime,
    *,
    profile_id: UUID | None = None,
    ends_at: datetime | None = None,
) -> str:
    """Issues a grant for the request; the authorization code for it, valid for 60 seconds.

    Takes and raises what `issue_grant` does.
    """
    code = new_token()
    grant_id = issue_grant(
        connection, request, client, session, now, profile_id=profile_id, ends_at=ends_at
    )
    row = {
        "code_hash": token_hash(code),
        "grant_id": grant_id,
        "client_id": client.client_id,
        "redirect_uri": request.redirect_uri,
        "nonce": request.nonce,
        "code_challenge": request.code_challenge,
        "expires_at": now + LIFETIME,
        "dpop_jkt": request.dpop_jkt,
    }
    connection.execute(_INSERT, row)
    return code


def is_code_of_client(connection: Connection, code: str, client_id: str) -> bool:
    """Whether the code was issued to the client, spent or not."""
    presented = {"presented_hash": token_hash(code), "presenting_client": client_id}
    return connection.execute(_GIVEN, presented).first() is not None


def redeem_code(
    connection: Connection,
    secrets: Secrets,
    settings: Settings,
    presented: PresentedCode,
    client: Client,
    now: datetime,
    reference: str,
) -> RedeemedCode:
    """Spends the code of the client, whatever follows, and checks it; raises `InvalidGrant`.

    The code must be of this client, in time, unused, and for a `redirect_uri` that is registered
    still. A second use revokes what the first one obtained; a first use that is
    refused revokes the grant, so that nothing ever comes of it. Both are on record. Another
    client's code is neither spent nor revoked: nobody can harm a client by what it was not given.
    """
    parameters = {
        "presented_hash": token_hash(presented.code),
        "presenting_client": presented.client_id,
        "now": now,
    }
    row = connection.execute(_SPEND, parameters).first()
    if row is None:
        _refuse_unspendable(connection, secrets, presented, now, reference)
    spent = _SpentCode(*row)
    reason = _reason_to_refuse(spent, presented, client, now)
    grant = None if reason else find_live_grant(connection, settings, spent.grant_id, now)
    if grant is None:
        ended = _grant(connection, spent.grant_id)
        revoke_grant(connection, ended.id, now)
        event = CodeRefused(
            person_id=ended.person_id,
            device_id=ended.device_id,
            client_id=ended.client_id,
            reason=reason or "ended",
        )
        record(connection, secrets, event, now, reference)
        raise InvalidGrant(DESCRIPTIONS[reason or "ended"])
    return RedeemedCode(grant, spent.redirect_uri, spent.nonce)


DESCRIPTIONS = {
    "unknown": N_("The code is unknown, expired or was used before."),
    "expired": N_("The code is unknown, expired or was used before."),
    "redirect_uri": N_("The redirect_uri is not the one of the authorization request."),
    "redirect_uri_ended": N_("The redirect_uri is not registered any more."),
    "code_verifier": N_("The code_verifier does not match the code_challenge."),
    "code_challenge": N_("This client must send a code_challenge."),
    "dpop_jkt": N_("The code is bound to another DPoP key."),
    "ended": N_("The session in which the code was given has ended."),
}


def _reason_to_refuse(
    spent: _SpentCode, presented: PresentedCode, client: Client, now: datetime
) -> str | None:
    if spent.expires_at <= now:
        return "expired"
    # RFC 6749 §4.1.3
    if presented.redirect_uri != spent.redirect_uri:
        return "redirect_uri"
    # RFC 9700 §2.1: whoever is there now was given it by nobody
    if not client.check_redirect_uri(spent.redirect_uri):
        return "redirect_uri_ended"
    # RFC 7636 §4.6; a verifier without a challenge is refused too (RFC 9700 §2.1.1)
    if not matches_code_challenge(presented.code_verifier, spent.code_challenge):
        return "code_verifier"
    # RFC 9700 §2.1.1: required since the code was issued
    if not spent.code_challenge and client.pkce_required:
        return "code_challenge"
    # RFC 9449 §10
    if spent.dpop_jkt and presented.dpop_jkt != spent.dpop_jkt:
        return "dpop_jkt"
    return None


def matches_code_challenge(code_verifier: str, code_challenge: str) -> bool:
    """Whether the verifier is the challenge's (S256), or neither was sent."""
    if not code_challenge:
        return not code_verifier
    if not CODE_VERIFIER.fullmatch(code_verifier):
        return False
    digest = hashlib.sha256(code_verifier.encode("ascii")).digest()
    expected = base64.urlsafe_b64encode(digest).rstrip(b"=")
    return hmac.compare_digest(expected, code_challenge.encode("ascii"))


def _refuse_unspendable(
    connection: Connection,
    secrets: Secrets,
    presented: PresentedCode,
    now: datetime,
    reference: str,
) -> NoReturn:
    """Unknown, another client's, or used before: only the last one revokes."""
    statement = (
        select(*COLUMNS)
        .join(authorization_codes, authorization_codes.c.grant_id == grants.c.id)
        .where(authorization_codes.c.code_hash == token_hash(presented.code))
    )
    row = connection.execute(statement).first()
    if row is not None:
        grant = Grant(*row)
        about = {"person_id": grant.person_id, "device_id": grant.device_id}
        if grant.client_id == presented.client_id:
            revoke_grant(connection, grant.id, now)
            replayed = CodeReplayed(**about, client_id=grant.client_id)
            record(connection, secrets, replayed, now, reference)
        else:
            refused = CodeRefused(**about, client_id=presented.client_id, reason="client")
            record(connection, secrets, refused, now, reference)
    raise InvalidGrant(DESCRIPTIONS["unknown"])


def _grant(connection: Connection, grant_id: UUID) -> Grant:
    row = connection.execute(select(*COLUMNS).where(grants.c.id == grant_id)).one()
    return Grant(*row)


def forget_old_codes(connection: Connection, now: datetime) -> int:
    """How many codes were deleted that expired a day ago, used or not."""
    statement = delete(authorization_codes).where(authorization_codes.c.expires_at < now - KEPT)
    return connection.execute(statement).rowcount
