"""What an application and a resource are told of who acts, and for whom: `userProfile` and `act`.

Domain 2.5 for the words, RFC 8693 §4.1 for `act`. Each national number goes by scope and permission
alone, that of a mandator or child as well, and each release is on record, about whose number it is.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from authn.audit.events import NationalNumberReleased
from authn.audit.log import record
from authn.grants.introspection import TokenAtResource
from authn.oidc.access_token import AccessToken, device_id
from authn.oidc.may_act import MayActEntry, may_act
from authn.oidc.on_behalf import clients_of, is_for_another
from authn.people.numbers import current_ssin
from authn.people.persons import find_person
from authn.people.tables import Person
from authn.profiles.claims import HasName, act_claim, user_profile
from authn.profiles.profile import Profile
from authn.profiles.representing import named_represented
from authn.web.request import Request

Claims = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ClaimsReceiver:
    """Who is told: a client, of a person who used this device; `with_ssin` where it has the scope
    and the permission."""

    client_id: str
    person_id: UUID
    device_id: UUID
    with_ssin: bool


def released_ssin(request: Request, to: ClaimsReceiver) -> str:
    """The person's own national number, its release on record; "" where it may not go."""
    if not to.with_ssin:
        return ""
    event = NationalNumberReleased(
        person_id=to.person_id, device_id=to.device_id, client_id=to.client_id
    )
    record(request.connection, request.secrets, event, request.now, request.reference)
    return current_ssin(request.connection, request.secrets, to.person_id)


def told_at_userinfo(
    request: Request, to: ClaimsReceiver, person: Person, ssin: str, profile: Profile, sub: str
) -> Claims:
    """`userProfile` and, where the person acts for another, `act`; `sub` and `ssin` are theirs."""
    acting = HasName(person.given_name, person.family_name, ssin)
    told: Claims = {
        "userProfile": user_profile(profile, acting, _represented(request, to, profile))
    }
    if act := act_claim(profile, acting, sub):
        told["act"] = act
    return told


def told_at_resource(
    request: Request,
    to: ClaimsReceiver,
    living: TokenAtResource,
    token: AccessToken,
    profile: Profile,
) -> Claims:
    """What its resource is told of a person's token, beside what stands in it.

    `ssin` is the number of whoever its `sub` is.
    """
    for_another = is_for_another(token, profile)
    ssin = "" if for_another and not living.reads_profile else released_ssin(request, to)
    represented = None
    if living.reads_profile or (for_another and to.with_ssin):
        represented = _represented(request, to, profile)
    told: Claims = {}
    if number := (represented.ssin if represented else "") if for_another else ssin:
        told["ssin"] = number
    if living.reads_profile:
        told |= _capacity(request, to, token, profile, ssin, represented)
    if living.may_read_device_id:
        told["device_id"] = device_id(to.device_id, living.sector)
    if living.reads_may_act and to.with_ssin:
        listed = MayActEntry(
            to.person_id, to.device_id, to.client_id, living.sector, living.kinds, profile.id
        )
        told["may_act"] = may_act(request, listed)
    return told


def _capacity(
    request: Request,
    to: ClaimsReceiver,
    token: AccessToken,
    profile: Profile,
    ssin: str,
    represented: HasName | None,
) -> Claims:
    """`userProfile`, and `act` with the clients through whose hands the token went."""
    person = find_person(request.connection, to.person_id)
    assert person is not None, "the statement that found the token joined the person"
    acting = HasName(person.given_name, person.family_name, ssin)
    told: Claims = {"userProfile": user_profile(profile, acting, represented)}
    sub = token.claims["act"]["sub"] if is_for_another(token, profile) else token.subject
    if act := act_claim(profile, acting, sub):
        clients = clients_of(token, profile)
        told["act"] = {**act, **({"act": clients} if clients else {})}
    return told


def _represented(request: Request, to: ClaimsReceiver, profile: Profile) -> HasName | None:
    """For whom the person acts, with the number where it may go: on record, about them."""
    with_ssin = to.with_ssin and profile.represented_id is not None
    named = named_represented(request.connection, request.secrets, profile, with_ssin=with_ssin)
    if named is not None and named.ssin:
        event = NationalNumberReleased(person_id=profile.represented_id, client_id=to.client_id)
        record(request.connection, request.secrets, event, request.now, request.reference)
    return named
