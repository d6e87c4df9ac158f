"""The federation's list `may_act`: for whom else the person may act (domain 2.5, decisions 4.10).

It is the reverse of RFC 8693's claim of that name, which says who may act for the subject; so it
goes only to a resource that is marked as one that understands it. And there are national numbers in
it: the resource has the permission, the scope `ssin` was allowed, and whoever else can read it has
the permission too. What comes back in a token is never looked at.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final
from uuid import UUID

import orjson

from authn.audit.events import Event, NationalNumberReleased
from authn.audit.log import record
from authn.audit.token_events import MayActReleased
from authn.consents.scopes import SSIN
from authn.oidc.access_token import AuthorisedAccess, is_opaque
from authn.profiles.available import available, questions_of
from authn.profiles.claims import may_act_entry
from authn.profiles.kinds import KINDS
from authn.profiles.profile import Kind, Profile
from authn.profiles.refreshing import bring_up_to_date
from authn.profiles.representing import named_represented
from authn.web.request import Request

# A token travels with every request: the introspection endpoint has all of the list.
MOST_IN_A_TOKEN: Final = 10
LONGEST_IN_A_TOKEN: Final = 2048  # bytes of JSON

MayAct = tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class MayActEntry:
    """For whom the list is: of the person who has this `grant`'s device, for a receiver.

    `kinds` are those in which the person may use the client that has the token; `profile_id` is
    the capacity that the token is in already.
    """

    person_id: UUID
    device_id: UUID
    client_id: str
    sector: str
    kinds: Collection[str]
    profile_id: UUID | None


def may_act_in_token(request: Request, authorised: AuthorisedAccess) -> MayAct:
    """What of the list stands in this access token itself, its release on record.

    Nothing in one that its client reads and may not know numbers, nor in an opaque one, of which
    the introspection endpoint tells all.
    """
    resource, grant, client = authorised.resource, authorised.grant, authorised.client
    if resource is None or grant is None or is_opaque(resource):
        return ()
    if not (resource.reads_may_act and resource.may_read_ssin):
        return ()
    readers_may = authorised.for_the_resource_alone or client.may_read_ssin
    if not readers_may or SSIN not in authorised.scope.split():
        return ()
    listed = MayActEntry(
        grant.person_id,
        grant.device_id,
        client.client_id,
        authorised.sector,
        client.allowed_profile_kinds,
        authorised.profile.id,
    )
    return may_act(request, listed, most=MOST_IN_A_TOKEN, longest=LONGEST_IN_A_TOKEN)


def may_act(
    request: Request, listed: MayActEntry, *, most: int | None = None, longest: int | None = None
) -> MayAct:
    """For whom the person may act now, of what the client may be used for: on record.

    At most so many, of so many bytes together. Raises `NeededFromOutside`.
    """
    entries: list[Mapping[str, Any]] = []
    told: list[Profile] = []
    length = 0
    for profile in islice(_others(request, listed), most):
        named = named_represented(request.connection, request.secrets, profile, with_ssin=True)
        entry = may_act_entry(profile, named, listed.sector, request.settings)
        length += len(orjson.dumps(entry))
        if longest is not None and length > longest:
            break
        entries.append(entry)
        told.append(profile)
    if told:
        _record(request, listed, told)
    return tuple(entries)


def _others(request: Request, listed: MayActEntry) -> Iterator[Profile]:
    """The profiles in which the person would act for another than in this token."""
    kinds: list[Kind] = [
        name for name, kind in KINDS.items() if kind.for_another and name in listed.kinds
    ]
    if not kinds:
        return
    bring_up_to_date(request, listed.person_id, questions_of(kinds))
    held = available(
        request.connection, request.secrets, request.settings, listed.person_id, request.now
    )
    for profile in held:
        if profile.kind in kinds and profile.id != listed.profile_id:
            yield profile


def _record(request: Request, listed: MayActEntry, profiles: Collection[Profile]) -> None:
    """What was told, once; and the release of their number with each who is a person here."""
    client_id = listed.client_id
    ids = " ".join(str(each.id) for each in profiles)
    events: list[Event] = [
        MayActReleased(
            person_id=listed.person_id,
            device_id=listed.device_id,
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
