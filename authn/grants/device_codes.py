"""Device codes: asked for by an application without a browser, allowed by a person in one.

RFC 8628 (https://www.rfc-editor.org/rfc/rfc8628). Of both codes only hashes are stored. The hash of
the device code is the `request_id` of the authorization request that the person answers, so that
the statement that issues the grant spends it.

    waiting → allowed → spent
            → declined

Why a second use of a device code revokes nothing, unlike that of an authorization code: no browser
ever carries it. Who sends it twice is the application itself, whose answer was lost.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, NoReturn
from uuid import UUID

from sqlalchemy import Connection, bindparam, case, delete, or_, select, update

from authn.audit.events.applications import CodeRefused
from authn.audit.log import record
from authn.clients.clients import Client
from authn.db.once import insert_once
from authn.errors import N_, Expired, InvalidRequest, Unavailable
from authn.grants.authorization_request import DEVICE, AuthorizationRequest, unpack_grant_details
from authn.grants.grants import Grant, InvalidGrant, find_live_grant, revoke_grant
from authn.grants.issue import answered_before_refusal, issue_grant
from authn.grants.tables import device_codes
from authn.grants.user_codes import new_user_code, user_code_hash
from authn.secrets import Secrets, new_token, token_hash
from authn.sessions.sessions import Session
from authn.settings import Settings
from authn.web.place import network_hash

LIFETIME: Final = timedelta(minutes=10)
INTERVAL: Final = 5  # seconds between two polls, and what each that comes too early adds (§3.5)
TIME_TO_POLL = timedelta(minutes=1)
# What waits a whole interval may arrive a little sooner after the one before than it was sent.
EARLY: Final = timedelta(seconds=1)
MOST_DRAWS: Final = 5

State = Literal["waiting", "allowed", "declined", "spent"]


@dataclass(frozen=True, slots=True)
class DeviceCodeRequest:
    """A checked device authorization request, and where it came from.

    `particulars` are the packed `GrantDetails`, as in the column. `place` is where the address is,
    in words by language; `address` itself ("" for none) is not stored.
    """

    client_id: str
    scope: str
    particulars: str
    dpop_jkt: str
    place: Mapping[str, str] | None
    address: str
    profile: str = ""


@dataclass(frozen=True, slots=True)
class RunningDeviceCode:
    """A row of `device_codes`; `network` is of `web.place.network_hash`, with its own hash."""

    device_code_hash: str
    client_id: str
    scope: str
    particulars: str
    dpop_jkt: str
    profile: str
    place: Mapping[str, str] | None
    network: str | None
    created_at: datetime
    expires_at: datetime
    interval: int
    state: State
    grant_id: UUID | None

    def get_client_id(self) -> str:
        """The client that Authlib compares once more."""
        return self.client_id


_COLUMNS = tuple(device_codes.c[name] for name in RunningDeviceCode.__dataclass_fields__)
_THIS = device_codes.c.device_code_hash == bindparam("this")
_IN_TIME = device_codes.c.expires_at > bindparam("now")
_STILL_WAITING = (_THIS, _IN_TIME, device_codes.c.state == "waiting")
_FIND = select(*_COLUMNS).where(_THIS, device_codes.c.client_id == bindparam("presenting_client"))
_FIND_WAITING = select(*_COLUMNS).where(
    device_codes.c.user_code_hash == bindparam("typed_hash"),
    device_codes.c.state == "waiting",
    _IN_TIME,
)
_ALLOW = update(device_codes).where(*_STILL_WAITING).values(state="allowed")
# A person may allow the code in its last second: the device's next poll must still find it.
_SET_GRANT = (
    update(device_codes)
    .where(_THIS)
    .values(
        grant_id=bindparam("the_grant"),
        expires_at=case(
            (device_codes.c.expires_at < bindparam("at_least"), bindparam("at_least")),
            else_=device_codes.c.expires_at,
        ),
    )
)
_DECLINE = update(device_codes).where(*_STILL_WAITING).values(state="declined")
_POLL = (
    update(device_codes)
    .where(
        _THIS,
        or_(
            device_codes.c.last_polled_at.is_(None),
            device_codes.c.last_polled_at <= bindparam("early_enough"),
        ),
    )
    .values(last_polled_at=bindparam("now"))
)
_SLOW_DOWN = (
    update(device_codes)
    .where(_THIS)
    .values(last_polled_at=bindparam("now"), interval=device_codes.c.interval + INTERVAL)
)
_SPEND = (
    update(device_codes)
    .where(_THIS, _IN_TIME, device_codes.c.state == "allowed")
    .values(state="spent")
    .returning(device_codes.c.grant_id)
)
_STATE = select(device_codes.c.state).where(_THIS)
_FORGET = delete(device_codes).where(device_codes.c.expires_at < bindparam("now"))


def issue_device_code(
    connection: Connection, secrets: Secrets, asked: DeviceCodeRequest, now: datetime
) -> tuple[str, str]:
    """Stores a device request; its device code and user code, both valid for ten minutes."""
    device_code = new_token()
    device_code_hash = token_hash(device_code)
    row = {
        "device_code_hash": device_code_hash,
        "client_id": asked.client_id,
        "scope": asked.scope,
        "particulars": asked.particulars,
        "dpop_jkt": asked.dpop_jkt,
        "profile": asked.profile,
        "place": asked.place,
        "network": network_hash(secrets, asked.address, device_code_hash),
        "created_at": now,
        "expires_at": now + LIFETIME,
        "last_polled_at": None,
        "interval": INTERVAL,
        "state": "waiting",
        "grant_id": None,
    }
    for _ in range(MOST_DRAWS):
        user_code = new_user_code()
        hashed = {"user_code_hash": user_code_hash(secrets, user_code)}
        if insert_once(connection, device_codes, row | hashed):
            return device_code, user_code
    raise Unavailable(detail="every user code that was drawn is taken")


def find_waiting_device_code(
    connection: Connection, secrets: Secrets, user_code: str, now: datetime
) -> RunningDeviceCode | None:
    """The device code that waits under a user code; None if there is none, or none any more."""
    typed = {"typed_hash": user_code_hash(secrets, user_code), "now": now}
    row = connection.execute(_FIND_WAITING, typed).first()
    return RunningDeviceCode(*row) if row else None


def build_device_request(
    code: RunningDeviceCode, client: Client, now: datetime
) -> AuthorizationRequest:
    """The device's request as an `AuthorizationRequest` that arrives now.

    The person is always asked, whatever they allowed before (§5.4).
    """
    allowed = unpack_grant_details(code.particulars)
    return AuthorizationRequest(
        request_id=code.device_code_hash,
        client_id=client.client_id,
        redirect_uri="",
        scope=code.scope,
        state="",
        nonce="",
        code_challenge="",
        response_mode=DEVICE,
        prompt=("consent",),
        max_age=client.metadata.default_max_age,
        ui_locales="",
        subject_hint="",
        arrived_at=now,
        acr_values=client.metadata.default_acr_values,
        resource=allowed.resources,
        authorization_details=allowed.authorization_details,
        dpop_jkt=code.dpop_jkt,
        profile=code.profile,
    )


def allow_device(
    connection: Connection,
    request: AuthorizationRequest,
    client: Client,
    session: Session,
    now: datetime,
    *,
    profile_id: UUID | None = None,
    ends_at: datetime | None = None,
) -> None:
    """Allows the device code: the device gets its tokens at its next poll.

    `profile_id` and `ends_at` are those of `issue_grant`. Raises `Expired` when it was answered
    before, or too late.
    """
    if connection.execute(_ALLOW, {"this": request.request_id, "now": now}).rowcount != 1:
        if is_device_allowed(connection, request.request_id):
            raise answered_before_refusal()
        raise code_expired_refusal()
    grant_id = issue_grant(
        connection, request, client, session, now, profile_id=profile_id, ends_at=ends_at
    )
    given = {"this": request.request_id, "the_grant": grant_id, "at_least": now + TIME_TO_POLL}
    connection.execute(_SET_GRANT, given)


def decline_device(connection: Connection, device_code_hash: str, now: datetime) -> bool:
    """Whether the device code was declined now; False if answered before or expired."""
    return connection.execute(_DECLINE, {"this": device_code_hash, "now": now}).rowcount == 1


def is_device_allowed(connection: Connection, device_code_hash: str) -> bool:
    """Whether a person allowed the device code, spent since or not."""
    return connection.execute(_STATE, {"this": device_code_hash}).scalar() in ("allowed", "spent")


def code_expired_refusal() -> Expired:
    """The refusal of a user code whose time is over."""
    return Expired(
        "expired", N_("The code is no longer valid. Ask your other device for a new one.")
    )


def find_device_code(
    connection: Connection, device_code: str, client_id: str
) -> RunningDeviceCode | None:
    """The device code, if it is of this client; None if not."""
    presented = {"this": token_hash(device_code), "presenting_client": client_id}
    row = connection.execute(_FIND, presented).first()
    return RunningDeviceCode(*row) if row else None


def redeem_device_code(
    connection: Connection,
    secrets: Secrets,
    settings: Settings,
    code: RunningDeviceCode,
    dpop_jkt: str,
    now: datetime,
    reference: str,
) -> Grant:
    """Spends an allowed device code; the grant of the person.

    Raises `InvalidRequest` with the errors of §3.5, of which only `authorization_pending` and
    `slow_down` write, or `InvalidGrant`. `dpop_jkt` is the thumbprint of the key whose proof came.
    """
    if code.dpop_jkt and dpop_jkt != code.dpop_jkt:
        raise InvalidGrant("The device code is bound to another DPoP key.")
    if code.expires_at <= now:
        raise InvalidRequest("expired_token", "The device code has expired.")
    if code.state == "declined":
        raise InvalidRequest("access_denied", "The person declined.")
    if code.state == "waiting":
        _still_pending(connection, code, now)
    grant_id = connection.execute(_SPEND, {"this": code.device_code_hash, "now": now}).scalar()
    if grant_id is None:
        raise InvalidGrant("The device code was used before.")
    grant = find_live_grant(connection, settings, grant_id, now)
    if grant is None:
        revoke_grant(connection, grant_id, now)
        event = CodeRefused(client_id=code.client_id, reason="ended")
        record(connection, secrets, event, now, reference)
        raise InvalidGrant("What the person allowed has ended.")
    return grant


def _still_pending(connection: Connection, code: RunningDeviceCode, now: datetime) -> NoReturn:
    """`authorization_pending`, or `slow_down` where the last poll was too short ago."""
    early_enough = now - timedelta(seconds=code.interval) + EARLY
    polled = {"this": code.device_code_hash, "now": now, "early_enough": early_enough}
    if connection.execute(_POLL, polled).rowcount == 1:
        raise InvalidRequest("authorization_pending", "The person has not answered yet.")
    connection.execute(_SLOW_DOWN, {"this": code.device_code_hash, "now": now})
    raise InvalidRequest("slow_down", "Wait five seconds more between two polls.")


def forget_old_device_codes(connection: Connection, now: datetime) -> int:
    """How many expired device codes were deleted."""
    return connection.execute(_FORGET, {"now": now}).rowcount
