"""The page for who is signed in with a device that this application does not accept."""

from urllib.parse import urlencode

from starlette.responses import Response

from authn.federation.upstreams import upstreams
from authn.login.hallway import proceed
from authn.login.passage import Passage, good_enough, lacking
from authn.login.permission_required import needing
from authn.login.response import authorization_response
from authn.login.steps import UNMET, authentication_required
from authn.login.waiting import waiting
from authn.sessions.cookie import current_session
from authn.web.request import Request, page, redirect
from authn.web.routing import WHEN_NEEDED, page_route
from authn.webauthn.policy import IDENTITY, model_of, policy_of, unmet


def device_needed(request: Request) -> Response:
    """What the device in use lacks, which of the person's others will do, and how to get one."""
    token = request.query.get("request", "")
    passage = needing(Passage(request, *waiting(request, token), current_session(request)))
    if passage.session is None or authentication_required(passage):
        return proceed(request, passage.pending, passage.client, passage.session)
    found = lacking(passage)
    if found is None:
        return redirect("/login/continue?" + urlencode({"request": token}))
    return page(
        request,
        "login/device_needed.html",
        person=passage.session,
        client=passage.client,
        device=passage.session.device,
        what_is=request.translate(found.what_is),
        what_is_needed=request.translate(found.what_is_needed),
        good_enough=good_enough(passage),
        may_add=_may_add(passage),
        upstreams=upstreams(request.settings) if found is IDENTITY else (),
        request_token=token,
    )


def _may_add(passage: Passage) -> bool:
    """Whether the device in use can confirm another one: the service itself accepts it."""
    assert passage.session is not None
    request, device = passage.request, passage.session.device
    own = policy_of(request.settings, None)
    return unmet(own, device, model_of(request.site, device)) is None


def without_device(request: Request) -> Response:
    """Back to the application, which is told that no device of the person is good enough."""
    pending, client = waiting(request, request.query.get("request", ""))
    return authorization_response(request, client, pending, UNMET)


routes = [
    page_route("/login/device-needed", device_needed, writes=WHEN_NEEDED),
    page_route("/login/without-device", without_device),
]
