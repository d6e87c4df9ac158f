"""The kinds of profiles: one module and one line each, in the order in which they are offered."""

from typing import Any, Final

from authn.profiles.kinds import child, citizen, mandate, organisation, quality, staff
from authn.profiles.kinds.kind import ProfileKind
from authn.profiles.profile import Kind
from authn.sources.questions import QuestionName

KINDS: Final[dict[Kind, ProfileKind[Any]]] = {
    "citizen": citizen.KIND,
    "quality": quality.KIND,
    "organisation": organisation.KIND,
    "child": child.KIND,
    "mandate": mandate.KIND,
    "staff": staff.KIND,
}
# By the question whose answer makes profiles of them; a citizen needs none.
BY_QUESTION: Final[dict[QuestionName, ProfileKind[Any]]] = {
    kind.question: kind for kind in KINDS.values() if kind.question != "citizen"
}
