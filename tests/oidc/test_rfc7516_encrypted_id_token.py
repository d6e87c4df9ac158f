"""ID tokens that are encrypted to the client: RFC 7516, JSON Web Encryption
(https://www.rfc-editor.org/rfc/rfc7516), RFC 7519 §5.2, OpenID Connect Core 1.0 §2 and §16.14,
OpenID Connect Dynamic Client Registration 1.0 §2."""

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from joserfc import jwe
from joserfc.jwk import ECKey, KeyParameters, RSAKey
from sqlalchemy import update
from starlette.testclient import TestClient

from authn.clients.client_metadata import ClientMetadata
from authn.clients.tables import clients
from authn.db.transaction import writing
from authn.foreign_jwt import CONTENT_ENCRYPTIONS, KEY_ENCRYPTIONS_TO_OTHERS
from authn.web.site import Site
from tests.oidc.relying_party import Holder, RelyingParty, segment

pytestmark = pytest.mark.thorough

MakeRP = Callable[..., RelyingParty]


@cache
def private_key(alg: str) -> ECKey | RSAKey:
    """The client's."""
    named: KeyParameters = {"kid": "theirs", "use": "enc"}
    if alg.startswith("RSA"):
        return RSAKey.generate_key(2048, named, private=True)
    return ECKey.generate_key("P-256", named, private=True)


def metadata(alg: str, enc: str = "", /, **changes: str) -> ClientMetadata:
    """A client that wants its ID tokens encrypted so."""
    jwks = {"keys": [{**private_key(alg).as_dict(private=False), **changes}]}
    return ClientMetadata(
        jwks=jwks, id_token_encrypted_response_alg=alg, id_token_encrypted_response_enc=enc
    )


def opened(token: str, alg: str, enc: str) -> tuple[dict[str, Any], str]:
    """The header, and what is inside, by another implementation."""
    decrypted = jwe.decrypt_compact(token, private_key(alg), [alg, enc])
    return decrypted.headers(), (decrypted.plaintext or b"").decode()


@pytest.mark.one_engine
@pytest.mark.parametrize("alg", KEY_ENCRYPTIONS_TO_OTHERS)
@pytest.mark.parametrize("enc", CONTENT_ENCRYPTIONS)
def test_it_is_signed_and_then_encrypted(
    make_rp: MakeRP, holder: Holder, alg: str, enc: str
) -> None:  # Core §16.14
    rp = make_rp(metadata=metadata(alg, enc)).allowed_by(holder)
    token = rp.tokens()["id_token"]
    header, inside = opened(token, alg, enc)
    assert (header["alg"], header["enc"], header["cty"], header["kid"]) == (
        alg,
        enc,
        "JWT",
        "theirs",
    )
    assert segment(inside, 0)["alg"] == "ES256"
    assert segment(inside, 1)["aud"] == rp.client.client_id


@pytest.mark.parametrize("signed", ["RS256", "PS256", "EdDSA"])
def test_the_signature_inside_is_the_one_that_was_registered(
    make_rp: MakeRP, holder: Holder, signed: str
) -> None:
    rp = make_rp(id_token_signed_response_alg=signed, metadata=metadata("ECDH-ES", "A256GCM"))
    _, inside = opened(rp.allowed_by(holder).tokens()["id_token"], "ECDH-ES", "A256GCM")
    assert segment(inside, 0)["alg"] == signed


def test_where_no_enc_is_said_it_is_a128cbc_hs256(
    make_rp: MakeRP, holder: Holder
) -> None:  # Registration §2
    rp = make_rp(metadata=metadata("RSA-OAEP-256")).allowed_by(holder)
    header, _ = opened(rp.tokens()["id_token"], "RSA-OAEP-256", "A128CBC-HS256")
    assert header["enc"] == "A128CBC-HS256"


@pytest.mark.parametrize(
    "change", [{"use": "sig"}, {"alg": "RSA-OAEP"}, {"kty": "oct", "k": "AAAA"}]
)
def test_without_a_key_for_it_the_client_is_told(
    site: Site, make_rp: MakeRP, holder: Holder, change: dict[str, str]
) -> None:
    """No token goes out that is not encrypted, nor encrypted to a key for something else."""
    rp = make_rp(metadata=metadata("RSA-OAEP-256")).allowed_by(holder)
    packed = metadata("RSA-OAEP-256", **change).pack()
    with writing(site.database) as connection:  # the registration would have refused it
        connection.execute(update(clients).values(client_metadata=packed))
    answer = rp.redeem(rp.code())
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"
    assert "RSA-OAEP-256" in answer.json()["error_description"]
    assert "id_token" not in answer.json()
    assert "access_token" not in answer.json()


def test_the_hint_is_the_jwt_inside(
    make_rp: MakeRP, holder: Holder, client: TestClient
) -> None:  # Core §3.1.2.1
    rp = make_rp(
        metadata=metadata("ECDH-ES", "A256GCM"),
        post_logout_redirect_uris=["https://hospital.example/bye"],
    ).allowed_by(holder)
    token = rp.tokens()["id_token"]
    _, inside = opened(token, "ECDH-ES", "A256GCM")
    form = {"post_logout_redirect_uri": "https://hospital.example/bye"}
    client.cookies.clear()
    assert (
        "hospital.example" in client.get("/logout", params={**form, "id_token_hint": inside}).text
    )
    # Encrypted to the client, so that we can't read it: as none at all.
    assert (
        "hospital.example"
        not in client.get("/logout", params={**form, "id_token_hint": token}).text
    )
