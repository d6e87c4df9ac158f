"""Who is signed in, how long since, and with which device: the first three checks of a login.

OpenID Connect Core 1.0 §3.1.2.1 and §3.1.2.3
(https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest).
"""

from dataclasses import dataclass
from datetime import timedelta

from authn.devices.devices import list_devices
from authn.devices.tables import Device, KeyLevel
from authn.errors import N_
from authn.federation.upstreams import upstreams
from authn.login.pending import Interaction, requested_levels
from authn.policies import LEVELS
from authn.sessions.sessions import Session
from authn.webauthn.policy import IDENTITY, UnmetPolicy, find_model, find_unmet

# Two machines of one service: the request arrived at one, the assertion at the other.
CLOCKS_DIFFER_BY_LESS_THAN = timedelta(seconds=60)
# OpenID Connect Core Error Code unmet_authentication_requirements 1.0 §2
UNMET = {
    "error": "unmet_authentication_requirements",
    "error_description": "The person has no device that is good enough for this client.",
}


@dataclass(frozen=True, slots=True)
class LoginStep:
    """A page that the person must see; with `prompt=none` the client gets `error` instead."""

    path: str
    error: str
    description: str

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters of the error response (RFC 6749 §4.1.2.1)."""
        return {"error": self.error, "error_description": self.description}


SIGN_IN = LoginStep("/login", "login_required", "The person is not signed in.")
# Core §3.1.2.6 login_required: with a page, the person may sign in with another device. That is why
# it isn't `unmet_authentication_requirements`, which is for what nobody could meet (decisions 4.8).
DEVICE_NEEDED = LoginStep(
    "/login/device-needed", "login_required", "The person must sign in with another device."
)
NO_SUCH_DEVICE = LoginStep("/login/device-needed", UNMET["error"], UNMET["error_description"])


def authentication_required(interaction: Interaction) -> LoginStep | None:
    """Nobody is signed in, or not recently enough for this request."""
    return SIGN_IN if reason_to_sign_in(interaction) is not None else None


def reason_to_sign_in(interaction: Interaction) -> str | None:
    """Why the person must sign in, as a message id ("" needs no words); None if they need not."""
    session = interaction.session
    if session is None:
        return ""
    if _is_recent(interaction, session) and not _is_level_higher_now(interaction, session):
        return None
    return N_("This application asks you to confirm that it is you.")


def _is_recent(interaction: Interaction, session: Session) -> bool:
    """Whether the sign-in is as recent as `prompt` and `max_age` ask."""
    pending = interaction.pending
    if "login" in pending.prompt or pending.max_age == 0:
        # An assertion made before this request, or for another one in a second tab, is not fresh.
        answered = session.answered_request == pending.request_id
        return answered and session.auth_time >= pending.arrived_at - CLOCKS_DIFFER_BY_LESS_THAN
    if pending.max_age is None:
        return True
    # Core §3.1.2.1 max_age, in seconds
    return session.auth_time >= interaction.request.now - timedelta(seconds=pending.max_age)


def _is_level_higher_now(interaction: Interaction, session: Session) -> bool:
    """Whether the device is good enough now, and was not yet when it signed in.

    Its holder proved their identity anew, or its model was certified since. The
    application learns the level of the sign-in.
    """
    enough_then = LEVELS.index(session.level) >= LEVELS.index(interaction.policy.level)
    return not enough_then and not unmet_policy(interaction)


def device_needed(interaction: Interaction) -> LoginStep | None:
    """The device in use is not, or no longer, what the service, client and request ask for.

    With a page the person may still get one that is; without it, nobody can meet what is asked.
    """
    if not unmet_policy(interaction):
        return None
    no_page = "none" in interaction.pending.prompt
    return NO_SUCH_DEVICE if no_page and is_level_out_of_reach(interaction) else DEVICE_NEEDED


def level_among_requested(interaction: Interaction, session: Session) -> KeyLevel:
    """The highest of the levels asked that the session reaches; its own level where none is asked.

    Core §5.5.1.1: `acr` is one of the values asked. A key that does more does that too.
    """
    asked = requested_levels(interaction.request.settings, interaction.pending)
    reached = [each for each in asked if LEVELS.index(each) <= LEVELS.index(session.level)]
    return reached[-1] if reached else session.level


def unmet_policy(interaction: Interaction) -> UnmetPolicy | None:
    """What the session's device lacks now for the application; None when good enough."""
    if interaction.session is None:
        return None
    device = interaction.session.device
    return find_unmet(interaction.policy, device, find_model(interaction.request.site, device))


def list_accepted_devices(interaction: Interaction) -> list[Device]:
    """The person's devices that the application accepts now."""
    assert interaction.session is not None
    request, policy = interaction.request, interaction.policy
    return [
        device
        for device in list_devices(request.connection, interaction.session.person_id)
        if device.status == "active"
        and not find_unmet(policy, device, find_model(request.site, device))
    ]


def is_level_out_of_reach(interaction: Interaction) -> bool:
    """Whether no device of the person reaches the level asked, nor would with a better proof of
    identity (decisions 4.8)."""
    if not requested_levels(interaction.request.settings, interaction.pending):
        return False
    if unmet_policy(interaction) is IDENTITY and upstreams(interaction.request.settings):
        return False
    return not list_accepted_devices(interaction)


def has_acted_for_request(interaction: Interaction) -> bool:
    """Whether the person signed in, or chose an account, for this very request."""
    session = interaction.session
    assert session is not None
    return interaction.pending.request_id in (session.answered_request, session.selected_request)


SELECT_ACCOUNT = LoginStep(
    "/select-account", "account_selection_required", "The person must choose an account."
)


def account_selection_required(interaction: Interaction) -> LoginStep | None:
    """The client asked to let the person choose, and the person has not chosen for this request."""
    session, pending = interaction.session, interaction.pending
    if session is None or "select_account" not in pending.prompt:
        return None
    return None if has_acted_for_request(interaction) else SELECT_ACCOUNT
