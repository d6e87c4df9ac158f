"""The federation's list `may_act`: for whom else the person may act (decisions 9.2, 4.10).

RFC 8693 has a claim of the same name that says the reverse: who may act for the subject. So only a
resource that is marked as understanding the list gets it. The list has national numbers: the
resource has the permission, the scope `ssin` was allowed, and everybody else who can read the token
has the permission too. A list in a token that is presented to us is never read.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final
from uuid import UUID

import orjson

from authn.audit.events.applications import NationalNumberReleased
from authn.audit.events.capacities import MayActReleased
from authn.audit.events.event import Event
from authn.audit.log import record
from authn.consents.scopes import SSIN
from authn.oidc.tokens.access_token import AuthorisedAccess, is_opaque
from authn.profiles.available import available_profiles, questions_for_kinds
from authn.profiles.claims import may_act_entry
from authn.profiles.kinds import KINDS
from authn.profiles.profile import Kind, Profile
from authn.profiles.refreshing import refresh_from_sources
from authn.profiles.representing import represented_name_for_claims
from authn.web.request import Request

# A token travels with every request: the introspection endpoint has all of the list.
MOST_IN_A_TOKEN: Final = 10
LONGEST_IN_A_TOKEN: Final = 2048  # bytes of JSON

MayAct = tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class MayActReceiver:
    """The client that receives the list of a person, and the sector whose `sub` are in the list.

    `kinds` are those in which the person may use the client that has the token; `profile_id` is
    the capacity of the token, which is not listed.
    """

    person_id: UUID
    device_id: UUID
    client_id: str
    sector: str
    kinds: Collection[str]
    profile_id: UUID | None


def may_act_in_token(request: Request, authorised: AuthorisedAccess) -> MayAct:
    """The part of the list in the access token itself, the release on record.

    () where the client can read the token and may not know numbers, and in an opaque token, for
    which the introspection endpoint gives the whole list.
    """
    resource, grant, client = authorised.resource, authorised.grant, authorised.client
    if resource is None or grant is None or is_opaque(resource):
        return ()
    if not (resource.reads_may_act and resource.may_read_ssin):
        return ()
    readers_may = authorised.for_the_resource_alone or client.may_read_ssin
    if not readers_may or SSIN not in authorised.scope.split():
        return ()
    receiver = MayActReceiver(
        grant.person_id,
        grant.device_id,
        client.client_id,
        authorised.sector,
        client.allowed_profile_kinds,
        authorised.profile.id,
    )
    return may_act_list(request, receiver, most=MOST_IN_A_TOKEN, longest=LONGEST_IN_A_TOKEN)


def may_act_list(
    request: Request,
    receiver: MayActReceiver,
    *,
    most: int | None = None,
    longest: int | None = None,
) -> MayAct:
    """The list of those for whom the person may act now with the client, the release on record.

    `most` entries at most, `longest` bytes of JSON together. Raises `NeededFromOutside`.
    """
    entries: list[Mapping[str, Any]] = []
    listed: list[Profile] = []
    length = 0
    for profile in islice(_other_capacities(request, receiver), most):
        named = represented_name_for_claims(
            request.connection, request.secrets, profile, with_ssin=True
        )
        entry = may_act_entry(profile, named, receiver.sector, request.settings)
        length += len(orjson.dumps(entry))
        if longest is not None and length > longest:
            break
        entries.append(entry)
        listed.append(profile)
    if listed:
        _record_release(request, receiver, listed)
    return tuple(entries)


def _other_capacities(request: Request, receiver: MayActReceiver) -> Iterator[Profile]:
    """The person's profiles that represent somebody, without the token's own."""
    kinds: list[Kind] = [
        name for name, kind in KINDS.items() if kind.for_another and name in receiver.kinds
    ]
    if not kinds:
        return
    refresh_from_sources(request, receiver.person_id, questions_for_kinds(kinds))
    held = available_profiles(
        request.connection, request.secrets, request.settings, receiver.person_id, request.now
    )
    for profile in held:
        if profile.kind in kinds and profile.id != receiver.profile_id:
            yield profile


def _record_release(
    request: Request, receiver: MayActReceiver, profiles: Collection[Profile]
) -> None:
    """Records the release of the list, and of each national number about its holder."""
    client_id = receiver.client_id
    ids = " ".join(str(each.id) for each in profiles)
    events: list[Event] = [
        MayActReleased(
            person_id=receiver.person_id,
            device_id=receiver.device_id,
            client_id=client_id,
            profile_ids=ids,
        ),
        *(
            NationalNumberReleased(person_id=each.represented_id, client_id=client_id)
            for each in profiles
            if each.represented_id
        ),
    ]
    for event in events:
        record(request.connection, request.secrets, event, request.now, request.reference)
