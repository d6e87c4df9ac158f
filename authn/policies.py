"""Which keys are good enough: policies by name, those built in and those that the settings name.

A policy is read once at start, and strictly: a member that is misspelt would quietly allow what
the operator meant to forbid. `webauthn.policy` holds a key against one.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, Literal, TypeVar, get_args
from uuid import UUID

import orjson
from pydantic import ConfigDict, StringConstraints, TypeAdapter, ValidationError
from pydantic import dataclasses as pydantic

T = TypeVar("T")
PolicyLevel = Literal["synced", "device", "certified"]
LEVELS: tuple[PolicyLevel, ...] = get_args(PolicyLevel)  # from the lowest to the highest
AlgorithmName = Literal["ES256", "EdDSA", "RS256"]

# FIDO Metadata Service §3.1.4, AuthenticatorStatus: those that may speak against a model.
Status = Literal[
    "REVOKED",
    "USER_KEY_REMOTE_COMPROMISE",
    "USER_KEY_PHYSICAL_COMPROMISE",
    "ATTESTATION_KEY_COMPROMISE",
    "USER_VERIFICATION_BYPASS",
    "UPDATE_AVAILABLE",
    "RETIRED",
    "NOT_FIDO_CERTIFIED",
    "SELF_ASSERTION_SUBMITTED",
]
# Keys of such a model must not be believed.
COMPROMISED: frozenset[Status] = frozenset(
    {
        "REVOKED",
        "USER_KEY_REMOTE_COMPROMISE",
        "USER_KEY_PHYSICAL_COMPROMISE",
        "ATTESTATION_KEY_COMPROMISE",
        "USER_VERIFICATION_BYPASS",
    }
)


@pydantic.dataclass(frozen=True, slots=True, config=ConfigDict(extra="forbid"))
class Policy:
    """What a key must be, to be used at all or for one application.

    `level` is the least. `allow` are the only models accepted (None: any), and each must be proven
    by attestation; `deny` are models refused. `prohibited` are statuses of the FIDO metadata that
    refuse a model. `unknown_model` is what happens to a key that doesn't tell its model (an
    all-zero AAGUID), `changed_backup` to one whose backup flag is not what it was at enrolment:
    its level is lowered in any case.
    """

    level: PolicyLevel = "synced"
    allow: frozenset[UUID] | None = None
    deny: frozenset[UUID] = frozenset()
    algorithms: frozenset[AlgorithmName] = frozenset(get_args(AlgorithmName))
    prohibited: frozenset[Status] = COMPROMISED
    unknown_model: Literal["accept", "refuse"] = "accept"
    changed_backup: Literal["lower", "refuse"] = "lower"

    @property
    def needs_attestation(self) -> bool:
        """Whether only a key whose model is proven can satisfy it (decisions 2.4)."""
        return self.level == "certified" or self.allow is not None


BUILT_IN: dict[str, Policy] = {level: Policy(level=level) for level in LEVELS}

LONGEST_NAME = 40
_NAMED = TypeAdapter(
    dict[
        Annotated[str, StringConstraints(pattern=rf"^[A-Za-z0-9._-]{{1,{LONGEST_NAME}}}$")], Policy
    ]
)


_BY_LEVEL = TypeAdapter(
    dict[PolicyLevel, Annotated[str, StringConstraints(pattern="^[!-~]{1,200}$")]]
)


def read_policies(value: Any) -> dict[str, Policy]:
    """The policies in a JSON object, by name; raises `ValueError` saying which member is wrong."""
    named = _read(_NAMED, value)
    for name in named:
        if name in BUILT_IN:
            raise ValueError(f"{name}: is the name of a policy that is built in; choose another")
    return named


def read_levels(value: Any) -> dict[PolicyLevel, str]:
    """A word for each level in a JSON object; raises `ValueError` as `read_policies` does."""
    return _read(_BY_LEVEL, value)


def _read(adapter: TypeAdapter[T], value: Any) -> T:
    if isinstance(value, str):
        try:
            value = orjson.loads(value or "{}")
        except orjson.JSONDecodeError as error:
            raise ValueError(f"is not JSON ({error})") from None
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise ValueError(f"{where}: {problem['msg']}".removeprefix(": ")) from None


@lru_cache
def combine_policies(one: Policy, other: Policy) -> Policy:
    """The policy that asks whatever either of the two asks."""
    both = {one.allow, other.allow} - {None}
    return Policy(
        level=max(one.level, other.level, key=LEVELS.index),
        allow=frozenset.intersection(*both) if both else None,  # type: ignore[arg-type]
        deny=one.deny | other.deny,
        algorithms=one.algorithms & other.algorithms,
        prohibited=one.prohibited | other.prohibited,
        unknown_model="refuse"
        if "refuse" in (one.unknown_model, other.unknown_model)
        else "accept",
        changed_backup=(
            "refuse" if "refuse" in (one.changed_backup, other.changed_backup) else "lower"
        ),
    )


def find_policy(named: Mapping[str, Policy], name: str) -> Policy | None:
    """The policy of this name, built in or named by the settings."""
    return BUILT_IN.get(name) or named.get(name)
