"""Whether a key is good enough: its level, and what a policy asks of it (decisions 6).

Evaluated at each login and each confirmation, and again in the hallway for a session that is open
already: always from what is stored of the key now and what the metadata says of its model today.
So a key that turned out to be synced, or whose model was revoked yesterday, loses its level today.

Why a claimed AAGUID counts against a key and never for it: without attestation anybody can claim a
good model, and nobody claims a bad one (decisions 2.4).
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from sqlalchemy import Connection

from authn.clients.clients import Client, policies_of_clients
from authn.devices.tables import IdentityLevel, KeyLevel
from authn.errors import N_, Unavailable
from authn.policies import COMPROMISED, LEVELS, Policy, find_policy, strictest
from authn.settings import Settings
from authn.web.site import Site
from authn.webauthn.metadata import MetadataModel, current_metadata

__all__ = ["Policy"]

NO_MODEL = UUID(int=0)
ALGORITHM_NAMES = {-7: "ES256", -8: "EdDSA", -257: "RS256"}  # RFC 9053 §2


class PolicyKey(Protocol):
    """What is looked at of a key: a `NewCredential` has it, a `Device`, a session's device."""

    @property
    def aaguid(self) -> UUID: ...

    @property
    def algorithm(self) -> int: ...

    @property
    def backup_eligible(self) -> bool: ...

    @property
    def attested(self) -> bool: ...

    @property
    def attestation_key_id(self) -> str | None: ...


class HeldKey(PolicyKey, Protocol):
    """A key that somebody holds: what is known of it besides."""

    @property
    def identity_level(self) -> IdentityLevel: ...

    @property
    def backup_changed(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class UnmetPolicy:
    """What a key lacks. `reason` is for operators; the two sentences are for its holder."""

    reason: str
    what_is: str
    what_is_needed: str


ANOTHER_MODEL = N_("You need a device of another model, such as a new security key.")
BOUND = N_("You need a key that stays on one device. A security key has one, for example.")
CERTIFIED = N_("You need a device of a certified model. Many security keys are.")

ALGORITHM = UnmetPolicy(
    "algorithm", N_("Its key is of a kind that is no longer accepted."), ANOTHER_MODEL
)
DENIED = UnmetPolicy("model denied", N_("Its model is not accepted."), ANOTHER_MODEL)
UNKNOWN_MODEL = UnmetPolicy("no model", N_("It does not say which model it is."), ANOTHER_MODEL)
NOT_ALLOWED = UnmetPolicy(
    "model not allowed", N_("It is not proven to be of an accepted model."), ANOTHER_MODEL
)
PROHIBITED = UnmetPolicy(
    "model prohibited",
    N_("A weakness of its model is known, so it is not accepted."),
    ANOTHER_MODEL,
)
CHANGED_BACKUP = UnmetPolicy(
    "backup flag changed", N_("Its key was on that device alone, and no longer is."), BOUND
)
SYNCED = UnmetPolicy("level synced", N_("Its key is shared by several of your devices."), BOUND)
NOT_CERTIFIED = UnmetPolicy(
    "level device", N_("It is not proven to be of a certified model."), CERTIFIED
)
IDENTITY = UnmetPolicy(
    "identity substantial",
    N_("The device is good enough. Your identity was not proven strongly when you added it."),
    N_("You need to prove your identity once more, with your identity card."),
)


def key_level(key: PolicyKey, model: MetadataModel | None) -> KeyLevel:
    """The level of a key that verifies its user, of this model by today's metadata.

    `certified`: attested at enrolment by a chain that ends in trusted metadata, of a model whose
    FIDO certification is in effect and which nothing grave is reported of.
    """
    if key.backup_eligible:
        return "synced"
    if not key.attested or model is None or model.statuses & COMPROMISED:
        return "device"
    certified = any(status.startswith("FIDO_CERTIFIED") for status in model.statuses)
    return "certified" if certified else "device"


def login_level(key: KeyLevel, identity: IdentityLevel) -> KeyLevel:
    """The level of a login: the key's, but `certified` only with a high proof of identity."""
    return "device" if key == "certified" and identity != "high" else key


def lower(one: KeyLevel, other: KeyLevel) -> KeyLevel:
    """The lower of two levels."""
    return min(one, other, key=LEVELS.index)


def model_of(site: Site, key: PolicyKey) -> MetadataModel | None:
    """The model that the key is of, or claims, in today's metadata."""
    if key.aaguid == NO_MODEL and key.attestation_key_id is None:
        return None
    return current_metadata(site).model(key.aaguid, key.attestation_key_id)


def level_today(site: Site, key: HeldKey) -> KeyLevel:
    """The level of a login with this key today."""
    # Only an attested key can be more than its flag says: for others nothing is looked up.
    model = model_of(site, key) if key.attested else None
    return login_level(key_level(key, model), key.identity_level)


def vouched_identity(site: Site, confirming: HeldKey) -> IdentityLevel:
    """How well a person's identity is proven by a device that confirms another one (decisions 6).

    No better than by a login with it: a key that is synced does not make one that counts as
    certified.
    """
    return "high" if level_today(site, confirming) == "certified" else "substantial"


class UnknownPolicy(Unavailable):
    """A client names a policy that the settings don't have: nobody can say what is enough."""

    def __init__(self, client: Client) -> None:
        super().__init__(
            N_("This application is not set up correctly here. Please tell its makers."),
            detail=f"client {client.client_id} names the unknown policy {client.policy}",
        )


def policy_of(settings: Settings, client: Client | None) -> Policy:
    """What a key must be: the service's policy, and whatever the client's asks for more.

    Raises `UnknownPolicy`.
    """
    own = _known(settings, settings.policy)
    if client is None or client.policy is None:
        return own
    asked = find_policy(settings.policies, client.policy)
    if asked is None:
        raise UnknownPolicy(client)
    return strictest(own, asked)


def unknown_policies(settings: Settings, connection: Connection) -> list[str]:
    """The names of policies that a client asks for and the settings don't have."""
    names = policies_of_clients(connection)
    return sorted(name for name in names if find_policy(settings.policies, name) is None)


def policy_of_staff(settings: Settings) -> Policy:
    """What keys of support agents and operators must be: `device` at least."""
    return strictest(_known(settings, settings.policy), _known(settings, settings.staff_policy))


def direct_attestation(settings: Settings, connection: Connection) -> bool:
    """Whether a policy in force can be satisfied with attestation alone (decisions 2.4).

    In force are the service's, the staff's, and those that a client names.
    """
    names = {settings.policy, settings.staff_policy} | policies_of_clients(connection)
    policies = [find_policy(settings.policies, name) for name in names]
    return any(policy is not None and policy.needs_attestation for policy in policies)


def unmet_by_key(policy: Policy, key: PolicyKey, model: MetadataModel | None) -> UnmetPolicy | None:
    """What a key lacks by itself, whoever holds it: for a new one. None when it is good enough."""
    checks = (_algorithm(policy, key), _model(policy, key, model), _level(policy, key, model))
    return next((found for found in checks if found), None)


def unmet(policy: Policy, key: HeldKey, model: MetadataModel | None) -> UnmetPolicy | None:
    """What the policy asks and this key, as it is now, lacks; None when it is good enough."""
    found = unmet_by_key(policy, key, model)
    if found is None and policy.changed_backup == "refuse" and key.backup_changed:
        return CHANGED_BACKUP
    level = login_level(key_level(key, model), key.identity_level)
    if found is None and LEVELS.index(level) < LEVELS.index(policy.level):
        return IDENTITY
    return found


def needed(policy: Policy, default: Policy) -> str:
    """Which device the policy asks for beyond the default one, in a sentence; "" for any."""
    if policy.level == "certified":
        return CERTIFIED
    if policy.allow is not None and policy.allow != default.allow:
        return N_("You need a device of a model that this application accepts.")
    return BOUND if policy.level != default.level else ""


def _known(settings: Settings, name: str) -> Policy:
    policy = find_policy(settings.policies, name)
    assert policy is not None, "the settings were checked when they were read"
    return policy


def _algorithm(policy: Policy, key: PolicyKey) -> UnmetPolicy | None:
    name: Collection[str] = policy.algorithms
    return None if ALGORITHM_NAMES.get(key.algorithm) in name else ALGORITHM


def _model(policy: Policy, key: PolicyKey, model: MetadataModel | None) -> UnmetPolicy | None:
    if key.aaguid in policy.deny:
        return DENIED
    if model is not None and model.statuses & policy.prohibited:
        return PROHIBITED
    if key.aaguid == NO_MODEL and policy.unknown_model == "refuse":
        return UNKNOWN_MODEL
    if policy.allow is not None and not (key.attested and key.aaguid in policy.allow):
        return NOT_ALLOWED
    return None


def _level(policy: Policy, key: PolicyKey, model: MetadataModel | None) -> UnmetPolicy | None:
    level = key_level(key, model)
    if LEVELS.index(level) >= LEVELS.index(policy.level):
        return None
    return SYNCED if level == "synced" else NOT_CERTIFIED
