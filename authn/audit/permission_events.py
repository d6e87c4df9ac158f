"""Events of what a resource gives, and to whom it is refused.

As in `events`: a class is an event, its docstring its public documentation.
"""

from dataclasses import dataclass
from typing import ClassVar

from authn.audit.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceChanged(Event):
    """What is registered of a resource server was changed; `members` names the columns."""

    name: ClassVar[str] = "resource.changed"
    resource: str
    members: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeRefused(Event):
    """An application asked what the person may not obtain in the capacity in which they act.

    `scopes` are those, each after its resource, `reasons` why, in the same order; `access_denied`
    whether the application was sent away with nothing, or went on without them.
    """

    name: ClassVar[str] = "scope.refused"
    scopes: str
    reasons: str
    access_denied: bool
