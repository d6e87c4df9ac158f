"""Applications without a browser in tests, and the person who types their codes: RFC 8628."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from httpx2 import Response
from starlette.testclient import TestClient

from authn.clients.client_metadata import ClientMetadata
from authn.clients.clients import DEVICE_CODE
from authn.web.site import Site
from tests.citizen import Screen
from tests.oidc.relying_party import RelyingParty, basic, register

GRANT_TYPES = (DEVICE_CODE, "refresh_token")
TELEVISION: dict[str, Any] = {
    "client_id": "television",
    "client_name": "Television",
    "application_type": "native",
    "token_endpoint_auth_method": "none",
    "redirect_uris": [],
    "scope": "openid profile offline_access",
    "metadata": ClientMetadata(grant_types=GRANT_TYPES),
}


@dataclass(slots=True)
class OtherScreen:
    """An application on another screen, as which it asks and polls."""

    rp: RelyingParty

    def ask(self, /, **form: str | list[str] | None) -> Response:
        """The answer of /device_authorization."""
        return self._post("/device_authorization", {"scope": "openid profile"} | form)

    def asked(self, /, **form: str | list[str] | None) -> dict[str, Any]:
        """The codes that it was given."""
        answer = self.ask(**form)
        assert answer.status_code == 200, answer.text
        codes: dict[str, Any] = answer.json()
        return codes

    def poll(self, device_code: str | None, /, **form: str | None) -> Response:
        """The answer of /token."""
        fields: dict[str, Any] = {"grant_type": DEVICE_CODE, "device_code": device_code}
        return self._post("/token", fields | form)

    def _post(self, path: str, fields: dict[str, Any]) -> Response:
        headers = {"DPoP": proof} if (proof := fields.pop("proof", None)) else {}
        client = self.rp.client
        if client.public:
            fields = {"client_id": client.client_id} | fields
        else:
            headers["Authorization"] = basic(client.client_id, self.rp.client_secret)
        data = {name: value for name, value in fields.items() if value is not None}
        return self.rp.browser.post(path, data=data, headers=headers)


def other_screen(site: Site, backchannel: TestClient, **metadata: Any) -> OtherScreen:
    """A public client with device codes and refresh tokens, unless something else is said."""
    return OtherScreen(register(site, backchannel, **(TELEVISION | metadata)))


def error(answer: Response) -> str:
    """The error of a refusal, in the form of RFC 6749 §5.2."""
    assert answer.status_code == 400, answer.text
    assert answer.headers["cache-control"] == "no-store"
    code: str = answer.json()["error"]
    return code


def to_confirm(screen: Screen, user_code: str) -> str:
    """The token of the page that asks whether the person started it."""
    answer = screen.post_form("/device", user_code=user_code)
    assert answer.status_code == 303, answer.text
    assert urlsplit(answer.headers["location"]).path == "/device/confirm"
    return parse_qs(urlsplit(answer.headers["location"]).query)["typed"][0]


def go_on(screen: Screen, user_code: str) -> str:
    """Where "yes, go on" leads."""
    typed = to_confirm(screen, user_code)
    location: str = screen.post_form("/device/confirm", typed=typed, decision="yes").headers[
        "location"
    ]
    return location


def decide(screen: Screen, user_code: str, decision: str = "allow") -> Response:
    """The last page, of somebody who is signed in, after this decision."""
    location = go_on(screen, user_code)
    assert urlsplit(location).path == "/consent", location
    token = parse_qs(urlsplit(location).query)["request"][0]
    answer = screen.answer_page("/consent", token, decision=decision)
    while answer.status_code == 303:
        answer = screen.client.get(answer.headers["location"])
    return answer
