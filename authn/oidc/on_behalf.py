"""Who acts for whom, in the tokens that an exchange gives: `sub`, `act`, and who else was between.

RFC 8693 §4.1 (https://www.rfc-editor.org/rfc/rfc8693#section-4.1), decisions 1.4: elsewhere `sub`
is always the person who signed in. Here it is for whom they act, and `act.sub` the person; the
clients through whose hands the token went stand below that, the last one first.
"""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

from authn.oidc.access_token import AccessToken
from authn.oidc.acting_token import whom_it_is_for
from authn.people.subjects import subject_of
from authn.profiles.kinds import KINDS
from authn.profiles.profile import Profile
from authn.sources.facts import Mandate, Organisation
from authn.web.request import Request

Act = Mapping[str, Any]


def acts_for_another(profile: Profile) -> bool:
    """Whether somebody else than the person is whom it is about."""
    return KINDS[profile.kind].for_another


def is_for_another(token: AccessToken, profile: Profile) -> bool:
    """Whether the `sub` of a token in this profile is somebody else than the person who acts.

    Then it was got by an exchange, and the person is its `act.sub`. One that was got by an
    assertion has an `act` too: the client itself.
    """
    act: Act = token.claims.get("act") or {}
    return acts_for_another(profile) and act.get("sub", token.client_id) != token.client_id


def clients_of(token: AccessToken, profile: Profile) -> Act | None:
    """The clients in the `act` of a token in this profile, without the person who acts."""
    act: Act | None = token.claims.get("act")
    return act.get("act") if act and is_for_another(token, profile) else act


def subject_and_act(
    request: Request, profile: Profile, own: str, sector: str, clients: Act | None
) -> tuple[str, Act | None]:
    """The `sub` and the `act` of a token that is got by exchange for a resource of this sector.

    `own` is the `sub` of the person who acts. Raises `CapacityEnded` where whoever is acted for has
    died, and `NeededFromOutside`.
    """
    if not acts_for_another(profile):
        return own, clients
    person = whom_it_is_for(request, profile)
    if person is not None:
        sub = subject_of(request.connection, person.id, sector, request.now)
    else:
        assert isinstance(profile.fact, Mandate)
        assert isinstance(profile.fact.mandator, Organisation)
        sub = subject_of_organisation(profile.fact.mandator, sector)
    return sub, {"sub": own, **({"act": clients} if clients else {})}


def subject_of_organisation(organisation: Organisation, sector: str) -> str:
    """The `sub` of an organisation, the same for all who act for it at resources of this sector.

    A hash, so that it looks like any other; not a secret: the numbers of organisations are public.
    """
    number = f"cbe:{organisation.cbe}" if organisation.cbe else f"nihii:{organisation.nihii}"
    digest = hashlib.sha256(f"organisation\n{number}\n{sector}".encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
