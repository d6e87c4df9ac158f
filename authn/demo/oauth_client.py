"""The demo application as an OAuth client: its requests, its calls, and the accounts signed in.

RFC 8693 for the exchange, RFC 7009 for the revocation. Accounts are in memory while the application
runs, since a cookie holds 4 kB, and the list of those for whom a person may act can be longer.
"""

import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx2

from authn.demo.resource import SCOPES as RESOURCE_SCOPES
from authn.errors import N_
from authn.secrets import new_token

SCOPES: Final = "openid profile ssin"
# The scope of a sign-in that goes on to the resource.
AT_THE_RESOURCE: Final = " ".join((SCOPES, *RESOURCE_SCOPES))
# The kinds of capacity, and the words on their buttons.
KINDS: Final[Mapping[str, str]] = {
    "citizen": N_("As yourself"),
    "quality": N_("In your profession"),
    "organisation": N_("For your organisation"),
    "mandate": N_("By a mandate"),
    "child": N_("For your child"),
}
# The levels by the last part of their `acr`, and the words on their buttons.
LEVELS: Final[Mapping[str, str]] = {
    "synced": N_("Any device"),
    "device": N_("A key that stays in its device"),
    "certified": N_("A certified device"),
}
EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 (a type)
TIMEOUT: Final = 10
MOST_ACCOUNTS: Final = 1000
# Members of a token response that no page shows.
NOT_SHOWN: Final = ("access_token", "refresh_token", "id_token", "userinfo")


@dataclass(frozen=True, slots=True)
class DemoAuthorization:
    """The wishes of a sign-in, from the form on the page."""

    acr: str = ""
    kind: str = ""
    as_details: bool = False
    another_capacity: bool = False
    at_the_resource: bool = False

    @classmethod
    def of_form(cls, form: Mapping[str, str]) -> "DemoAuthorization":
        """The wishes in a form; values that no button sends are left out."""
        kind = form.get("kind", "")
        return cls(
            acr=form.get("acr", ""),
            kind=kind if kind in KINDS else "",
            as_details="as_details" in form,
            another_capacity="another_capacity" in form,
            at_the_resource="at_the_resource" in form,
        )

    def parameters(self, resource: str) -> dict[str, str]:
        """The parameters of the authorization request that come from the wishes.

        The capacity goes as the hint `profile`, or as `authorization_details` (RFC 9396);
        `prompt=select_account` (OpenID Connect Core 1.0 §3.1.2.1) lets the person choose another.
        """
        parameters = {"scope": AT_THE_RESOURCE if self.at_the_resource else SCOPES}
        if self.at_the_resource:
            parameters["resource"] = resource
        if self.acr:
            parameters["acr_values"] = self.acr
        if self.another_capacity:
            parameters["prompt"] = "select_account"
        if self.kind and self.as_details:
            details = [{"type": "profile", "kinds": [self.kind]}]
            parameters["authorization_details"] = json.dumps(details)
        elif self.kind:
            parameters["profile"] = self.kind
        return parameters


@dataclass(frozen=True, slots=True)
class DemoAnswer:
    """An HTTP answer: its status, and its JSON body."""

    status: int
    body: Mapping[str, Any]

    @property
    def refused(self) -> bool:
        """Whether the status is an error."""
        return self.status >= 400


@dataclass(frozen=True, slots=True)
class DemoCaller:
    """Calls of the provider's endpoints, as the client that the demo application is."""

    client_id: str
    client_secret: str
    endpoints: Mapping[str, Any]

    async def exchange(self, access_token: str, resource: str, subject: str = "") -> DemoAnswer:
        """The answer to a token exchange for the resource; `subject` names another capacity."""
        form = {
            "grant_type": EXCHANGE,
            "subject_token": access_token,
            "subject_token_type": ACCESS_TOKEN,
            "resource": resource,
        }
        if subject:
            form["requested_subject"] = subject
        return await self._post("token_endpoint", form)

    async def revoke(self, access_token: str) -> DemoAnswer:
        """The answer to the revocation of the grant by its access token."""
        return await self._post("revocation_endpoint", {"token": access_token})

    async def _post(self, endpoint: str, form: Mapping[str, str]) -> DemoAnswer:
        async with httpx2.AsyncClient(timeout=TIMEOUT) as client:
            return _read_answer(
                await client.post(
                    self.endpoints[endpoint],
                    data=dict(form),
                    auth=(self.client_id, self.client_secret),
                )
            )


async def call(address: str, access_token: str) -> DemoAnswer:
    """The answer of an endpoint that takes access tokens: the resource, or userinfo."""
    async with httpx2.AsyncClient(timeout=TIMEOUT) as client:
        headers = {"Authorization": f"Bearer {access_token}"}
        return _read_answer(await client.get(address, headers=headers))


def _read_answer(response: httpx2.Response) -> DemoAnswer:
    try:
        body = response.json() if response.content else {}
    except ValueError:
        body = {}
    return DemoAnswer(response.status_code, body if isinstance(body, dict) else {})


@dataclass(slots=True)
class DemoAccount:
    """A sign-in: the tokens, the claims, and the outcome of the button pressed last."""

    access_token: str = field(repr=False)
    id_token: str = field(repr=False)
    userinfo: Mapping[str, Any]
    id_token_claims: Mapping[str, Any]
    token_answer: Mapping[str, Any]
    outcome: "DemoLoginOutcome | None" = None

    @classmethod
    def of_token(cls, token: Mapping[str, Any], userinfo: Mapping[str, Any]) -> "DemoAccount":
        """The account of a token response and the answer of userinfo."""
        return cls(
            access_token=token["access_token"],
            id_token=token["id_token"],
            userinfo=userinfo,
            id_token_claims=dict(token["userinfo"]),
            token_answer={name: value for name, value in token.items() if name not in NOT_SHOWN},
        )


@dataclass(frozen=True, slots=True)
class DemoLoginOutcome:
    """The outcome of a button: which button, and the answers by who gave them."""

    button: str
    answers: Mapping[str, Mapping[str, Any]]
    refused: bool = False


class DemoAccounts:
    """The accounts by the random word in a browser's cookie; of too many the oldest is dropped."""

    def __init__(self) -> None:
        self._accounts: OrderedDict[str, DemoAccount] = OrderedDict()

    def add(self, account: DemoAccount) -> str:
        """The word under which the account is found."""
        word = new_token()
        self._accounts[word] = account
        while len(self._accounts) > MOST_ACCOUNTS:
            self._accounts.popitem(last=False)
        return word

    def find(self, word: object) -> DemoAccount | None:
        """The account of the word; None once dropped."""
        return self._accounts.get(word) if isinstance(word, str) else None

    def remove(self, word: object) -> DemoAccount | None:
        """The account of the word, dropped by this call."""
        return self._accounts.pop(word, None) if isinstance(word, str) else None
