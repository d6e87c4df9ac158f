"""What the demo application asks the provider and the resource, once somebody is signed in.

RFC 8693 for the exchange, RFC 7009 for the revocation.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx2

EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 (a type)
SECONDS: Final = 10


@dataclass(frozen=True, slots=True)
class DemoAnswer:
    """A status, and what came with it."""

    status: int
    body: Mapping[str, Any]

    @property
    def refused(self) -> bool:
        """Whether it was no success."""
        return self.status >= 400


@dataclass(frozen=True, slots=True)
class DemoCaller:
    """The demo application, as the provider knows it, and the provider's endpoints."""

    client_id: str
    client_secret: str
    endpoints: Mapping[str, Any]

    async def exchange(self, access_token: str, resource: str, subject: str = "") -> DemoAnswer:
        """The answer to an exchange for the resource; `subject` names another capacity."""
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
        async with httpx2.AsyncClient(timeout=SECONDS) as client:
            return _answered(
                await client.post(
                    self.endpoints[endpoint],
                    data=dict(form),
                    auth=(self.client_id, self.client_secret),
                )
            )


async def call(address: str, access_token: str) -> DemoAnswer:
    """The answer of an endpoint that takes access tokens: the resource, or userinfo."""
    async with httpx2.AsyncClient(timeout=SECONDS) as client:
        headers = {"Authorization": f"Bearer {access_token}"}
        return _answered(await client.get(address, headers=headers))


def _answered(response: httpx2.Response) -> DemoAnswer:
    try:
        body = response.json() if response.content else {}
    except ValueError:
        body = {}
    return DemoAnswer(response.status_code, body if isinstance(body, dict) else {})
