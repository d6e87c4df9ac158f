"""A client that pushes its authorization requests, in tests: RFC 9126."""

from urllib.parse import urlencode

from httpx2 import Response

from authn.clients.clients import BASIC
from tests.citizen import ORIGIN
from tests.oidc.client_keys import ClientKey, asserted, assertion
from tests.oidc.relying_party import RelyingParty, basic


def push(rp: RelyingParty, key: ClientKey | None = None, /, **parameters: str | None) -> Response:
    """The answer of /par to this request, the client authenticated with its secret or the key.

    A parameter that is None is left out; `dpop` is the proof in the header.
    """
    client_id = rp.client.client_id
    proof = parameters.pop("dpop", None)
    return push_form(rp, rp.request(**parameters), key, dpop=proof, client_id=client_id)


def push_form(
    rp: RelyingParty,
    form: dict[str, str],
    key: ClientKey | None = None,
    /,
    dpop: str | None = None,
    client_id: str = "",
) -> Response:
    """The answer of /par to just this form, the client authenticated beside it."""
    client_id = client_id or rp.client.client_id
    headers = {"DPoP": dpop} if dpop else {}
    if key:
        signed = assertion(client_id, ORIGIN, key, rp.site.clock())
        form = form | asserted(signed)
    elif rp.client.token_endpoint_auth_method == BASIC:
        headers["Authorization"] = basic(client_id, rp.client_secret)
    elif rp.client_secret:
        form = form | {"client_secret": rp.client_secret}
    return rp.browser.post("/par", data=form, headers=headers)


def pushed(rp: RelyingParty, key: ClientKey | None = None, /, **parameters: str | None) -> str:
    """The `request_uri` of this request."""
    answer = push(rp, key, **parameters)
    assert answer.status_code == 201, answer.text
    request_uri: str = answer.json()["request_uri"]
    return request_uri


def bring(rp: RelyingParty, request_uri: str, **more: str) -> Response:
    """The answer of /authorize to the browser that comes with it."""
    query = {"client_id": rp.client.client_id, "request_uri": request_uri, **more}
    return rp.browser.get("/authorize?" + urlencode(query))
