"""Authorization details: what a client asks beyond scopes, one object for each thing.

RFC 9396, Rich Authorization Requests (https://www.rfc-editor.org/rfc/rfc9396). `TYPES` is the one
registry: discovery lists it, a request is checked against it, the consent page describes each.
"""

import hashlib
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, TypeGuard

import orjson

from authn.clients.clients import Client
from authn.clients.resource_servers.desk_api import DESK_ACT
from authn.clients.resource_servers.resources import Resource
from authn.consents.desk_acts import ALL_MEMBERS, DESK_ACT_DETAIL, find_desk_act_fault
from authn.people.ssin import InvalidSsin, parse_ssin

Detail = Mapping[str, Any]
"""An object of `authorization_details`, of a type of `TYPES`, its members checked."""

ACTIONS_AT_RESOURCE: Final = "urn:authn:authorization-details:actions"
PROFILE: Final = "profile"
MOST_ACTIONS: Final = 20

_IDENTIFIER = re.compile(r"[A-Za-z0-9._:/-]{1,100}")
# As long as what `profiles.public_id` gives, and longer than any national number.
PROFILE_SUB: Final = re.compile(r"[A-Za-z0-9_-]{20,64}")
_SSIN_DIGITS: Final = 11


@dataclass(frozen=True, slots=True)
class DetailRequest:
    """What a detail is checked against: the client, its resources, and the date in Belgium.

    `desk_api` is the identifier of the desk's own API, "" where no client may ask for it.
    """

    client: Client
    resources: Mapping[str, Resource]
    today: date
    desk_api: str = ""


@dataclass(frozen=True, slots=True)
class DetailDescription:
    """An authorization detail as people read it.

    `where` is the name of a resource, `sentences` are those of its scopes, `identifier` names the
    one thing that it is about ("" for any)."""

    where: str
    sentences: tuple[str, ...]
    identifier: str = ""


@dataclass(frozen=True, slots=True)
class DetailType:
    """A type of authorization details.

    `members` are allowed beside `type`. `find_fault` gives what is wrong with a detail, None for
    nothing. `describe` gives its text in a language; it is None for a type that needs no consent of
    its own. `is_within` is whether a detail asks no more than a granted one allows (RFC 9396 §6.1),
    on a date in Belgium; equal details are not asked about.
    """

    members: frozenset[str]
    find_fault: Callable[[Detail, DetailRequest], str | None]
    describe: Callable[[Detail, Mapping[str, Resource], str], DetailDescription] | None
    is_within: Callable[[Detail, Detail, date], bool]


def _fault_of_actions(detail: Detail, asking: DetailRequest) -> str | None:
    """What is wrong with a detail that asks scopes of one resource; None for nothing."""
    locations, actions = detail.get("locations"), detail.get("actions")
    if not _texts(locations) or len(locations) != 1:
        return "The locations are one resource."
    resource = asking.resources.get(locations[0])
    if resource is None:
        return "The location is no resource that this client may ask for."
    if not _texts(actions) or not 0 < len(actions) <= MOST_ACTIONS:
        return "The actions are scopes of the resource."
    if not all(each in resource.scopes and asking.client.may_ask(each) for each in actions):
        return "An action is no scope of the resource that this client may ask for."
    return _fault_of_identifier(detail.get("identifier", "-"), asking.today)


def _fault_of_identifier(identifier: object, today: date) -> str | None:
    if not isinstance(identifier, str) or not _IDENTIFIER.fullmatch(identifier):
        return "The identifier has at most 100 letters, digits and ._:/- in it."
    if has_ssin(identifier, today):
        return "The identifier holds a national number."
    return None


def _actions_within(asked: Detail, granted: Detail, today: date) -> bool:
    """Whether actions are some of those granted, at the same resource and on the same thing."""
    actions, one = asked.get("actions"), granted.get("identifier")
    if asked.get("locations") != granted["locations"] or not _texts(actions) or not actions:
        return False
    if one is not None and asked.get("identifier") != one:
        return False
    if _fault_of_identifier(asked.get("identifier", "-"), today):
        return False
    return len(actions) <= MOST_ACTIONS and {*actions} <= {*granted["actions"]}


def _describe_actions(
    detail: Detail, resources: Mapping[str, Resource], language: str
) -> DetailDescription:
    resource = resources[detail["locations"][0]]
    sentences = tuple(resource.scopes[each].sentence(language) for each in detail["actions"])
    return DetailDescription(resource.resource_name, sentences, detail.get("identifier", ""))


def _fault_of_profile(detail: Detail, asking: DetailRequest) -> str | None:
    """What is wrong with a detail that asks for a capacity; None for nothing."""
    if not detail.keys() & {"kinds", "sub"}:
        return "A detail of type profile has kinds, or a sub."
    allowed = asking.client.allowed_profile_kinds
    kinds = detail.get("kinds", [*allowed])
    if not _texts(kinds) or not kinds or not allowed.issuperset(kinds):
        return "The kinds are some of those in which people may use this client."
    sub = detail.get("sub", "")
    if "sub" in detail and not (isinstance(sub, str) and PROFILE_SUB.fullmatch(sub)):
        return "The sub is not that of a profile."
    if sub and not asking.client.profile_kinds:
        return "People use this client as citizens alone."
    return None


def _profile_within(asked: Detail, granted: Detail, today: date) -> bool:
    """The person's capacity (`oidc.tokens.access_token.capacity_detail`) is one of these kinds, and
    the one that is named, if one is."""
    if not asked.keys() & {"kinds", "sub"}:
        return False
    kinds = asked.get("kinds", [granted["kind"]])
    return (
        _texts(kinds)
        and granted["kind"] in kinds
        and asked.get("sub", granted["sub"]) == (granted["sub"])
    )


def _never_within(asked: Detail, granted: Detail, today: date) -> bool:
    """False: no other detail is a part of this type."""
    return False


def _fault_of_desk_act(detail: Detail, asking: DetailRequest) -> str | None:
    """What is wrong with a detail that asks one desk act; None for nothing."""
    may = asking.desk_api in asking.resources and asking.client.may_ask(DESK_ACT)
    return find_desk_act_fault(detail, asking.desk_api if may else "")


TYPES: dict[str, DetailType] = {
    ACTIONS_AT_RESOURCE: DetailType(
        members=frozenset({"locations", "actions", "identifier"}),
        find_fault=_fault_of_actions,
        describe=_describe_actions,
        is_within=_actions_within,
    ),
    PROFILE: DetailType(
        members=frozenset({"kinds", "sub"}),
        find_fault=_fault_of_profile,
        describe=None,
        is_within=_profile_within,
    ),
    # It is confirmed with a device on a page of its own, each time: a consent would not do.
    DESK_ACT_DETAIL: DetailType(
        members=ALL_MEMBERS, find_fault=_fault_of_desk_act, describe=None, is_within=_never_within
    ),
}


def find_detail_fault(detail: object, asking: DetailRequest) -> str | None:
    """The fault in one object of `authorization_details` (RFC 9396 §5); None for none."""
    if not isinstance(detail, dict) or not isinstance(detail.get("type"), str):
        return "Each of the authorization_details is an object with a type."
    allowed = asking.client.metadata.authorization_details_types
    known = TYPES.get(detail["type"])
    if known is None or (allowed and detail["type"] not in allowed):
        return "A type of the authorization_details is not one that this client may use."
    if not detail.keys() <= known.members | {"type"}:
        return "One of the authorization_details has a member that its type has not."
    return known.find_fault(detail, asking)


def is_within(asked: Detail, granted: Detail, today: date) -> bool:
    """Whether a detail that is asked is no more than a granted one (§6.1); checks its shape too."""
    if asked == granted:
        return True
    known = TYPES[granted["type"]]
    same = asked.get("type") == granted["type"] and asked.keys() <= known.members | {"type"}
    return same and known.is_within(asked, granted, today)


def list_locations(details: Iterable[Detail]) -> tuple[str, ...]:
    """The resources that details are about, each once."""
    named = (each for detail in details for each in detail.get("locations", ()))
    return tuple(dict.fromkeys(named))


def details_needing_consent(details: Iterable[Detail]) -> tuple[Detail, ...]:
    """The details that need a consent; a capacity is chosen and a desk act confirmed instead."""
    return tuple(each for each in details if TYPES[each["type"]].describe is not None)


def profile_details(details: Iterable[Detail]) -> tuple[Detail, ...]:
    """The details of type `profile`, which say in which capacity the person is to act."""
    return tuple(each for each in details if each["type"] == PROFILE)


def details_for_resource(details: Iterable[Detail], resource: str) -> tuple[Detail, ...]:
    """The details that a token for a resource carries: no other resource learns of them (§9.1).

    In which capacity the person was to act is none of them: in which one they do, tokens say.
    """
    return tuple(
        each
        for each in details
        if each["type"] != PROFILE and resource in each.get("locations", (resource,))
    )


def details_digest(details: Iterable[Detail]) -> str:
    """A SHA-256 digest of the details, as 43 characters of base64url."""
    encoded = orjson.dumps(list(details), option=orjson.OPT_SORT_KEYS)
    return urlsafe_b64encode(hashlib.sha256(encoded).digest()).rstrip(b"=").decode()


def has_ssin(text: str, today: date) -> bool:
    """Whether eleven digits in a row, whatever separates them, are a national number."""
    runs = re.findall(r"\d(?:[ ./:_-]?\d)*", text, re.ASCII)
    digits = (re.sub(r"\D", "", run) for run in runs)
    return any(
        _is_ssin(run[start : start + _SSIN_DIGITS], today)
        for run in digits
        for start in range(len(run) - _SSIN_DIGITS + 1)
    )


def _is_ssin(digits: str, today: date) -> bool:
    try:
        parse_ssin(digits, today)
    except InvalidSsin:
        return False
    return True


def _texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)
