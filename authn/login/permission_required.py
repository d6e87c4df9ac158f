"""The step where something is asked that the person may not obtain, or not with this device.

OpenID Connect Core 1.0 §3.1.2.6
(https://openid.net/specs/openid-connect-core-1_0.html#AuthError).
"""

from dataclasses import replace
from typing import Final

from authn.login.passage import Passage
from authn.login.permitted import asks_resources, permission
from authn.login.profile_step import profile_required
from authn.login.steps import LoginStep, authentication_required, device_needed

NOT_PERMITTED_DESCRIPTION: Final = "The person may not obtain what this client needs."
NOT_PERMITTED: Final = LoginStep("/login/not-permitted", "access_denied", NOT_PERMITTED_DESCRIPTION)


def permission_required(passage: Passage) -> LoginStep | None:
    """Something that is asked needs a better device, or may not be obtained and can't be left out.

    What the client can do without is left out of the answer, and is no step.
    """
    higher = needing(passage)
    if higher is not passage:
        return authentication_required(higher) or device_needed(higher)
    return NOT_PERMITTED if permission(passage).denied else None


def needing(passage: Passage) -> Passage:
    """The same passage, with the level that what is asked at resources needs.

    The same where that is not known yet: nobody is signed in, or in which capacity is not chosen.
    """
    if not asks_resources(passage) or profile_required(passage):
        return passage
    level = permission(passage).level
    return passage if level is None else replace(passage, level=level)
