"""The claims about who acts for whom: `userProfile`, `act`, and `sub` after an exchange.

Decisions 9.2 for the words, RFC 8693 §4.1 for `act`
(https://www.rfc-editor.org/rfc/rfc8693#section-4.1). A national number is released by scope and
permission alone, also that of a mandator or child, and each release is on record about its holder.

Elsewhere `sub` is always the person who signed in (decisions 1.4). In a token from an exchange,
`sub` is the person or organisation that is represented, and `act.sub` the person; the clients
through whose hands the token went stand below `act`, the last client first.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from authn.audit.events.applications import NationalNumberReleased
from authn.audit.log import record
from authn.grants.introspection import TokenAtResource
from authn.oidc.tokens.access_token import device_id
from authn.oidc.tokens.active_token import AccessToken
from authn.oidc.tokens.capacity import represented_person
from authn.oidc.tokens.may_act import MayActReceiver, may_act_list
from authn.people.numbers import current_ssin
from authn.people.persons import find_person
from authn.people.subjects import find_or_create_subject
from authn.people.tables import Person
from authn.profiles.claims import NameInClaims, act_claim, user_profile
from authn.profiles.kinds import KINDS
from authn.profiles.profile import Profile
from authn.profiles.representing import represented_name_for_claims
from authn.sources.facts import Mandate, Organisation
from authn.web.request import Request

Claims = dict[str, Any]
Act = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ClaimsReceiver:
    """The client that receives claims about a person who used a device.

    `with_ssin` is whether the client has the scope and the permission for national numbers.
    """

    client_id: str
    person_id: UUID
    device_id: UUID
    with_ssin: bool


def release_ssin(request: Request, to: ClaimsReceiver) -> str:
    """The person's national number, the release on record; "" without permission."""
    if not to.with_ssin:
        return ""
    event = NationalNumberReleased(
        person_id=to.person_id, device_id=to.device_id, client_id=to.client_id
    )
    record(request.connection, request.secrets, event, request.now, request.reference)
    return current_ssin(request.connection, request.secrets, to.person_id)


def userinfo_capacity_claims(
    request: Request, to: ClaimsReceiver, person: Person, ssin: str, profile: Profile, sub: str
) -> Claims:
    """`userProfile`, and `act` where the person represents another.

    `ssin` and `sub` are those of the person who acts.
    """
    acting = NameInClaims(person.given_name, person.family_name, ssin)
    claims: Claims = {
        "userProfile": user_profile(profile, acting, _represented(request, to, profile))
    }
    if act := act_claim(profile, acting, sub):
        claims["act"] = act
    return claims


def introspection_claims(
    request: Request,
    to: ClaimsReceiver,
    living: TokenAtResource,
    token: AccessToken,
    profile: Profile,
) -> Claims:
    """The claims that a resource gets at introspection beside those in a person's token.

    `ssin` is the number of the token's `sub`.
    """
    for_another = is_subject_represented(token, profile)
    ssin = "" if for_another and not living.reads_profile else release_ssin(request, to)
    represented = None
    if living.reads_profile or (for_another and to.with_ssin):
        represented = _represented(request, to, profile)
    claims: Claims = {}
    if number := (represented.ssin if represented else "") if for_another else ssin:
        claims["ssin"] = number
    if living.reads_profile:
        claims |= _capacity(request, to, token, profile, ssin, represented)
    if living.may_read_device_id:
        claims["device_id"] = device_id(to.device_id, living.sector)
    if living.reads_may_act and to.with_ssin:
        receiver = MayActReceiver(
            to.person_id, to.device_id, to.client_id, living.sector, living.kinds, profile.id
        )
        claims["may_act"] = may_act_list(request, receiver)
    return claims


def _capacity(
    request: Request,
    to: ClaimsReceiver,
    token: AccessToken,
    profile: Profile,
    ssin: str,
    represented: NameInClaims | None,
) -> Claims:
    """`userProfile`, and `act` with the clients of earlier exchanges."""
    person = find_person(request.connection, to.person_id)
    assert person is not None, "the statement that found the token joined the person"
    acting = NameInClaims(person.given_name, person.family_name, ssin)
    claims: Claims = {"userProfile": user_profile(profile, acting, represented)}
    sub = token.claims["act"]["sub"] if is_subject_represented(token, profile) else token.subject
    if act := act_claim(profile, acting, sub):
        clients = actor_clients(token, profile)
        claims["act"] = {**act, **({"act": clients} if clients else {})}
    return claims


def _represented(request: Request, to: ClaimsReceiver, profile: Profile) -> NameInClaims | None:
    """The represented person or organisation, with a released number on record about its holder."""
    with_ssin = to.with_ssin and profile.represented_id is not None
    named = represented_name_for_claims(
        request.connection, request.secrets, profile, with_ssin=with_ssin
    )
    if named is not None and named.ssin:
        event = NationalNumberReleased(person_id=profile.represented_id, client_id=to.client_id)
        record(request.connection, request.secrets, event, request.now, request.reference)
    return named


def is_acting_for_another(profile: Profile) -> bool:
    """Whether the person represents somebody else in the profile."""
    return KINDS[profile.kind].for_another


def is_subject_represented(token: AccessToken, profile: Profile) -> bool:
    """Whether a token's `sub` is represented by the person, who is then the token's `act.sub`.

    Such a token comes from an exchange. A token by a JWT bearer assertion also has an `act`: the
    client.
    """
    act: Act = token.claims.get("act") or {}
    return is_acting_for_another(profile) and act.get("sub", token.client_id) != token.client_id


def actor_clients(token: AccessToken, profile: Profile) -> Act | None:
    """The clients in a token's `act`, without the person who acts."""
    act: Act | None = token.claims.get("act")
    return act.get("act") if act and is_subject_represented(token, profile) else act


def subject_and_act(
    request: Request, profile: Profile, own: str, sector: str, clients: Act | None
) -> tuple[str, Act | None]:
    """The `sub` and `act` of a token from an exchange, for a resource of the sector.

    `own` is the `sub` of the person who acts. Raises `CapacityEnded` where the represented person
    has died, and `NeededFromOutside`.
    """
    if not is_acting_for_another(profile):
        return own, clients
    person = represented_person(request, profile)
    if person is not None:
        sub = find_or_create_subject(request.connection, person.id, sector, request.now)
    else:
        assert isinstance(profile.fact, Mandate)
        assert isinstance(profile.fact.mandator, Organisation)
        sub = subject_of_organisation(profile.fact.mandator, sector)
    return sub, {"sub": own, **({"act": clients} if clients else {})}


def subject_of_organisation(organisation: Organisation, sector: str) -> str:
    """The `sub` of an organisation, alike for all its representatives at resources of the sector.

    A hash, to look like any other `sub`; no secret, since numbers of organisations are public.
    """
    number = f"cbe:{organisation.cbe}" if organisation.cbe else f"nihii:{organisation.nihii}"
    digest = hashlib.sha256(f"organisation\n{number}\n{sector}".encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
