"""A pending request in the hallway, and which devices are good enough for it.

OpenID Connect Core 1.0 §5.5.1.1 (`acr`), RFC 9470 §5
(https://www.rfc-editor.org/rfc/rfc9470#section-5). A class that the request asks is one more policy
beside those of the service and the client: what a device lacks is found and said in one way.
"""

from dataclasses import dataclass, field
from typing import Any

from authn.clients.clients import Client
from authn.devices.devices import devices_of
from authn.devices.tables import Device, KeyLevel
from authn.federation.upstreams import upstreams
from authn.grants.authorization_request import AuthorizationRequest
from authn.policies import BUILT_IN, LEVELS, Policy, PolicyLevel, strictest
from authn.sessions.levels import levels_of
from authn.sessions.sessions import Session
from authn.settings import Settings
from authn.web.request import Request
from authn.webauthn.policy import IDENTITY, UnmetPolicy, model_of, policy_of, unmet


@dataclass(frozen=True, slots=True)
class Passage:
    """A pending request in the hallway, with the session of its browser."""

    request: Request
    pending: AuthorizationRequest
    client: Client
    session: Session | None
    # The level that what is asked at resources needs (`permission_required.needing`).
    level: PolicyLevel | None = None
    # What was found out on the way, by the modules that find it out.
    found: dict[str, Any] = field(default_factory=dict, compare=False)

    @property
    def policy(self) -> Policy:
        """What the key must be for this application and request; raises `UnknownPolicy`."""
        policy = policy_of(self.request.settings, self.client)
        asked = asked_levels(self.request.settings, self.pending)
        if asked:
            policy = strictest(policy, BUILT_IN[asked[0]])
        return strictest(policy, BUILT_IN[self.level]) if self.level else policy


def asked_levels(settings: Settings, pending: AuthorizationRequest) -> list[KeyLevel]:
    """The levels of which one is asked, the lowest first, so that each higher one does as well."""
    return levels_of(settings, pending.essential_acr or pending.acr_values)


def granted_level(passage: Passage, session: Session) -> KeyLevel:
    """The level that the application is told: the highest of those asked, if any is.

    Core §5.5.1.1: `acr` is one of the values asked. A key that does more does that too.
    """
    asked = asked_levels(passage.request.settings, passage.pending)
    reached = [each for each in asked if LEVELS.index(each) <= LEVELS.index(session.level)]
    return reached[-1] if reached else session.level


def lacking(passage: Passage) -> UnmetPolicy | None:
    """What the session's device lacks today for this application; None when it is good enough."""
    if passage.session is None:
        return None
    device = passage.session.device
    return unmet(passage.policy, device, model_of(passage.request.site, device))


def good_enough(passage: Passage) -> list[Device]:
    """Those of the person's devices that this application accepts today."""
    assert passage.session is not None
    request, policy = passage.request, passage.policy
    return [
        device
        for device in devices_of(request.connection, passage.session.person_id)
        if device.status == "active" and not unmet(policy, device, model_of(request.site, device))
    ]


def out_of_reach(passage: Passage) -> bool:
    """Whether a class is asked that no device of the person's has, nor would have with a better
    proof of who they are (decisions 4.8)."""
    if not asked_levels(passage.request.settings, passage.pending):
        return False
    if lacking(passage) is IDENTITY and upstreams(passage.request.settings):
        return False
    return not good_enough(passage)
