"""Whether an identity may obtain a scope of a resource: one decision, over values alone.

RFC 6749 §3.3 (https://www.rfc-editor.org/rfc/rfc6749#section-3.3): what is asked may be granted
narrower. The operator's rules stand with the resource; everything that gives or uses a token asks
here, so that no way around them is left. Why a discipline is a rule for qualities alone, and a
service name for mandates: nobody else has one, and a scope can be for both physicians and parents.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from authn.clients.resources import Level, Resource, ResourceRules, ResourceScope
from authn.errors import N_
from authn.policies import LEVELS, PolicyLevel

# In which capacities a person can act, and a system, which is nobody.
Kind = Literal["citizen", "quality", "organisation", "mandate", "child", "staff"]
IdentityKind = Kind | Literal["system"]

PROFILE_KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
QUALITY: Final = "quality"
MANDATE: Final = "mandate"
STAFF: Final = "staff"
SYSTEM: Final = "system"
IDENTITY_KINDS: Final[tuple[IdentityKind, ...]] = (*PROFILE_KINDS, SYSTEM)


@dataclass(frozen=True, slots=True)
class ClientIdentity:
    """In which capacity somebody acts, and at which level they signed in.

    `disciplines` are those of a quality, `service_names` those of a mandate. A system has not
    signed in: its `level` is None, and no level is asked of it.
    """

    kind: IdentityKind
    level: PolicyLevel | None
    disciplines: Collection[str] = ()
    service_names: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class RefusedPermission:
    """Why not: a word for records, a sentence for developers (ASCII), and one for people."""

    reason: Literal["scope", "kind", "discipline", "service_name", "level"]
    description: str
    sentence: str


# In the order in which they are looked at: who is refused for the level meets all other rules.
UNKNOWN_SCOPE: Final = RefusedPermission(
    "scope",
    "The scope is not one of the resource.",
    N_("This does not exist any more."),
)
KIND: Final = RefusedPermission(
    "kind",
    "The scope may not be obtained in the capacity in which the person acts.",
    N_("It is not for the capacity in which you act now."),
)
DISCIPLINE: Final = RefusedPermission(
    "discipline",
    "The scope may not be obtained in the discipline in which the person acts.",
    N_("It is not for your profession."),
)
SERVICE_NAME: Final = RefusedPermission(
    "service_name",
    "The scope is not one of a service that the mandate is for.",
    N_("Your mandate is not for this service."),
)
LEVEL: Final = RefusedPermission(
    "level",
    "The scope needs a login of a higher level.",
    N_("It needs a stronger device than the one that you signed in with."),
)


def refusal(
    identity: ClientIdentity, scope: str, resource: Resource | ResourceRules
) -> RefusedPermission | None:
    """Why this identity may not obtain this scope of this resource; None when it may.

    The scope "" is the resource alone: a token for it without any scope.
    """
    if not scope:
        return _level(identity, resource.level)
    rules = resource.scopes.get(scope)
    if rules is None:
        return UNKNOWN_SCOPE
    kinds = kinds_of(rules)
    if kinds and identity.kind not in kinds:
        return KIND
    if identity.kind == QUALITY and not _meets(rules.disciplines, identity.disciplines):
        return DISCIPLINE
    if identity.kind == MANDATE and not _meets(rules.service_names, identity.service_names):
        return SERVICE_NAME
    return _level(identity, resource.level) or _level(identity, rules.level)


def refusals(
    identity: ClientIdentity, scopes: Collection[str], resource: Resource | ResourceRules
) -> Mapping[str, RefusedPermission]:
    """Those of these scopes that the identity may not obtain at the resource, each with why."""
    asked = {scope: refusal(identity, scope, resource) for scope in scopes}
    return {scope: refused for scope, refused in asked.items() if refused is not None}


def kinds_of(rules: ResourceScope) -> tuple[str, ...]:
    """The kinds of identity that may have a scope; () for any.

    Who names disciplines or service names, and no kind, means those who have one.
    """
    if rules.profile_kinds:
        return rules.profile_kinds
    implied = {QUALITY: rules.disciplines, MANDATE: rules.service_names}
    return tuple(kind for kind, named in implied.items() if named)


def level_of(scope: str, resource: Resource) -> PolicyLevel | None:
    """The level that a scope of a resource needs, "" being the resource alone; None for any."""
    rules = resource.scopes.get(scope)
    levels = (resource.level, rules.level if rules else "")
    named: list[PolicyLevel] = [level for level in levels if level]
    return max(named, key=LEVELS.index) if named else None


def _meets(rule: Collection[str], held: Collection[str]) -> bool:
    """Whether one of what is held is named by the rule, if it names any."""
    return not rule or not set(rule).isdisjoint(held)


def _level(identity: ClientIdentity, level: Level) -> RefusedPermission | None:
    if not level or identity.level is None:
        return None
    return LEVEL if LEVELS.index(identity.level) < LEVELS.index(level) else None
