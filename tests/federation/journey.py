"""A browser on its way: off to an upstream, through it, and back."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
from httpx2 import Client, Response

from tests.authenticator import Authenticator
from tests.citizen import ORIGIN, Screen
from tests.federation.upstream import Provider


def query_of(location: str) -> dict[str, str]:
    """The parameters of an address, each once."""
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


@dataclass
class Journey:
    """One browser profile."""

    client: Client

    def begin(self, provider: Provider, purpose: str = "enrol", **query: str) -> Response:
        """The answer to the button."""
        return self.client.get(f"/identity/{provider.kind}", params={"purpose": purpose, **query})

    def authorize(self, provider: Provider, purpose: str = "enrol", **query: str) -> str:
        """Where the upstream sends the browser back to."""
        began = self.begin(provider, purpose, **query)
        assert began.status_code == 303, began.text
        answer = httpx2.get(began.headers["location"])
        assert answer.status_code == 303, answer.text
        back: str = answer.headers["location"]
        assert back.startswith(f"{ORIGIN}/identity/{provider.kind}/callback?")
        return back

    def come_back(self, provider: Provider, purpose: str = "enrol", **query: str) -> Response:
        """The service's answer when the browser comes back."""
        return self.client.get(self.authorize(provider, purpose, **query))

    def proof(self, provider: Provider, purpose: str = "enrol") -> str:
        """The proof that the browser holds."""
        answer = self.come_back(provider, purpose)
        assert answer.status_code == 303, answer.text
        return query_of(answer.headers["location"])["proof"]

    def screen(self, authenticator: Authenticator | None = None) -> Screen:
        """The same browser, with an authenticator."""
        return Screen(self.client, authenticator or Authenticator())


def enrol(screen: Screen, proof: str, waiting: str = "", **lies: Any) -> Response:
    """The answer to the registration of a first device with a proof."""
    options = screen.post_json("/activate/identity/options", {"proof": proof})
    if options.status_code != 200:
        return options
    made = screen.authenticator.create(options.json(), screen.origin, **lies)
    content = {
        "proof": proof,
        "request": waiting,
        "ceremony": options.json()["ceremony"],
        "credential": made,
        "client_extension_results": made["clientExtensionResults"],
    }
    return screen.post_json("/activate/identity/registration", content)
