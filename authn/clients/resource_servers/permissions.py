"""Whether an identity may obtain a scope of a resource server.

RFC 6749 §3.3 (https://www.rfc-editor.org/rfc/rfc6749#section-3.3): less may be granted than is
asked. The operator sets the rules of a scope; everything that gives or uses a token asks this
module. Why a discipline is a rule for qualities alone, and a
service name for mandates: no other kind has any, and a scope can be for physicians and parents.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from authn.clients.resource_servers.resources import Level, Resource, ResourceRules, ResourceScope
from authn.errors import N_
from authn.policies import LEVELS, PolicyLevel

# The capacities in which a person can act; and a system, which is no person.
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
    """The capacity in which somebody acts, and the level of their login.

    `disciplines` are those of a quality, `service_names` those of a mandate. A system has not
    signed in: its `level` is None, and no level is asked of it.
    """

    kind: IdentityKind
    level: PolicyLevel | None
    disciplines: Collection[str] = ()
    service_names: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class RefusedPermission:
    """Why a scope may not be obtained: a word for records, sentences for developers and people.

    `description` is in ASCII (RFC 6749 §5.2); `sentence` is a message id.
    """

    reason: Literal["scope", "kind", "discipline", "service_name", "level"]
    description: str
    sentence: str


# In the order of checking: an identity that is refused for the level keeps all other rules.
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


def find_refused_permission(
    identity: ClientIdentity, scope: str, resource: Resource | ResourceRules
) -> RefusedPermission | None:
    """Why an identity may not obtain a scope of a resource server; None when it may.

    The scope "" is the resource alone: a token for it without any scope.
    """
    if not scope:
        return _level(identity, resource.level)
    rules = resource.scopes.get(scope)
    if rules is None:
        return UNKNOWN_SCOPE
    kinds = kinds_of_scope(rules)
    if kinds and identity.kind not in kinds:
        return KIND
    if identity.kind == QUALITY and not _meets(rules.disciplines, identity.disciplines):
        return DISCIPLINE
    if identity.kind == MANDATE and not _meets(rules.service_names, identity.service_names):
        return SERVICE_NAME
    return _level(identity, resource.level) or _level(identity, rules.level)


def find_refused_permissions(
    identity: ClientIdentity, scopes: Collection[str], resource: Resource | ResourceRules
) -> Mapping[str, RefusedPermission]:
    """The scopes that the identity may not obtain of the resource server, each with the reason."""
    asked = {scope: find_refused_permission(identity, scope, resource) for scope in scopes}
    return {scope: refused for scope, refused in asked.items() if refused is not None}


def kinds_of_scope(rules: ResourceScope) -> tuple[str, ...]:
    """The kinds of identity that may obtain a scope; () for any.

    Disciplines or service names without a kind imply the kind that has them.
    """
    if rules.profile_kinds:
        return rules.profile_kinds
    implied = {QUALITY: rules.disciplines, MANDATE: rules.service_names}
    return tuple(kind for kind, named in implied.items() if named)


def required_level(scope: str, resource: Resource) -> PolicyLevel | None:
    """The level that a scope needs, "" being the resource server alone; None for any level."""
    rules = resource.scopes.get(scope)
    levels = (resource.level, rules.level if rules else "")
    named: list[PolicyLevel] = [level for level in levels if level]
    return max(named, key=LEVELS.index) if named else None


def _meets(rule: Collection[str], held: Collection[str]) -> bool:
    """Whether the rule is empty or names something that the identity has."""
    return not rule or not set(rule).isdisjoint(held)


def _level(identity: ClientIdentity, level: Level) -> RefusedPermission | None:
    if not level or identity.level is None:
        return None
    return LEVEL if LEVELS.index(identity.level) < LEVELS.index(level) else None
