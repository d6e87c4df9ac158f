"""Authorization details: what a client asks beyond scopes, one object for each thing.

RFC 9396, Rich Authorization Requests (https://www.rfc-editor.org/rfc/rfc9396). `TYPES` is the one
registry: discovery lists it, a request is checked against it, the consent page says each in words.
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
from authn.clients.desk_api import DESK_ACT
from authn.clients.resources import Resource
from authn.consents.desk_acts import ALL_MEMBERS, DESK_ACT_DETAIL, fault_of_desk_act
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
    """Who asks, what the client may ask for, and the date in Belgium.

    `desk_api` is the resource that the desk's own API is, "" where nobody asks for that.
    """

    client: Client
    resources: Mapping[str, Resource]
    today: date
    desk_api: str = ""


@dataclass(frozen=True, slots=True)
class DetailDescription:
    """What would be done where, as people read it: the name of a resource, the sentences of its
    scopes, and which one thing it is about ("" for any)."""

    where: str
    sentences: tuple[str, ...]
    identifier: str = ""


@dataclass(frozen=True, slots=True)
class DetailType:
    """A type: its members beside `type`, what is wrong with one (None for nothing), and what one
    means to people who read a language: None where it is nothing that they allow by itself.

    `within` is whether one of any shape asks no more than another one, which was granted, allows
    (RFC 9396 §6.1); the date is that in Belgium. What is the same is not asked about.
    """

    members: frozenset[str]
    fault: Callable[[Detail, DetailRequest], str | None]
    described: Callable[[Detail, Mapping[str, Resource], str], DetailDescription] | None
    within: Callable[[Detail, Detail, date], bool]


def _fault_of_actions(detail: Detail, asking: DetailRequest) -> str | None:
    """Some scopes of one resource of the client's, for one thing there if it is named."""
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
    if holds_ssin(identifier, today):
        return "The identifier holds a national number."
    return None


def _actions_within(asked: Detail, granted: Detail, today: date) -> bool:
    """Some of the actions, at the same place; on one thing where they were allowed on any."""
    actions, one = asked.get("actions"), granted.get("identifier")
    if asked.get("locations") != granted["locations"] or not _texts(actions) or not actions:
        return False
    if one is not None and asked.get("identifier") != one:
        return False
    if _fault_of_identifier(asked.get("identifier", "-"), today):
        return False
    return len(actions) <= MOST_ACTIONS and {*actions} <= {*granted["actions"]}


def _described_actions(
    detail: Detail, resources: Mapping[str, Resource], language: str
) -> DetailDescription:
    resource = resources[detail["locations"][0]]
    sentences = tuple(resource.scopes[each].sentence(language) for each in detail["actions"])
    return DetailDescription(resource.resource_name, sentences, detail.get("identifier", ""))


def _fault_of_profile(detail: Detail, asking: DetailRequest) -> str | None:
    """In which capacities the person is to act: of some kinds, or one that the client was told."""
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
    """The capacity in which the person acts (`oidc.access_token.capacity_detail`) is one of these
    kinds, and the one that is named, if one is."""
    if not asked.keys() & {"kinds", "sub"}:
        return False
    kinds = asked.get("kinds", [granted["kind"]])
    return (
        _texts(kinds)
        and granted["kind"] in kinds
        and asked.get("sub", granted["sub"]) == (granted["sub"])
    )


def _never_within(asked: Detail, granted: Detail, today: date) -> bool:
    """Nothing is a part of it."""
    return False


def _fault_of_desk_act(detail: Detail, asking: DetailRequest) -> str | None:
    """One act at the desk, by a client that may act there at all."""
    may = asking.desk_api in asking.resources and asking.client.may_ask(DESK_ACT)
    return fault_of_desk_act(detail, asking.desk_api if may else "")


TYPES: dict[str, DetailType] = {
    ACTIONS_AT_RESOURCE: DetailType(
        members=frozenset({"locations", "actions", "identifier"}),
        fault=_fault_of_actions,
        described=_described_actions,
        within=_actions_within,
    ),
    PROFILE: DetailType(
        members=frozenset({"kinds", "sub"}),
        fault=_fault_of_profile,
        described=None,
        within=_profile_within,
    ),
    # It is confirmed on a page of its own, each time, with a device: allowing it would not do.
    DESK_ACT_DETAIL: DetailType(
        members=ALL_MEMBERS, fault=_fault_of_desk_act, described=None, within=_never_within
    ),
}


def fault_of(detail: object, asking: DetailRequest) -> str | None:
    """What is wrong with one object of `authorization_details` (RFC 9396 §5); None for nothing."""
    if not isinstance(detail, dict) or not isinstance(detail.get("type"), str):
        return "Each of the authorization_details is an object with a type."
    allowed = asking.client.metadata.authorization_details_types
    known = TYPES.get(detail["type"])
    if known is None or (allowed and detail["type"] not in allowed):
        return "A type of the authorization_details is not one that this client may use."
    if not detail.keys() <= known.members | {"type"}:
        return "One of the authorization_details has a member that its type has not."
    return known.fault(detail, asking)


def is_within(asked: Detail, granted: Detail, today: date) -> bool:
    """Whether what is asked, in whatever shape it came, is no more than what was granted (§6.1)."""
    if asked == granted:
        return True
    known = TYPES[granted["type"]]
    same = asked.get("type") == granted["type"] and asked.keys() <= known.members | {"type"}
    return same and known.within(asked, granted, today)


def locations_of(details: Iterable[Detail]) -> tuple[str, ...]:
    """The resources that these are about, each once."""
    named = (each for detail in details for each in detail.get("locations", ()))
    return tuple(dict.fromkeys(named))


def asked_each_time(details: Iterable[Detail]) -> tuple[Detail, ...]:
    """Those that a person allows by themselves: in which capacity they act, they choose, and an act
    at the desk they confirm."""
    return tuple(each for each in details if TYPES[each["type"]].described is not None)


def profiles_asked(details: Iterable[Detail]) -> tuple[Detail, ...]:
    """The others: each says in which capacity the person is to act."""
    return tuple(each for each in details if each["type"] == PROFILE)


def details_at(details: Iterable[Detail], resource: str) -> tuple[Detail, ...]:
    """Those that a token for this resource carries: no other resource learns of them (§9.1).

    In which capacity the person was to act is none of them: in which one they do, tokens say.
    """
    return tuple(
        each
        for each in details
        if each["type"] != PROFILE and resource in each.get("locations", (resource,))
    )


def digest_of(details: Iterable[Detail]) -> str:
    """43 characters that are the same for the same details, and for no others."""
    encoded = orjson.dumps(list(details), option=orjson.OPT_SORT_KEYS)
    return urlsafe_b64encode(hashlib.sha256(encoded).digest()).rstrip(b"=").decode()


def holds_ssin(text: str, today: date) -> bool:
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
