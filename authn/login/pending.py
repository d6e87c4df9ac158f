"""An authorization request that waits for its person: its token, its client, its interaction."""

from dataclasses import dataclass, field
from datetime import timedelta

from authn.clients.clients import Client, find_client
from authn.devices.tables import KeyLevel
from authn.errors import N_, Expired, Forbidden, InvalidRequest
from authn.grants.authorization_request import DEVICE, AuthorizationRequest
from authn.login.current_client_rules import limit_to_current_registration
from authn.login.findings import InteractionFindings
from authn.policies import BUILT_IN, Policy, PolicyLevel, combine_policies
from authn.secrets import read_token, sign_token
from authn.sessions.browser import current_session
from authn.sessions.levels import levels_with_acr
from authn.sessions.sessions import Session
from authn.settings import Settings
from authn.web.request import Request
from authn.webauthn.policy import required_policy

PURPOSE = "authorization-request"

LIFETIME = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Interaction:
    """A pending authorization request, with its client and the session of its browser.

    `level` is what the resources that are asked need of the login, None until that is known
    (`checks.permission.with_required_level`). `findings` are shared with every copy.
    """

    request: Request
    pending: AuthorizationRequest
    client: Client
    session: Session | None
    level: PolicyLevel | None = None
    findings: InteractionFindings = field(default_factory=InteractionFindings, compare=False)

    @property
    def policy(self) -> Policy:
        """What the key must be for this application and request; raises `UnknownPolicy`."""
        policy = required_policy(self.request.settings, self.client)
        asked = requested_levels(self.request.settings, self.pending)
        if asked:
            policy = combine_policies(policy, BUILT_IN[asked[0]])
        return combine_policies(policy, BUILT_IN[self.level]) if self.level else policy


def requested_levels(settings: Settings, pending: AuthorizationRequest) -> list[KeyLevel]:
    """The device levels that `acr` asks for, the lowest first (Core §5.5.1.1, RFC 9470 §5).

    Each level that is higher than the lowest does as well.
    """
    return levels_with_acr(settings, pending.essential_acr or pending.acr_values)


def pending_token(request: Request, pending: AuthorizationRequest) -> str:
    """A signed token with the request, for this browser, until ten minutes after its arrival."""
    content = {"request": pending.pack(), "browser": request.browser_hash}
    left = pending.arrived_at + LIFETIME - request.now
    return sign_token(request.secrets, PURPOSE, content, request.now, left)


def read_pending_request(request: Request, token: str) -> AuthorizationRequest:
    """The authorization request in a token of `pending_token`.

    Raises `InvalidRequest` (not ours), `Expired`, or `Forbidden` when another browser began it.
    """
    try:
        content = read_token(request.secrets, PURPOSE, token, request.now)
    except Expired:
        message = N_("You took a little long. Go back to your application and sign in again.")
        raise Expired("expired", message) from None
    if content["browser"] != request.browser_hash:
        raise Forbidden(
            "other_browser",
            N_("This sign-in was started in another browser. Please start again here."),
        )
    return AuthorizationRequest.unpack(content["request"])


def find_pending_request(request: Request, token: str) -> tuple[AuthorizationRequest, Client]:
    """The request in the token, and its client; raises as `read_pending_request` does.

    What the client may not ask any more is left out: nobody is asked for that.
    """
    pending = read_pending_request(request, token)
    client = require_client_of_request(request, pending)
    return limit_to_current_registration(request.settings, client, pending), client


def find_interaction(request: Request, token: str) -> Interaction:
    """The request in the token with the session of this browser.

    Raises as `read_pending_request` does.
    """
    pending, client = find_pending_request(request, token)
    return Interaction(request, pending, client, current_session(request))


def is_form_of_another_person(interaction: Interaction) -> bool:
    """Whether the form was shown to another person than the one who is signed in now."""
    assert interaction.session is not None
    return interaction.request.form.get("person") != str(interaction.session.person_id)


def require_client_of_request(request: Request, pending: AuthorizationRequest) -> Client:
    """The client that sent the request; raises `InvalidRequest` when it was removed since.

    Also when it has taken its `redirect_uri` back: it may be of another sector now, and the answer
    would tell the old address by which `sub` the new one knows the person.
    """
    client = require_client(request, pending.client_id)
    if pending.response_mode != DEVICE and not client.check_redirect_uri(pending.redirect_uri):
        raise InvalidRequest(
            "invalid_redirect_uri",
            N_("The application wants you sent back to an address that it has not registered."),
            detail=f"client {client.client_id}",
        )
    return client


def require_client(request: Request, client_id: str) -> Client:
    """The client of this id; raises `InvalidRequest` when it was removed."""
    client = find_client(request.connection, client_id)
    if client is None:
        raise InvalidRequest("invalid_request", N_("This application is no longer registered."))
    return client
