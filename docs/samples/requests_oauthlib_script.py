"""A command-line program on requests-oauthlib: it opens the browser and waits for the answer.

ISSUER and CLIENT_ID are what `authn clients add --public --native` printed. Register the redirect
URI http://127.0.0.1/callback: the port is the program's to choose (RFC 8252 §7.3).
"""

import os
import webbrowser
from http.server import BaseHTTPRequestHandler, HTTPServer

import requests
from requests_oauthlib import OAuth2Session

ISSUER = os.environ["ISSUER"]
# For http://localhost and http://127.0.0.1 only; the service itself is on https.
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"

metadata = requests.get(f"{ISSUER}/.well-known/openid-configuration", timeout=10).json()
came_back = []


class Callback(BaseHTTPRequestHandler):
    """Takes the browser back, once."""

    def do_GET(self) -> None:
        came_back.append(f"http://127.0.0.1:{self.server.server_port}{self.path}")
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<h1>You can close this window</h1>")

    def log_message(self, *_: object) -> None:
        """The address holds a code: it is in no log."""


server = HTTPServer(("127.0.0.1", 0), Callback)
session = OAuth2Session(
    os.environ["CLIENT_ID"],
    redirect_uri=f"http://127.0.0.1:{server.server_port}/callback",
    scope=["openid", "profile"],
    pkce="S256",
)
address, state = session.authorization_url(metadata["authorization_endpoint"])
print(f"Open this address to sign in: {address}", flush=True)
webbrowser.open(address)
server.handle_request()

# The state is compared, and the code exchanged with its verifier.
session.fetch_token(
    metadata["token_endpoint"], authorization_response=came_back[0], include_client_id=True
)
print("Hello, " + session.get(metadata["userinfo_endpoint"]).json()["name"], flush=True)
