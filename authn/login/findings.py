"""The findings of the checks about one request, each read once.

The checks fill them in (`login.checks`); the pages show them, and the grant is made of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from authn.clients.resource_servers.permissions import (
    RefusedPermission,
)
from authn.clients.resource_servers.resources import Resource
from authn.consents.consent_names import (
    names_to_ask,
)
from authn.consents.consents import ConsentAnswer
from authn.grants.authorization_request import AuthorizationRequest
from authn.login.profile_choices import (
    ChosenProfile,
)
from authn.policies import PolicyLevel
from authn.profiles.profile import CITIZEN, Kind, Profile
from authn.sources.questions import QuestionName


@dataclass(frozen=True, slots=True)
class CapacityChoice:
    """The capacities in which a person may act for a request, and the one chosen.

    `profile` is None while they must choose, or can't: then there are no `candidates`. `kept` is
    the choice of before that it is. `last` is what they chose last at this application, and may
    still. `unchecked` are questions whose answer nobody knows now: known of where the person has
    not chosen. `lost`: what they chose in this session they may not any more. `kinds` are those of
    which the request would take any.
    """

    candidates: tuple[Profile, ...] = (CITIZEN,)
    profile: Profile | None = CITIZEN
    kept: ChosenProfile | None = None
    last: Profile | None = None
    unchecked: tuple[QuestionName, ...] = ()
    lost: bool = False
    kinds: frozenset[Kind] = frozenset()


AS_CITIZEN: Final = CapacityChoice()


ScopeAtResource = tuple[str, str]
"""A resource and a scope of it; "" for the resource alone."""


@dataclass(frozen=True, slots=True)
class CapacityPermission:
    """What a profile may obtain: `request` is without what is `refused`, each with why.

    `level` is the one to sign in at first, None where nothing is to be had by it; `denied` is
    whether the client gets nothing at all.
    """

    request: AuthorizationRequest
    refused: Mapping[ScopeAtResource, RefusedPermission]
    level: PolicyLevel | None = None
    denied: bool = False


@dataclass(frozen=True, slots=True)
class ConsentQuestion:
    """The question that the consent page asks, by the names of `consents.consent_names`.

    `needed` is what the client can't do without. `answers` are those of before that count, `former`
    all that hold: where everything is asked anew they have the person's last answers.
    """

    request: AuthorizationRequest
    names: frozenset[str]
    needed: frozenset[str]
    answers: dict[str, ConsentAnswer]
    former: dict[str, ConsentAnswer]

    @property
    def left(self) -> frozenset[str]:
        """What the person must still answer."""
        return names_to_ask(self.names, self.needed, self.answers)


@dataclass(frozen=True, slots=True)
class DeskActConfirmation:
    """When the act at the help desk was confirmed for this request; None where it was not."""

    confirmed_at: datetime | None


@dataclass(slots=True)
class InteractionFindings:
    """The findings of one interaction: None, or no entry, until the check of that name has looked.

    `permissions` are by `Profile.id`, `questions` by `Profile.consent_id`. Not frozen: a check
    that asks the database fills in its own field, so that no later one asks again.
    """

    capacity: CapacityChoice | None = None
    resources: Mapping[str, Resource] | None = None
    permissions: dict[UUID | None, CapacityPermission] = field(default_factory=dict)
    questions: dict[UUID, ConsentQuestion] = field(default_factory=dict)
    desk_act: DeskActConfirmation | None = None
