"""The applications, systems and resource servers of a service to measure."""

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import Connection

from authn.clients.client_metadata import ClientMetadata
from authn.clients.client_registration.registration import register_client
from authn.clients.clients import POST, PRIVATE_KEY_JWT
from authn.clients.resource_servers.registration import register_resource
from authn.clients.tables import exchange_pairs
from authn.secrets import Secrets, new_token
from authn.settings import Settings

APPLICATION = "bench"
CAPACITIES = "bench-capacities"  # in which people act for others
BACK_END = "bench-back-end"
RESOURCE_SERVER = "bench-resource-server"
SYSTEM_WITH_KEY = "cbe-0406798006"
SYSTEM_BY_POST = "bench-system"
REDIRECT_URI = "https://application.example/callback"
RESOURCE = "https://api.example/records"
SCOPE = "openid profile"
SYSTEM_SCOPE = "records.read"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


@dataclass(frozen=True, slots=True)
class Applications:
    """What they authenticate with: the same secret for all of them, and one key."""

    secret: str
    key: ec.EllipticCurvePrivateKey


def register_applications(
    connection: Connection, secrets: Secrets, settings: Settings, now: datetime
) -> Applications:
    """An application, its back end, a resource server, and two systems."""
    key, secret = ec.generate_private_key(ec.SECP256R1()), new_token()
    by_secret: dict[str, Any] = {"client_secret": secret, "token_endpoint_auth_method": POST}

    def register(client_id: str, *grant_types: str, **more: Any) -> None:
        said = ClientMetadata(grant_types=grant_types, jwks=more.pop("jwks", None))
        values = {"client_name": "Benchmark", "redirect_uris": [], "metadata": said, **more}
        register_client(connection, secrets, now, client_id=client_id, **values)

    register(RESOURCE_SERVER, **by_secret, scope=SYSTEM_SCOPE)
    register_resource(
        connection,
        secrets,
        settings,
        now,
        resource=RESOURCE,
        resource_name="Benchmark records",
        scopes={SYSTEM_SCOPE: "Read records"},
        client_id=RESOURCE_SERVER,
    )
    register(
        APPLICATION,
        "authorization_code",
        "refresh_token",
        **by_secret,
        redirect_uris=[REDIRECT_URI],
        scope=SCOPE,
        resources=[RESOURCE],
    )
    register(
        CAPACITIES,
        "authorization_code",
        **by_secret,
        redirect_uris=[REDIRECT_URI],
        scope=SCOPE,
        profile_kinds=["mandate"],
    )
    system: dict[str, Any] = {"scope": SYSTEM_SCOPE, "resources": [RESOURCE]}
    register(BACK_END, EXCHANGE, **by_secret, **system)
    system["organisation"] = SYSTEM_WITH_KEY.removeprefix("cbe-")
    register(SYSTEM_BY_POST, "client_credentials", **by_secret, **system)
    register(
        SYSTEM_WITH_KEY,
        "client_credentials",
        token_endpoint_auth_method=PRIVATE_KEY_JWT,
        jwks={"keys": [_jwk(key)]},
        **system,
    )
    pair = {"client_id": BACK_END, "subject_client_id": APPLICATION, "resource": RESOURCE}
    connection.execute(exchange_pairs.insert(), pair)
    return Applications(secret, key)


def _jwk(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    point = key.public_key().public_numbers()
    coordinates = {name: getattr(point, name).to_bytes(32) for name in ("x", "y")}
    encoded = {
        name: urlsafe_b64encode(value).rstrip(b"=").decode() for name, value in coordinates.items()
    }
    return {"kty": "EC", "crv": "P-256", **encoded}
