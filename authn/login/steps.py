"""A step of the hallway, and the two that are about who is signed in, when, and with what.

OpenID Connect Core 1.0 §3.1.2.1 and §3.1.2.3
(https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest).
"""

from dataclasses import dataclass
from datetime import timedelta

from authn.errors import N_
from authn.login.passage import Passage, lacking, out_of_reach
from authn.policies import LEVELS
from authn.sessions.sessions import Session

# Two machines of one service: the request arrived at one, the assertion at the other.
CLOCKS_DIFFER_BY_LESS_THAN = timedelta(seconds=60)
# OpenID Connect Core Error Code unmet_authentication_requirements 1.0 §2
UNMET = {
    "error": "unmet_authentication_requirements",
    "error_description": "The person has no device that is good enough for this client.",
}


@dataclass(frozen=True, slots=True)
class LoginStep:
    """A page that the person must see; `error` is said instead when `prompt=none`."""

    path: str
    error: str
    description: str

    @property
    def parameters(self) -> dict[str, str]:
        """The answer that says so (RFC 6749 §4.1.2.1)."""
        return {"error": self.error, "error_description": self.description}


SIGN_IN = LoginStep("/login", "login_required", "The person is not signed in.")
# Core §3.1.2.6 login_required: with a page, the person may sign in with another device. That is why
# it isn't `unmet_authentication_requirements`, which is for what nobody could meet (decisions 4.8).
DEVICE_NEEDED = LoginStep(
    "/login/device-needed", "login_required", "The person must sign in with another device."
)
NO_SUCH_DEVICE = LoginStep("/login/device-needed", UNMET["error"], UNMET["error_description"])


def authentication_required(passage: Passage) -> LoginStep | None:
    """Nobody is signed in, or not recently enough for this request."""
    return SIGN_IN if reason_to_sign_in(passage) is not None else None


def reason_to_sign_in(passage: Passage) -> str | None:
    """Why the person must sign in, in words that can be shown ("" needs none); None if not."""
    session = passage.session
    if session is None:
        return ""
    if _recent(passage, session) and not _risen(passage, session):
        return None
    return N_("This application asks you to confirm that it is you.")


def _recent(passage: Passage, session: Session) -> bool:
    """Whether the sign-in is as young as the request wants it."""
    pending = passage.pending
    if "login" in pending.prompt or pending.max_age == 0:
        # An assertion made before this request, or for another one in a second tab, is not fresh.
        answered = session.answered_request == pending.request_id
        return answered and session.auth_time >= pending.arrived_at - CLOCKS_DIFFER_BY_LESS_THAN
    if pending.max_age is None:
        return True
    # Core §3.1.2.1 max_age, in seconds
    return session.auth_time >= passage.request.now - timedelta(seconds=pending.max_age)


def _risen(passage: Passage, session: Session) -> bool:
    """Whether the device is good enough today, and was not yet when it signed in.

    Its holder proved their identity anew, or its model was certified since. What the application is
    told is of the sign-in.
    """
    enough_then = LEVELS.index(session.level) >= LEVELS.index(passage.policy.level)
    return not enough_then and not lacking(passage)


def device_needed(passage: Passage) -> LoginStep | None:
    """The device in use is not, or no longer, what the service, client and request ask for.

    With a page the person may still get one that is; without it, nobody can meet what is asked.
    """
    if not lacking(passage):
        return None
    no_page = "none" in passage.pending.prompt
    return NO_SUCH_DEVICE if no_page and out_of_reach(passage) else DEVICE_NEEDED
