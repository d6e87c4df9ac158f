"""What the buttons of the demo application ask: a level, a capacity, access at the resource."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from authn.demo.resource import SCOPES as RESOURCE_SCOPES
from authn.errors import N_

SCOPES: Final = "openid profile ssin"
# What a sign-in that goes on to the resource asks beside this.
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


@dataclass(frozen=True, slots=True)
class DemoAuthorization:
    """What one sign-in asks, as the form on the page had it."""

    acr: str = ""
    kind: str = ""
    as_details: bool = False
    another_capacity: bool = False
    at_the_resource: bool = False

    @classmethod
    def of_form(cls, form: Mapping[str, str]) -> "DemoAuthorization":
        """The same, of a form; what it has that no button of ours sends is left out."""
        kind = form.get("kind", "")
        return cls(
            acr=form.get("acr", ""),
            kind=kind if kind in KINDS else "",
            as_details="as_details" in form,
            another_capacity="another_capacity" in form,
            at_the_resource="at_the_resource" in form,
        )

    def parameters(self, resource: str) -> dict[str, str]:
        """The parameters of the authorization request, beside those that every one has.

        The capacity goes as the hint `profile`, or as `authorization_details` (RFC 9396); to choose
        another one, the account page is asked for (`prompt`, OpenID Connect Core 1.0 §3.1.2.1).
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
