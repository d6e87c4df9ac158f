"""The problem that a source answers about a national number: unknown, cancelled or replaced.

RFC 9457 (https://www.rfc-editor.org/rfc/rfc9457) with the types of Belgium's REST guide
(https://www.belgif.be/specification/rest/api-guide/#error-handling): a bad request lists its
issues, and those about a national number are the crossroads bank's (decisions 9.5).
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
    """A national number is `nobody`'s, or was `cancelled`, or `replaced` by another.

    `unverified_successor` is the text that the source gives as the new number.
    """

    what: Literal["nobody", "cancelled", "replaced"]
    unverified_successor: str = field(default="", repr=False)


def read_problem(response: httpx2.Response) -> SourceProblem | None:
    """The problem about a national number in an answer; None for any other answer.

    A 404 counts only with the source's own problem type: the 404 of a proxy, or of a wrong address,
    would else end everybody's capacities.
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
        problem = _read_issue(issue)
        if problem:
            return problem
    return None


def _read_issue(issue: Any) -> SourceProblem | None:
    if not isinstance(issue, dict):
        return None
    if issue.get("type") == CANCELLED:
        return SourceProblem("cancelled")
    if issue.get("type") == REPLACED and isinstance(issue.get("replacedBy"), str):
        return SourceProblem("replaced", issue["replacedBy"])
    return None
