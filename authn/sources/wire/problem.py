"""What a source says of the number that it was asked about, instead of an answer.

RFC 9457 (https://www.rfc-editor.org/rfc/rfc9457) with the types of Belgium's REST guide
(https://www.belgif.be/specification/rest/api-guide/#error-handling): a bad request lists its
issues, and those of a number are the crossroads bank's (domain 4.5).
"""

from dataclasses import dataclass, field
from typing import Any, Final, Literal

import httpx2
import orjson

MEDIA_TYPE: Final = "application/problem+json"
BAD_REQUEST: Final = "urn:problem-type:belgif:badRequest"
NOT_FOUND: Final = "urn:problem-type:belgif:resourceNotFound"
REPLACED: Final = "urn:problem-type:cbss:input-validation:replacedSsin"
CANCELLED: Final = "urn:problem-type:cbss:input-validation:canceledSsin"
MOST_ISSUES: Final = 20


@dataclass(frozen=True, slots=True)
class SourceProblem:
    """There is nobody with this number; or it was `cancelled`, or `replaced` by the unverified text
    there."""

    what: Literal["nobody", "cancelled", "replaced"]
    unverified_successor: str = field(default="", repr=False)


def read_problem(response: httpx2.Response) -> SourceProblem | None:
    """What the answer says of the number; None when it is a problem of any other kind, or none.

    That there is nobody must be said by the source itself: the 404 of a proxy before it, or of a
    wrong address, would else end everybody's capacities.
    """
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if response.status_code not in (400, 404) or kind != MEDIA_TYPE:
        return None
    try:
        document = orjson.loads(response.content)
    except ValueError:
        return None
    if not isinstance(document, dict):
        return None
    if response.status_code == 404:
        return SourceProblem("nobody") if document.get("type") == NOT_FOUND else None
    issues = document.get("issues")
    for issue in [document, *(issues[:MOST_ISSUES] if isinstance(issues, list) else [])]:
        problem = _of_issue(issue)
        if problem:
            return problem
    return None


def _of_issue(issue: Any) -> SourceProblem | None:
    if not isinstance(issue, dict):
        return None
    if issue.get("type") == CANCELLED:
        return SourceProblem("cancelled")
    if issue.get("type") == REPLACED and isinstance(issue.get("replacedBy"), str):
        return SourceProblem("replaced", issue["replacedBy"])
    return None
