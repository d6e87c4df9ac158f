"""What of a request the operator's rules let the person obtain in the capacity chosen.

RFC 6749 §3.3 (https://www.rfc-editor.org/rfc/rfc6749#section-3.3): the scope that is granted may be
narrower than the one that was asked, and the answer says so. Where nothing is left, or something
that the client can't do without is refused, it is told `access_denied` instead (§4.1.2.1).

Why a level is no refusal where the person has a device that reaches it: they can sign in with that
one, and then have all that they were asked for.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from authn.audit.events.applications import ScopeRefused
from authn.audit.log import record
from authn.clients.resource_servers.permissions import (
    LEVEL,
    ClientIdentity,
    RefusedPermission,
    find_refused_permission,
    required_level,
)
from authn.clients.resource_servers.resources import Resource, find_resources
from authn.consents.authorization_details import details_needing_consent
from authn.federation.upstreams import upstreams
from authn.grants.authorization_request import AuthorizationRequest
from authn.grants.grants import OFFLINE_ACCESS
from authn.login.checks.authentication import (
    LoginStep,
    authentication_required,
    device_needed,
    level_among_requested,
    list_accepted_devices,
    unmet_policy,
)
from authn.login.checks.capacity import acting_profile, profile_required
from authn.login.checks.requested_scopes import request_without, requested_scopes
from authn.login.findings import CapacityPermission, ScopeAtResource
from authn.login.pending import Interaction
from authn.policies import LEVELS, PolicyLevel
from authn.profiles.profile import Profile, acting_identity
from authn.sessions.levels import levels_with_acr
from authn.sessions.sessions import Session
from authn.webauthn.policy import IDENTITY, current_level, lower_level

NOT_PERMITTED_DESCRIPTION: Final = "The person may not obtain what this client needs."

NOT_PERMITTED: Final = LoginStep("/login/not-permitted", "access_denied", NOT_PERMITTED_DESCRIPTION)


def permission_required(interaction: Interaction) -> LoginStep | None:
    """The request needs a better device, or something that the person may not obtain.

    What the client can do without is left out of the answer, and is no step.
    """
    higher = with_required_level(interaction)
    if higher is not interaction:
        return authentication_required(higher) or device_needed(higher)
    return NOT_PERMITTED if find_permission(interaction).denied else None


def with_required_level(interaction: Interaction) -> Interaction:
    """The interaction with the level that the requested resources need.

    Unchanged where that is not known yet: nobody is signed in, or no capacity is chosen.
    """
    if not has_requested_resources(interaction) or profile_required(interaction):
        return interaction
    level = find_permission(interaction).level
    return interaction if level is None else replace(interaction, level=level)


def permitted_request(interaction: Interaction) -> AuthorizationRequest:
    """The request without what the acting profile may not obtain."""
    return find_permission(interaction).request


def find_permission(interaction: Interaction) -> CapacityPermission:
    """What the acting profile may obtain of the request; read once in a request.

    One query where resources are asked, none otherwise; one more where a level is lacking.
    """
    if not has_requested_resources(interaction):
        return CapacityPermission(interaction.pending, {})
    profile = acting_profile(interaction)
    permissions = interaction.findings.permissions
    if profile.id not in permissions:
        permissions[profile.id] = find_permission_of_profile(interaction, profile)
    return permissions[profile.id]


def has_requested_resources(interaction: Interaction) -> bool:
    """Whether somebody is signed in and the request names resources, which may have rules."""
    return interaction.session is not None and interaction.pending.resource != ()


def find_permission_of_profile(interaction: Interaction, profile: Profile) -> CapacityPermission:
    """What the person could obtain of the request in this capacity."""
    assert interaction.session is not None
    pending, resources = interaction.pending, find_requested_resources(interaction)
    identity = acting_identity(profile, _level_of_login(interaction, interaction.session))
    refused = _refused(identity, pending, resources)
    # At which level each could be had; None where something else is in the way.
    lacking_level = {
        (identifier, scope): _level_to_reach(
            interaction, required_level(scope, resources[identifier])
        )
        if why is LEVEL
        else None
        for (identifier, scope), why in refused.items()
    }
    levels = [each for each in LEVELS if each in lacking_level.values()]
    enough = [
        each
        for each in (None, *levels)
        if not _denied(
            interaction, request_without(pending, resources, _refused_at(lacking_level, each))
        )
    ]
    left = request_without(pending, resources, refused)
    if not enough:
        return CapacityPermission(left, refused, denied=True)
    # The least that the client can go on with is asked for, even where the person has to get a
    # device for it; more than that where they have one.
    reachable = [each for each in levels if each == enough[0] or _reachable(interaction, each)]
    return CapacityPermission(left, refused, reachable[-1] if reachable else None)


def find_requested_resources(interaction: Interaction) -> Mapping[str, Resource]:
    """The resources of the request that exist, by identifier; read once in a request."""
    findings = interaction.findings
    if findings.resources is None:
        findings.resources = find_resources(
            interaction.request.connection, interaction.pending.resource
        )
    return findings.resources


def level_for_client(interaction: Interaction, session: Session) -> PolicyLevel:
    """The level of the login as the application learns it and the grant keeps it.

    Core §5.5.1.1 `acr`: one of those asked; a higher one where it only wished for one, and what is
    granted needs more.
    """
    reported = level_among_requested(interaction, session)
    if interaction.pending.essential_acr or not has_requested_resources(interaction):
        return reported
    refused, resources = find_permission(interaction).refused, find_requested_resources(interaction)
    needed = [
        level
        for identifier, scope in requested_scopes(interaction.pending, resources) - refused.keys()
        if (level := required_level(scope, resources[identifier])) is not None
    ]
    return max([reported, *needed], key=LEVELS.index)


def _level_of_login(interaction: Interaction, session: Session) -> PolicyLevel:
    """The level that counts: of the login, as far as the device is still worth it; no more than may
    be told, where the application will not be told another than it asked."""
    pending, device = interaction.pending, session.device
    level = level_among_requested(interaction, session) if pending.essential_acr else session.level
    return lower_level(level, current_level(interaction.request.site, device))


def _level_to_reach(interaction: Interaction, needed: PolicyLevel | None) -> PolicyLevel | None:
    """The least level that would do and that the application would be told; None where none is."""
    reportable = (
        levels_with_acr(interaction.request.settings, interaction.pending.essential_acr) or LEVELS
    )
    high_enough = LEVELS[LEVELS.index(needed) :] if needed else LEVELS
    return next((each for each in high_enough if each in reportable), None)


def record_refused_permissions(interaction: Interaction) -> None:
    """Records what was refused, if anything was; to be called when the client gets its answer."""
    found, session, request = find_permission(interaction), interaction.session, interaction.request
    if not found.refused or session is None:
        return
    event = ScopeRefused(
        person_id=session.person_id,
        device_id=session.device_id,
        client_id=interaction.client.client_id,
        scopes=" ".join(f"{resource}#{scope}" for resource, scope in sorted(found.refused)),
        reasons=" ".join(found.refused[each].reason for each in sorted(found.refused)),
        access_denied=found.denied,
    )
    record(request.connection, request.secrets, event, request.now, request.reference)


def _refused(
    identity: ClientIdentity, pending: AuthorizationRequest, resources: Mapping[str, Resource]
) -> dict[ScopeAtResource, RefusedPermission]:
    """Everything that is asked and refused."""
    verdicts = {
        (identifier, scope): find_refused_permission(identity, scope, resources[identifier])
        for identifier, scope in requested_scopes(pending, resources)
    }
    return {named: why for named, why in verdicts.items() if why is not None}


def _refused_at(
    lacking_level: Mapping[ScopeAtResource, PolicyLevel | None], level: PolicyLevel | None
) -> set[ScopeAtResource]:
    """What would be refused still, after a sign-in at this level; None for the one that it was."""
    had = LEVELS[: LEVELS.index(level) + 1] if level else ()
    return {named for named, lacks in lacking_level.items() if lacks not in had}


def _denied(interaction: Interaction, left: AuthorizationRequest) -> bool:
    """Whether nothing is left, or something is not that the client can't do without."""
    scopes = {*left.scope.split()}
    lost = {*interaction.pending.scope.split()} - scopes
    if lost & interaction.client.scope_reasons.keys():
        return True
    acts = details_needing_consent(left.authorization_details)
    return not (scopes - {OFFLINE_ACCESS} or left.resource or acts)


def _reachable(interaction: Interaction, level: PolicyLevel) -> bool:
    """Whether the person can sign in at this level: with another device, or by proving who they
    are once more."""
    higher = replace(interaction, level=level)
    lacks = unmet_policy(higher)
    if lacks is None or (lacks is IDENTITY and upstreams(interaction.request.settings)):
        return True
    return bool(list_accepted_devices(higher))
