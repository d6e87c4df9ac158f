"""The step of the hallway in which a person chooses in which capacity to act.

OpenID Connect Core 1.0 §3.1.2.6 (https://openid.net/specs/openid-connect-core-1_0.html#AuthError),
RFC 6749 §4.1.2.1, for who asked for no page.
"""

from authn.login.acting import choice_of
from authn.login.passage import Passage
from authn.login.steps import LoginStep

PATH = "/profile"
# It is no account that is chosen, so not `account_selection_required`.
CHOOSE = LoginStep(
    PATH, "interaction_required", "The person must choose in which capacity they act."
)
# No page could change it: a page only explains it.
NOBODY = LoginStep(
    PATH,
    "access_denied",
    "The person has no capacity in which this client may be used as it asks.",
)
# The same request may be answered a little later.
NOT_NOW = LoginStep(
    PATH,
    "temporarily_unavailable",
    "In which capacities the person may act can't be checked now.",
)


def profile_required(passage: Passage) -> LoginStep | None:
    """The person has not chosen in which capacity they act, or has none that will do.

    Asked once somebody is signed in. Raises `NeededFromOutside` when a source is to be asked first.
    """
    choice = choice_of(passage)
    if choice.profile is not None:
        return None
    if choice.candidates:
        return CHOOSE
    return NOT_NOW if choice.unchecked else NOBODY
