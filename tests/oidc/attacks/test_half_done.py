"""Refusals that come too late: nothing is spent, told or counted for an answer that never comes.

What a naive provider does: it marks the code as used, replaces the refresh token, or writes that a
number was released, and only then finds out that it can't make the answer.
"""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import update

from authn.clients.client_metadata import ClientMetadata
from authn.clients.tables import clients
from authn.db.transaction import writing
from authn.web.site import Site
from tests.oidc.client_keys import ClientKey
from tests.oidc.refreshing import GRANT_TYPES, OFFLINE, events, refresh
from tests.oidc.relying_party import Holder, RelyingParty

pytestmark = pytest.mark.thorough

MakeRP = Callable[..., RelyingParty]


def encrypting(**said: Any) -> ClientMetadata:
    """A client that wants its ID tokens and claims encrypted, and has one key to sign with."""
    return ClientMetadata(
        **{
            "grant_types": GRANT_TYPES,
            "id_token_encrypted_response_alg": "ECDH-ES",
            "jwks": ClientKey("ES256", use="enc").jwks,
            **said,
        }
    )


def says(site: Site, metadata: ClientMetadata) -> None:
    """Every client says this from now on: what a registration would refuse, too."""
    with writing(site.database) as connection:
        connection.execute(update(clients).values(client_metadata=metadata.pack()))


def encryption_key(**changes: Any) -> dict[str, Any]:
    jwk = {**ClientKey("ES256").jwk_public, "use": "enc", "alg": "ECDH-ES", **changes}
    return {"keys": [jwk]}


BROKEN = {
    "a key to sign with alone": ClientKey.shared("ES256").jwks,
    "a key with other operations": encryption_key(use="", key_ops=["verify"]),
}


@pytest.mark.parametrize("jwks", BROKEN.values(), ids=BROKEN)
def test_a_code_is_not_spent_for_an_id_token_that_can_not_be_encrypted(
    site: Site, make_rp: MakeRP, holder: Holder, jwks: dict[str, Any]
) -> None:
    good = encrypting(jwks=encryption_key())
    rp = make_rp(metadata=good).allowed_by(holder)
    code = rp.code()
    says(site, encrypting(jwks=jwks))
    answer = rp.redeem(code)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    says(site, good)
    assert rp.redeem(code).status_code == 200


def test_a_code_is_not_spent_while_the_keys_of_its_client_are_away(
    site: Site, make_rp: MakeRP, holder: Holder
) -> None:
    good = encrypting(jwks=encryption_key())
    rp = make_rp(metadata=good).allowed_by(holder)
    code = rp.code()
    says(site, encrypting(jwks=None, jwks_uri="https://127.0.0.1/keys"))
    assert rp.redeem(code).status_code == 503
    says(site, good)
    assert rp.redeem(code).status_code == 200


def test_a_refresh_token_is_not_replaced_for_an_answer_that_can_not_be_made(
    site: Site, make_rp: MakeRP, holder: Holder
) -> None:
    good = encrypting(jwks=encryption_key())
    rp = make_rp(
        client_id="app",
        token_endpoint_auth_method="none",
        redirect_uris=["https://app.example/callback"],
        scope=OFFLINE,
        metadata=good,
    ).allowed_by(holder, OFFLINE)
    token = rp.tokens(scope=OFFLINE)["refresh_token"]
    says(site, encrypting(jwks=ClientKey.shared("ES256").jwks))
    for _ in range(3):
        assert refresh(rp, token).status_code == 400
    says(site, good)
    assert refresh(rp, token).status_code == 200
    assert events(site, "refresh-token.replayed") == 0
