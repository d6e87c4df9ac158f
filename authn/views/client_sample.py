"""Sample code for a developer: a registered client as configuration of common libraries."""

from authn.clients.clients import CLIENT_CREDENTIALS, DEVICE_CODE, Client

OPENID_CLIENT = """\
// Node, openid-client 6
import * as client from "openid-client";
const config = await client.discovery(
  new URL("{issuer}"), "{client_id}", {authentication}{insecure});
const redirect_uri = "{redirect_uri}"; // scope: "{scope}"
"""
AUTHLIB = """\
# Python, Authlib
oauth.register(
    "authn",
    client_id="{client_id}",{secret}
    server_metadata_url="{issuer}/.well-known/openid-configuration",
    client_kwargs={{"scope": "{scope}", "code_challenge_method": "S256"}},
)
# redirect_uri: {redirect_uri}
"""
OIDC_CLIENT_TS = """\
// Browser, oidc-client-ts 3
import {{ UserManager }} from "oidc-client-ts";
const users = new UserManager({{
  authority: "{issuer}",
  client_id: "{client_id}",
  redirect_uri: "{redirect_uri}",
  scope: "{scope}",
}});
"""
# Authlib's assertions live an hour by default; this service takes five minutes at most.
SYSTEM = """\
# Python, Authlib: a session for each token
import time
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc.jwk import ECKey
session = OAuth2Session(
    "{client_id}",
    ECKey.import_key(private_key_pem),
    token_endpoint_auth_method=PrivateKeyJWT(alg="ES256", claims={{"exp": int(time.time()) + 60}}),
)
token = session.fetch_token(
    "{issuer}/token", grant_type="client_credentials", resource="{resource}"
)
"""
DEVICE = """\
// Node, openid-client 6
import * as client from "openid-client";
const config = await client.discovery(new URL("{issuer}"), "{client_id}", {authentication});
const codes = await client.initiateDeviceAuthorization(config, {{ scope: "{scope}" }});
console.log(codes.verification_uri, codes.user_code); // to be shown
const tokens = await client.pollDeviceAuthorizationGrant(config, codes);
"""
# The client authentication of openid-client, by token_endpoint_auth_method.
AUTHENTICATIONS = {
    "client_secret_basic": "undefined, client.ClientSecretBasic(process.env.CLIENT_SECRET)",
    "client_secret_post": "undefined, client.ClientSecretPost(process.env.CLIENT_SECRET)",
    "private_key_jwt": "undefined, client.PrivateKeyJwt(privateKey)",
    "tls_client_auth": "undefined, client.TlsClientAuth()",
    "self_signed_tls_client_auth": "undefined, client.TlsClientAuth()",
    "none": "undefined, client.None()",
}


def sample_configuration(issuer: str, client: Client) -> str:
    """Code that configures this client, to be copied; it reads the secret from the environment."""
    values = {
        "issuer": issuer,
        "client_id": client.client_id,
        "redirect_uri": client.redirect_uris[0] if client.redirect_uris else "",
        "scope": client.scope,
        "authentication": AUTHENTICATIONS[client.token_endpoint_auth_method],
        # For an issuer on http, in development: by default the library speaks https only.
        "insecure": ", { execute: [client.allowInsecureRequests] }"
        if issuer.startswith("http://")
        else "",
        "secret": '\n    client_secret=os.environ["CLIENT_SECRET"],'
        if client.client_secret_hash
        else "",
        "resource": client.resources[0] if client.resources else "https://…",
    }
    return "\n".join(template.format(**values) for template in _templates(client))


def _templates(client: Client) -> tuple[str, ...]:
    if client.check_grant_type(CLIENT_CREDENTIALS):
        return (SYSTEM,)
    if client.check_grant_type(DEVICE_CODE) and not client.redirect_uris:
        return (DEVICE,)
    if client.public and client.application_type == "web":
        return (OIDC_CLIENT_TS, OPENID_CLIENT)
    if client.public or client.client_secret_hash:
        return (OPENID_CLIENT, AUTHLIB)
    return (OPENID_CLIENT,)
