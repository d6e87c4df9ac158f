"""The endpoints of activation: a code and a national number are typed, and a device is added."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

from starlette.responses import Response

from authn.devices.devices import list_devices
from authn.devices.tables import IdentityLevel
from authn.enrolment.activation.lifecycle import burn_activation_code, check_activation_code
from authn.enrolment.activation.second_half_endpoints import read_second_half_token
from authn.enrolment.activation.second_half_endpoints import routes as second_half_routes
from authn.enrolment.join_endpoints import routes as join_routes
from authn.enrolment.lost_endpoints import routes as lost_routes
from authn.enrolment.new_device import (
    next_address,
    registration_savepoint,
    signed_in_answer,
    store_device,
)
from authn.enrolment.return_endpoints import routes as return_routes
from authn.enrolment.returning import recover_by_code
from authn.errors import N_, Forbidden
from authn.federation.upstreams import upstreams
from authn.people.persons import find_person
from authn.people.tables import Person
from authn.secrets import read_token, sign_token
from authn.web.request import Request, json_answer, page, redirect, sent_text
from authn.web.routing import form_route, json_route, page_route
from authn.web.user_agent import read_user_agent
from authn.webauthn.challenges import ChallengePurpose
from authn.webauthn.registration import creation_options, verify_registration

ENROLMENT = "enrolment"
ENROLMENT_LIFETIME = timedelta(minutes=15)
ACTIVATE = "activate"  # the act in a WebAuthn challenge

# Decisions 2.11: `high` needs both halves of a code that the desk issued.
LEVEL_OF_CODE: IdentityLevel = "substantial"
LEVEL_OF_BOTH_HALVES: IdentityLevel = "high"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A pair of code and national number that was checked in the request's browser.

    `request_token` is the authorization request that waits, carried along unread.
    `lacks_second_half` is whether the code has a second half, which was not given.
    """

    code_id: UUID
    person: Person
    request_token: str
    level: IdentityLevel
    lacks_second_half: bool


def activation_page(request: Request) -> Response:
    """Shows the form for activation code and national number."""
    token = request.query.get("second", "")
    read_second_half_token(request, token)  # raises for an invalid token
    return _render_activation_page(request, {"second": token}, request.query.get("request", ""))


def submit_activation_code(request: Request) -> Response:
    """Redirects to the page of the first device; or the form with one sentence for any error."""
    typed = {name: request.form.get(name, "") for name in ("code", "ssin", "second")}
    request_token = request.form.get("request", "")
    second = read_second_half_token(request, typed["second"])
    try:
        code = check_activation_code(
            request.connection,
            request.secrets,
            typed["code"],
            typed["ssin"],
            request.now,
            request.reference,
        )
        if second not in (None, code.id):
            raise _other_code_refusal()
    except Forbidden as refusal:
        # Answered as a page, so that the person can correct it; what was counted is committed.
        errors = [{"field": "code", "text": request.translate(refusal.description)}]
        return _render_activation_page(request, typed, request_token, errors)
    content = {
        "code": str(code.id),
        "person": str(code.person_id),
        "browser": request.browser_hash,
        "request": request_token,
        "level": LEVEL_OF_CODE if second is None else LEVEL_OF_BOTH_HALVES,
        "lacks": second is None and code.has_second_half,
    }
    token = sign_token(request.secrets, ENROLMENT, content, request.now, ENROLMENT_LIFETIME)
    return redirect("/activate/device?" + urlencode({"enrolment": token}))


def first_device_page(request: Request) -> Response:
    """Shows the page that registers a device with the person's activation code."""
    token = request.query.get("enrolment", "")
    enrolment = _read_enrolment(request, token)
    person = enrolment.person
    agent = read_user_agent(request.headers.get("user-agent", ""))
    return page(
        request,
        "enrolment/first_device.html",
        given_name=person.given_name,
        activation_address=f"{request.settings.issuer}/activate",
        returning=bool(list_devices(request.connection, person.id)),
        enrolment=token,
        lacks_second_half=enrolment.lacks_second_half,
        default_device_kind="phone" if agent.hand_held else "laptop",
    )


def activation_options(request: Request) -> Response:
    """Creation options for the person of an activation code."""
    enrolment = _read_enrolment(request, sent_text(request, "enrolment"))
    options = creation_options(request, enrolment.person, _challenge_purpose(enrolment), anew=True)
    return json_answer(options)


def activation_registration(request: Request) -> Response:
    """Adds the device, burns the code, and signs the person in.

    For a person who had devices this is an account recovery: those devices are blocked.
    """
    enrolment = _read_enrolment(request, sent_text(request, "enrolment"))
    credential = verify_registration(request, enrolment.person, _challenge_purpose(enrolment))
    with registration_savepoint(request, enrolment.person):
        burn_activation_code(request.connection, enrolment.code_id, request.now)
        returning = recover_by_code(request, enrolment.person.id, enrolment.level)
        held = store_device(
            request,
            enrolment.person,
            credential,
            how="activation",
            identity_level=enrolment.level,
        )
    location = next_address(held, returning=returning, request_token=enrolment.request_token)
    return signed_in_answer(request, held, location)


def _render_activation_page(
    request: Request,
    values: Mapping[str, str],
    request_token: str,
    errors: list[dict[str, str]] | None = None,
) -> Response:
    return page(
        request,
        "enrolment/activate.html",
        status=422 if errors else 200,
        values={"code": values.get("code", ""), "ssin": values.get("ssin", "")},
        errors=errors or [],
        request_token=request_token or None,
        second=values.get("second") or None,
        upstreams=upstreams(request.settings),
    )


def _read_enrolment(request: Request, token: str) -> Enrolment:
    """The enrolment in a token; raises `Forbidden` in another browser, or for a deceased person."""
    content = read_token(request.secrets, ENROLMENT, token, request.now)
    if content["browser"] != request.browser_hash:
        raise Forbidden(
            "other_browser",
            N_("This was started in another browser. Type your activation code here again."),
        )
    person = find_person(request.connection, UUID(content["person"]))
    if person is None or person.deceased:
        raise Forbidden("person_not_active", N_("This account cannot be used."))
    return Enrolment(
        UUID(content["code"]), person, content["request"], content["level"], content["lacks"]
    )


def _other_code_refusal() -> Forbidden:
    return Forbidden(
        "second_half_of_another",
        N_(
            "This code and the one from your mail or second letter do not belong together. Use the "
            "newest of each."
        ),
    )


def _challenge_purpose(enrolment: Enrolment) -> ChallengePurpose:
    return ChallengePurpose(ACTIVATE, str(enrolment.code_id))


routes = [
    page_route("/activate", activation_page),
    form_route("/activate", submit_activation_code),
    page_route("/activate/device", first_device_page),
    json_route("/activate/options", activation_options),
    json_route("/activate/registration", activation_registration, writes=True),
    *join_routes,
    *lost_routes,
    *return_routes,
    *second_half_routes,
]
