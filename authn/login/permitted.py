"""What of a pending request the chosen identity may obtain at all: the operator's rules.

RFC 6749 §3.3 (https://www.rfc-editor.org/rfc/rfc6749#section-3.3): the scope that is granted may be
narrower than the one that was asked, and the answer says so. Where nothing is left, or something
that the client can't do without is refused, it is told `access_denied` instead (§4.1.2.1).

Why a level is no refusal where the person has a device that reaches it: they can sign in with that
one, and then have all that they were asked for.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from authn.audit.log import record
from authn.audit.permission_events import ScopeRefused
from authn.clients.permissions import LEVEL, ClientIdentity, RefusedPermission, level_of, refusal
from authn.clients.resources import Resource, find_resources
from authn.consents.authorization_details import ACTIONS_AT_RESOURCE, asked_each_time
from authn.consents.scopes import SCOPES
from authn.federation.upstreams import upstreams
from authn.grants.authorization_request import AuthorizationRequest
from authn.grants.grants import OFFLINE_ACCESS
from authn.login.acting import acting
from authn.login.passage import Passage, good_enough, granted_level, lacking
from authn.policies import LEVELS, PolicyLevel
from authn.profiles.identity import identity_of
from authn.profiles.profile import Profile
from authn.sessions.levels import levels_of
from authn.sessions.sessions import Session
from authn.webauthn.policy import IDENTITY, level_today, lower

_FOUND: Final = "what may be obtained"
_RESOURCES: Final = "the resources that are asked"

Named = tuple[str, str]
"""A resource and a scope of it; "" for the resource alone."""


@dataclass(frozen=True, slots=True)
class CapacityPermission:
    """`request` without what is refused, and that, each with why.

    `level` is the one to sign in at first, None where nothing is to be had by it; `denied` is
    whether the client gets nothing at all.
    """

    request: AuthorizationRequest
    refused: Mapping[Named, RefusedPermission]
    level: PolicyLevel | None = None
    denied: bool = False


def permitted(passage: Passage) -> AuthorizationRequest:
    """The request, without what the acting identity may not obtain."""
    return permission(passage).request


def permission(passage: Passage) -> CapacityPermission:
    """What the identity in which the person acts may obtain of the request; found out once.

    One query where resources are asked, none otherwise; one more where a level is lacking.
    """
    if not asks_resources(passage):
        return CapacityPermission(passage.pending, {})
    profile = acting(passage)
    found: dict[Any, CapacityPermission] = passage.found.setdefault(_FOUND, {})
    if profile.id not in found:
        found[profile.id] = permission_of(passage, profile)
    return found[profile.id]


def asks_resources(passage: Passage) -> bool:
    """Whether somebody is signed in, and something is asked that rules may be about."""
    return passage.session is not None and passage.pending.resource != ()


def permission_of(passage: Passage, profile: Profile) -> CapacityPermission:
    """What the person could obtain of the request in this capacity."""
    assert passage.session is not None
    pending, resources = passage.pending, resources_asked(passage)
    identity = identity_of(profile, _level_of_login(passage, passage.session))
    refused = _refused(identity, pending, resources)
    # At which level each could be had; None where something else is in the way.
    lacking_level = {
        (identifier, scope): _level_to_reach(passage, level_of(scope, resources[identifier]))
        if why is LEVEL
        else None
        for (identifier, scope), why in refused.items()
    }
    levels = [each for each in LEVELS if each in lacking_level.values()]
    enough = [
        each
        for each in (None, *levels)
        if not _denied(passage, _without(pending, resources, _refused_at(lacking_level, each)))
    ]
    left = _without(pending, resources, refused)
    if not enough:
        return CapacityPermission(left, refused, denied=True)
    # The least that the client can go on with is asked for, even where the person has to get a
    # device for it; more than that where they have one.
    reachable = [each for each in levels if each == enough[0] or _reachable(passage, each)]
    return CapacityPermission(left, refused, reachable[-1] if reachable else None)


def resources_asked(passage: Passage) -> Mapping[str, Resource]:
    """Those of the request that there are; read once."""
    found: dict[str, Resource] | None = passage.found.get(_RESOURCES)
    if found is None:
        found = find_resources(passage.request.connection, passage.pending.resource)
        passage.found[_RESOURCES] = found
    return found


def level_told(passage: Passage, session: Session) -> PolicyLevel:
    """The level that the application is told, and that its grant keeps.

    Core §5.5.1.1 `acr`: one of those asked; a higher one where it only wished for one, and what is
    granted needs more.
    """
    told = granted_level(passage, session)
    if passage.pending.essential_acr or not asks_resources(passage):
        return told
    refused, resources = permission(passage).refused, resources_asked(passage)
    needed = [
        level
        for identifier, scope in _asked(passage.pending, resources) - refused.keys()
        if (level := level_of(scope, resources[identifier])) is not None
    ]
    return max([told, *needed], key=LEVELS.index)


def _level_of_login(passage: Passage, session: Session) -> PolicyLevel:
    """The level that counts: of the login, as far as the device is still worth it; no more than may
    be told, where the application will not be told another than it asked."""
    pending, device = passage.pending, session.device
    level = granted_level(passage, session) if pending.essential_acr else session.level
    return lower(level, level_today(passage.request.site, device))


def _level_to_reach(passage: Passage, needed: PolicyLevel | None) -> PolicyLevel | None:
    """The least level that would do and that the application would be told; None where none is."""
    told = levels_of(passage.request.settings, passage.pending.essential_acr) or LEVELS
    high_enough = LEVELS[LEVELS.index(needed) :] if needed else LEVELS
    return next((each for each in high_enough if each in told), None)


def note_refused(passage: Passage) -> None:
    """What was refused, if anything was, is on record; once the client gets its answer."""
    found, session, request = permission(passage), passage.session, passage.request
    if not found.refused or session is None:
        return
    event = ScopeRefused(
        person_id=session.person_id,
        device_id=session.device_id,
        client_id=passage.client.client_id,
        scopes=" ".join(f"{resource}#{scope}" for resource, scope in sorted(found.refused)),
        reasons=" ".join(found.refused[each].reason for each in sorted(found.refused)),
        access_denied=found.denied,
    )
    record(request.connection, request.secrets, event, request.now, request.reference)


def _refused(
    identity: ClientIdentity, pending: AuthorizationRequest, resources: Mapping[str, Resource]
) -> dict[Named, RefusedPermission]:
    """Everything that is asked and refused."""
    verdicts = {
        (identifier, scope): refusal(identity, scope, resources[identifier])
        for identifier, scope in _asked(pending, resources)
    }
    return {named: why for named, why in verdicts.items() if why is not None}


def _asked(pending: AuthorizationRequest, resources: Mapping[str, Resource]) -> set[Named]:
    """Everything that is asked; what a resource has no more is not asked of it."""
    asked: set[Named] = {(identifier, "") for identifier in resources}
    for scope in _foreign(pending):
        asked |= {(each, scope) for each in resources if scope in resources[each].scopes}
    for detail in pending.authorization_details:
        asked |= {named for named in _actions(detail) if named[0] in resources}
    return asked


def _without(
    pending: AuthorizationRequest,
    resources: Mapping[str, Resource],
    refused: Collection[Named],
) -> AuthorizationRequest:
    """The request without these: a detail goes with any of its actions, a resource with the last
    of what was asked there."""
    holders = {
        scope: [each for each, resource in resources.items() if scope in resource.scopes]
        for scope in _foreign(pending)
    }
    gone = {
        scope
        for scope, held_by in holders.items()
        if held_by and all((each, scope) in refused for each in held_by)
    }
    details = tuple(
        each for each in pending.authorization_details if not _actions(each) & {*refused}
    )
    asked_at = {each for held_by in holders.values() for each in held_by}
    asked_at |= _locations(pending.authorization_details)
    left_at = {
        each
        for scope, held_by in holders.items()
        for each in held_by
        if (each, scope) not in refused
    }
    left_at |= _locations(details)
    resource = tuple(
        each
        for each in pending.resource
        if (each, "") not in refused and (each in left_at or each not in asked_at)
    )
    # What stays in the scope for another resource, a resource that refuses it does not get by that.
    withheld = [
        f"{each}#{scope}"
        for scope, held_by in holders.items()
        for each in held_by
        if each in resource and scope not in gone and (each, scope) in refused
    ]
    return replace(
        pending,
        scope=" ".join(each for each in pending.scope.split() if each not in gone),
        resource=resource,
        authorization_details=details,
        withheld=(*pending.withheld, *withheld),
    )


def _foreign(pending: AuthorizationRequest) -> list[str]:
    """The scopes that are asked and not ours."""
    return [scope for scope in pending.scope.split() if scope not in SCOPES]


def _actions(detail: Mapping[str, Any]) -> set[Named]:
    """The scopes that a detail is about, each with its resource; none of another type's."""
    if detail["type"] != ACTIONS_AT_RESOURCE:
        return set()
    return {(detail["locations"][0], action) for action in detail["actions"]}


def _locations(details: Collection[Mapping[str, Any]]) -> set[str]:
    return {resource for detail in details for resource, _ in _actions(detail)}


def _refused_at(
    lacking_level: Mapping[Named, PolicyLevel | None], level: PolicyLevel | None
) -> set[Named]:
    """What would be refused still, after a sign-in at this level; None for the one that it was."""
    had = LEVELS[: LEVELS.index(level) + 1] if level else ()
    return {named for named, lacks in lacking_level.items() if lacks not in had}


def _denied(passage: Passage, left: AuthorizationRequest) -> bool:
    """Whether nothing is left, or something is not that the client can't do without."""
    scopes = {*left.scope.split()}
    lost = {*passage.pending.scope.split()} - scopes
    if lost & passage.client.scope_reasons.keys():
        return True
    acts = asked_each_time(left.authorization_details)
    return not (scopes - {OFFLINE_ACCESS} or left.resource or acts)


def _reachable(passage: Passage, level: PolicyLevel) -> bool:
    """Whether the person can sign in at this level: with another device, or by proving who they
    are once more."""
    higher = replace(passage, level=level)
    lacks = lacking(higher)
    if lacks is None or (lacks is IDENTITY and upstreams(passage.request.settings)):
        return True
    return bool(good_enough(higher))
