"""Back-channel logout: the end of a session is sent to applications, server to server.

OpenID Connect Back-Channel Logout 1.0
(https://openid.net/specs/openid-connect-backchannel-1_0.html). `grants.endings.ended_sessions`
decides which application is to learn of which session; here the logout token is delivered. A token
is made for each attempt, since it lives two minutes and attempts go on for days.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Connection

from authn.clients.client_tokens import encrypt_to_keys, sign_claims
from authn.clients.clients import Client, find_client
from authn.clients.key_sets import find_client_keys
from authn.db.occasion import Job
from authn.db.transaction import reading, writing
from authn.errors import Unavailable
from authn.foreign_jwt import ExchangeKey
from authn.grants.endings.ended_profiles import has_ended_profiles, notify_of_ended_profiles
from authn.grants.endings.ended_sessions import (
    OUTBOX_KIND,
    has_ended_sessions,
    notify_of_ended_sessions,
)
from authn.jose import numeric_date
from authn.keys.signing_keys import SigningKeys, current_keys
from authn.outbox.destinations import DestinationWork, run_in_background
from authn.outbox.http_post import post
from authn.outbox.outbox import ClaimedEntry, DeliveryNotBegun, DestinationUnreachable
from authn.secrets import new_token
from authn.web.logs import logger
from authn.web.outgoing import NoAnswer, OutgoingClient
from authn.web.protocol import ProtocolError
from authn.web.routing import NeededFromOutside
from authn.web.site import Site

# What discovery lists (§2.1).
BACKCHANNEL_LOGOUT_SUPPORTED = True
BACKCHANNEL_LOGOUT_SESSION_SUPPORTED = True

TYP = "logout+jwt"
LIFETIME = timedelta(minutes=2)
EVENT = "http://schemas.openid.net/event/backchannel-logout"
TAKEN = (200, 204)  # §2.8: the second is what some frameworks make of an empty body


def build_logout_token(
    site: Site, keys: SigningKeys, client: Client, sub: str, sid: str, now: datetime
) -> str:
    """The logout token about a session's end for the client (§2.4); never with a `nonce`.

    Signed, and encrypted, as its ID tokens are. Raises `DeliveryFailed` where its keys are missing.
    """
    claims = {
        "iss": site.settings.issuer,
        "sub": sub,
        "sid": sid,
        "aud": client.client_id,
        "iat": numeric_date(now),
        "exp": numeric_date(now + LIFETIME),
        "jti": new_token(),
        "events": {EVENT: {}},
    }
    token = sign_claims(keys, client.id_token_signed_response_alg, claims, TYP)
    alg = client.metadata.id_token_encrypted_response_alg
    if not alg:
        return token
    try:
        client_keys = _client_keys(site, client, now)
        enc = client.metadata.id_token_encrypted_response_enc
        return encrypt_to_keys(client_keys, token, alg, enc)
    except NoAnswer as failure:
        raise DestinationUnreachable(f"its keys: {failure}") from None
    except (ProtocolError, Unavailable):
        raise DeliveryNotBegun("no key that it can be encrypted to") from None


def _client_keys(site: Site, client: Client, now: datetime) -> tuple[ExchangeKey, ...]:
    """The client's keys, fetched if need be: no transaction is open here."""
    try:
        return find_client_keys(site, client, now)
    except NeededFromOutside as needed:
        needed.fetch()
    return find_client_keys(site, client, now)


def backchannel_work(site: Site) -> DestinationWork:
    """The outbox's work of sending logout tokens, with HTTP connections apart from the login's."""
    outgoing = OutgoingClient()

    def find_ends() -> None:
        # Sessions first: with a death end the profiles of those who acted for that person.
        while _anything_ended(site):
            with writing(site.database) as connection:
                notify_of_ended_sessions(_job(site, connection))
        while _any_profile_ended(site):
            with writing(site.database) as connection:
                notify_of_ended_profiles(_job(site, connection))

    def deliver(claimed: ClaimedEntry, payload: dict[str, Any]) -> None:
        _deliver(site, outgoing, payload)

    return DestinationWork(site.database, site.secrets, site.clock, OUTBOX_KIND, deliver, find_ends)


@contextmanager
def backchannel_worker(site: Site) -> Iterator[None]:
    """Sends logout tokens in a thread of the process, unless the settings turn that off."""
    if not site.settings.outbox_worker:
        yield
        return
    with run_in_background(backchannel_work(site)):
        yield


def _job(site: Site, connection: Connection) -> Job:
    return Job(connection, site.settings, site.secrets, site.clock())


def _anything_ended(site: Site) -> bool:
    with reading(site.database) as connection:
        return has_ended_sessions(connection)


def _any_profile_ended(site: Site) -> bool:
    with reading(site.database) as connection:
        return has_ended_profiles(connection, site.clock())


def _deliver(site: Site, outgoing: OutgoingClient, payload: dict[str, Any]) -> None:
    """Delivers a logout token (§2.5), or nothing where the client wants none any more.

    Raises as `logout_token` and `post` do.
    """
    now = site.clock()
    with reading(site.database) as connection:
        client = find_client(connection, payload["client_id"])
        keys = current_keys(site, connection, now)
    if client is None or not client.metadata.backchannel_logout_uri:
        logger.info("no logout token wanted any more", client_id=payload["client_id"])
        return
    token = build_logout_token(site, keys, client, payload["sub"], payload["sid"], now)
    post(
        outgoing,
        client.metadata.backchannel_logout_uri,
        {"Content-Type": "application/x-www-form-urlencoded"},
        urlencode({"logout_token": token}).encode("ascii"),
        accepted=TAKEN,
        private_hosts=site.settings.private_hosts,
    )
