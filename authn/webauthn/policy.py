"""Whether a key is good enough: the level of a key, and what a policy asks of one (decisions 6).

Evaluated at each login and each confirmation, and again in each interaction of a session that is
open already: always from what is stored of the key and what the metadata says of its model today.
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
from authn.policies import COMPROMISED, LEVELS, Policy, combine_policies, find_policy
from authn.settings import Settings
from authn.web.site import Site
from authn.webauthn.metadata.current import current_metadata
from authn.webauthn.metadata.entries import MetadataModel

NO_MODEL = UUID(int=0)
ALGORITHM_NAMES = {-7: "ES256", -8: "EdDSA", -257: "RS256"}  # RFC 9053 §2


class PolicyKey(Protocol):
    """The facts of a key that policy needs: of a new credential, a device, a session's device."""

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
    """A key that a person holds, with the identity proven for it and what its flags did since."""

    @property
    def identity_level(self) -> IdentityLevel: ...

    @property
    def backup_changed(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class UnmetPolicy:
    """A rule of a policy that a key does not meet.

    `reason` is for operators; the two sentences are for the holder.
    """

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
    """The level of a key that verifies its user; `model` is the model's entry in today's metadata.

    `synced`: its backup-eligible flag is set. `certified`: attested at enrolment by a chain that
    ends in trusted metadata, of a model whose FIDO certification is in effect and which nothing
    grave is reported of. `device` otherwise.
    """
    if key.backup_eligible:
        return "synced"
    if not key.attested or model is None or model.statuses & COMPROMISED:
        return "device"
    certified = any(status.startswith("FIDO_CERTIFIED") for status in model.statuses)
    return "certified" if certified else "device"


def login_level(key: KeyLevel, identity: IdentityLevel) -> KeyLevel:
    """The level of a login: the key's, where `certified` also takes a high proof of identity."""
    return "device" if key == "certified" and identity != "high" else key


def lower_level(one: KeyLevel, other: KeyLevel) -> KeyLevel:
    """The lower of two levels."""
    return min(one, other, key=LEVELS.index)


def find_model(site: Site, key: PolicyKey) -> MetadataModel | None:
    """The model that the key has, or claims without attestation, in today's metadata."""
    if key.aaguid == NO_MODEL and key.attestation_key_id is None:
        return None
    return current_metadata(site).model(key.aaguid, key.attestation_key_id)


def current_level(site: Site, key: HeldKey) -> KeyLevel:
    """The level that a login with the key has today."""
    # Only an attested key can be more than its flag says: for others nothing is looked up.
    model = find_model(site, key) if key.attested else None
    return login_level(key_level(key, model), key.identity_level)


def vouched_identity_level(site: Site, confirming: HeldKey) -> IdentityLevel:
    """The identity level of a device that was added by `confirming` (decisions 6).

    `high` only where a login with `confirming` is certified today: a synced key never makes a
    further key that counts as certified.
    """
    return "high" if current_level(site, confirming) == "certified" else "substantial"


class UnknownPolicy(Unavailable):
    """A client names a policy that the settings don't have, so that no key can be judged."""

    def __init__(self, client: Client) -> None:
        super().__init__(
            N_("This application is not set up correctly here. Please tell its makers."),
            detail=f"client {client.client_id} names the unknown policy {client.policy}",
        )


def required_policy(settings: Settings, client: Client | None) -> Policy:
    """The policy that a key must meet: the service's, made stricter by the client's.

    Raises `UnknownPolicy`.
    """
    own = _require_policy(settings, settings.policy)
    if client is None or client.policy is None:
        return own
    asked = find_policy(settings.policies, client.policy)
    if asked is None:
        raise UnknownPolicy(client)
    return combine_policies(own, asked)


def unknown_policies(settings: Settings, connection: Connection) -> list[str]:
    """The names of policies that a client asks for and the settings don't have."""
    names = policies_of_clients(connection)
    return sorted(name for name in names if find_policy(settings.policies, name) is None)


def required_staff_policy(settings: Settings) -> Policy:
    """The policy that keys of support agents and operators must meet: level `device` at least."""
    return combine_policies(
        _require_policy(settings, settings.policy), _require_policy(settings, settings.staff_policy)
    )


def needs_direct_attestation(settings: Settings, connection: Connection) -> bool:
    """Whether a policy in force can be satisfied with attestation alone (decisions 2.4).

    In force are the service's, the staff's, and those that a client names.
    """
    names = {settings.policy, settings.staff_policy} | policies_of_clients(connection)
    policies = [find_policy(settings.policies, name) for name in names]
    return any(policy is not None and policy.needs_attestation for policy in policies)


def find_unmet_by_key(
    policy: Policy, key: PolicyKey, model: MetadataModel | None
) -> UnmetPolicy | None:
    """The first rule that a new key does not meet, whoever holds it; None when all are met."""
    checks = (
        _check_algorithm(policy, key),
        _check_model(policy, key, model),
        _check_level(policy, key, model),
    )
    return next((unmet for unmet in checks if unmet), None)


def find_unmet(policy: Policy, key: HeldKey, model: MetadataModel | None) -> UnmetPolicy | None:
    """The first rule that a key of somebody does not meet today; None when all are met."""
    unmet = find_unmet_by_key(policy, key, model)
    if unmet is None and policy.changed_backup == "refuse" and key.backup_changed:
        return CHANGED_BACKUP
    level = login_level(key_level(key, model), key.identity_level)
    if unmet is None and LEVELS.index(level) < LEVELS.index(policy.level):
        return IDENTITY
    return unmet


def needed_device_sentence(policy: Policy, default: Policy) -> str:
    """The sentence that says which device `policy` asks for beyond `default`; "" for none."""
    if policy.level == "certified":
        return CERTIFIED
    if policy.allow is not None and policy.allow != default.allow:
        return N_("You need a device of a model that this application accepts.")
    return BOUND if policy.level != default.level else ""


def _require_policy(settings: Settings, name: str) -> Policy:
    policy = find_policy(settings.policies, name)
    assert policy is not None, "the settings were checked when they were read"
    return policy


def _check_algorithm(policy: Policy, key: PolicyKey) -> UnmetPolicy | None:
    names: Collection[str] = policy.algorithms
    return None if ALGORITHM_NAMES.get(key.algorithm) in names else ALGORITHM


def _check_model(policy: Policy, key: PolicyKey, model: MetadataModel | None) -> UnmetPolicy | None:
    if key.aaguid in policy.deny:
        return DENIED
    if model is not None and model.statuses & policy.prohibited:
        return PROHIBITED
    if key.aaguid == NO_MODEL and policy.unknown_model == "refuse":
        return UNKNOWN_MODEL
    if policy.allow is not None and not (key.attested and key.aaguid in policy.allow):
        return NOT_ALLOWED
    return None


def _check_level(policy: Policy, key: PolicyKey, model: MetadataModel | None) -> UnmetPolicy | None:
    level = key_level(key, model)
    if LEVELS.index(level) >= LEVELS.index(policy.level):
        return None
    return SYNCED if level == "synced" else NOT_CERTIFIED
