"""OpenID Connect Back-Channel Logout 1.0: applications are told, server to server, of a sign-out.

(https://openid.net/specs/openid-connect-backchannel-1_0.html). Who is told of what is found by
`grants.ended_sessions`; here it is delivered. A logout token is made for each attempt, since it
lives two minutes and attempts go on for days.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Connection

from authn.clients.client_tokens import encrypted_for, signed_for
from authn.clients.clients import Client, find_client
from authn.clients.key_sets import keys_of_client
from authn.db.occasion import Job
from authn.db.transaction import reading, writing
from authn.errors import Unavailable
from authn.foreign_jwt import ExchangeKey
from authn.grants.ended_profiles import any_profile_ended, tell_of_ended_profiles
from authn.grants.ended_sessions import OUTBOX_KIND, anything_ended, tell_of_ended_sessions
from authn.jose import seconds
from authn.keys.signing_keys import SigningKeys, current_keys
from authn.outbox.destinations import DestinationWork, running
from authn.outbox.failures import DeliveryNotBegun, DestinationUnreachable
from authn.outbox.outbox import ClaimedEntry
from authn.outbox.posting import post
from authn.secrets import new_token
from authn.web.logs import logger
from authn.web.outgoing import NoAnswer, OutgoingClient
from authn.web.protocol import ProtocolError
from authn.web.routing import NeededFromOutside
from authn.web.site import Site

# What discovery says (§2.1).
BACKCHANNEL_LOGOUT_SUPPORTED = True
BACKCHANNEL_LOGOUT_SESSION_SUPPORTED = True

TYP = "logout+jwt"
LIFETIME = timedelta(minutes=2)
EVENT = "http://schemas.openid.net/event/backchannel-logout"
TAKEN = (200, 204)  # §2.8: the second is what some frameworks make of an empty body


def logout_token(
    site: Site, keys: SigningKeys, client: Client, sub: str, sid: str, now: datetime
) -> str:
    """The token that tells this client of the end of this session (§2.4); never with a `nonce`.

    Signed, and encrypted, as its ID tokens are. Raises `DeliveryFailed` where its keys are missing.
    """
    claims = {
        "iss": site.settings.issuer,
        "sub": sub,
        "sid": sid,
        "aud": client.client_id,
        "iat": seconds(now),
        "exp": seconds(now + LIFETIME),
        "jti": new_token(),
        "events": {EVENT: {}},
    }
    token = signed_for(keys, client.id_token_signed_response_alg, claims, TYP)
    alg = client.metadata.id_token_encrypted_response_alg
    if not alg:
        return token
    try:
        client_keys = _client_keys(site, client, now)
        enc = client.metadata.id_token_encrypted_response_enc
        return encrypted_for(client_keys, token, alg, enc)
    except NoAnswer as failure:
        raise DestinationUnreachable(f"its keys: {failure}") from None
    except (ProtocolError, Unavailable):
        raise DeliveryNotBegun("no key that it can be encrypted to") from None


def _client_keys(site: Site, client: Client, now: datetime) -> tuple[ExchangeKey, ...]:
    """The client's keys, fetched if need be: no transaction is open here."""
    try:
        return keys_of_client(site, client, now)
    except NeededFromOutside as needed:
        needed.fetch()
    return keys_of_client(site, client, now)


def backchannel_work(site: Site) -> DestinationWork:
    """The work of telling applications. Its conversations wait for none of a login's."""
    outgoing = OutgoingClient()

    def find_ends() -> None:
        # Sessions first: with a death end the profiles of those who acted for that person.
        while _anything_ended(site):
            with writing(site.database) as connection:
                tell_of_ended_sessions(_job(site, connection))
        while _any_profile_ended(site):
            with writing(site.database) as connection:
                tell_of_ended_profiles(_job(site, connection))

    def deliver(claimed: ClaimedEntry, payload: dict[str, Any]) -> None:
        _deliver(site, outgoing, payload)

    return DestinationWork(site.database, site.secrets, site.clock, OUTBOX_KIND, deliver, find_ends)


@contextmanager
def telling_applications(site: Site) -> Iterator[None]:
    """A thread of this process tells applications what ended, unless the settings say otherwise."""
    if not site.settings.outbox_worker:
        yield
        return
    with running(backchannel_work(site)):
        yield


def _job(site: Site, connection: Connection) -> Job:
    return Job(connection, site.settings, site.secrets, site.clock())


def _anything_ended(site: Site) -> bool:
    with reading(site.database) as connection:
        return anything_ended(connection)


def _any_profile_ended(site: Site) -> bool:
    with reading(site.database) as connection:
        return any_profile_ended(connection, site.clock())


def _deliver(site: Site, outgoing: OutgoingClient, payload: dict[str, Any]) -> None:
    """The application has taken the logout token (§2.5), or does not want it any more.

    Raises as `logout_token` and `post` do.
    """
    now = site.clock()
    with reading(site.database) as connection:
        client = find_client(connection, payload["client_id"])
        keys = current_keys(site, connection, now)
    if client is None or not client.metadata.backchannel_logout_uri:
        logger.info("no logout token wanted any more", client_id=payload["client_id"])
        return
    token = logout_token(site, keys, client, payload["sub"], payload["sid"], now)
    post(
        outgoing,
        client.metadata.backchannel_logout_uri,
        {"Content-Type": "application/x-www-form-urlencoded"},
        urlencode({"logout_token": token}).encode("ascii"),
        taken=TAKEN,
        private_hosts=site.settings.private_hosts,
    )
