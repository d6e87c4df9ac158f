"""May this identity obtain this scope of this resource: the rules, one by one and together.

RFC 6749 §3.3 (https://www.rfc-editor.org/rfc/rfc6749#section-3.3).
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authn.clients.resource_servers.permissions import (
    IDENTITY_KINDS,
    MANDATE,
    QUALITY,
    ClientIdentity,
    find_refused_permission,
    find_refused_permissions,
    kinds_of_scope,
    required_level,
)
from authn.clients.resource_servers.resources import Level, Resource, ResourceScope
from authn.policies import LEVELS, PolicyLevel
from authn.sources.facts import DISCIPLINES

pytestmark = pytest.mark.one_engine

NAME = {"en": "Read"}
SERVICES = ("recipe", "medicaldatamanagement", "billing")
FREE = ResourceScope(NAME)

CITIZEN = ClientIdentity("citizen", "device")
PHYSICIAN = ClientIdentity("quality", "device", disciplines=("physician",))
NURSE = ClientIdentity("quality", "device", disciplines=("nurse",))
MEMBER = ClientIdentity("organisation", "device")
MANDATARY = ClientIdentity("mandate", "device", service_names=("recipe", "billing"))
PARENT = ClientIdentity("child", "device")
NOBODYS = ClientIdentity("system", None)
ALL = (CITIZEN, PHYSICIAN, NURSE, MEMBER, MANDATARY, PARENT, NOBODYS)


def at(rules: ResourceScope, level: Level = "") -> Resource:
    """A resource whose scope `read` has these rules."""
    return Resource(
        resource="https://api.example",
        resource_name="Letters",
        client_id=None,
        scopes={"read": rules},
        sector_identifier="api.example",
        may_read_ssin=False,
        reads_may_act=False,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        level=level,
    )


def reason(identity: ClientIdentity, rules: ResourceScope, level: Level = "") -> str:
    """The word of the refusal; "" where it is permitted."""
    refused = find_refused_permission(identity, "read", at(rules, level))
    return refused.reason if refused else ""


def only(**rules: Any) -> ResourceScope:
    return ResourceScope(NAME, **rules)


def with_level(identity: ClientIdentity, level: PolicyLevel) -> ClientIdentity:
    return replace(identity, level=level)


CASES: list[tuple[str, ResourceScope, Level, dict[ClientIdentity, str]]] = [
    ("no rule at all", FREE, "", dict.fromkeys(ALL, "")),
    (
        "one kind",
        only(profile_kinds=("citizen",)),
        "",
        {**dict.fromkeys(ALL, "kind"), CITIZEN: ""},
    ),
    (
        "two kinds",
        only(profile_kinds=("child", "mandate")),
        "",
        {**dict.fromkeys(ALL, "kind"), PARENT: "", MANDATARY: ""},
    ),
    (
        "a system is one more kind",
        only(profile_kinds=("system",)),
        "",
        {**dict.fromkeys(ALL, "kind"), NOBODYS: ""},
    ),
    (
        "a discipline, of a quality",
        only(profile_kinds=("quality",), disciplines=("physician",)),
        "",
        {**dict.fromkeys(ALL, "kind"), PHYSICIAN: "", NURSE: "discipline"},
    ),
    (
        "two disciplines",
        only(profile_kinds=("quality",), disciplines=("physician", "nurse")),
        "",
        {**dict.fromkeys(ALL, "kind"), PHYSICIAN: "", NURSE: ""},
    ),
    (
        "a discipline says nothing of other kinds that are named",
        only(profile_kinds=("quality", "citizen"), disciplines=("nurse",)),
        "",
        {**dict.fromkeys(ALL, "kind"), CITIZEN: "", NURSE: "", PHYSICIAN: "discipline"},
    ),
    (
        "a discipline alone is for who has one",
        only(disciplines=("nurse",)),
        "",
        {**dict.fromkeys(ALL, "kind"), NURSE: "", PHYSICIAN: "discipline"},
    ),
    (
        "a service name, of a mandate",
        only(profile_kinds=("mandate",), service_names=("recipe",)),
        "",
        {**dict.fromkeys(ALL, "kind"), MANDATARY: ""},
    ),
    (
        "a service that the mandate is not for",
        only(profile_kinds=("mandate", "child"), service_names=("medicaldatamanagement",)),
        "",
        {**dict.fromkeys(ALL, "kind"), MANDATARY: "service_name", PARENT: ""},
    ),
    (
        "a service name alone is for mandates",
        only(service_names=("billing", "medicaldatamanagement")),
        "",
        {**dict.fromkeys(ALL, "kind"), MANDATARY: ""},
    ),
    (
        "a discipline or a service name",
        only(disciplines=("physician",), service_names=("recipe",)),
        "",
        {**dict.fromkeys(ALL, "kind"), PHYSICIAN: "", NURSE: "discipline", MANDATARY: ""},
    ),
    (
        "a level of the resource that is too high, for people",
        FREE,
        "certified",
        {**dict.fromkeys(ALL, "level"), NOBODYS: ""},
    ),
    ("a level of the resource that they have", FREE, "device", dict.fromkeys(ALL, "")),
    (
        "a level of the scope",
        ResourceScope(NAME, level="certified"),
        "synced",
        {**dict.fromkeys(ALL, "level"), NOBODYS: ""},
    ),
    (
        "the higher of both levels counts",
        ResourceScope(NAME, level="synced"),
        "certified",
        {**dict.fromkeys(ALL, "level"), NOBODYS: ""},
    ),
    (
        "every rule at once",
        ResourceScope(NAME, {}, ("quality", "mandate"), ("nurse",), ("billing",), "device"),
        "synced",
        {**dict.fromkeys(ALL, "kind"), NURSE: "", PHYSICIAN: "discipline", MANDATARY: ""},
    ),
]


@pytest.mark.parametrize(
    ("rules", "level", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_who_may_obtain_it(
    rules: ResourceScope, level: Level, expected: dict[ClientIdentity, str]
) -> None:
    assert {identity: reason(identity, rules, level) for identity in ALL} == expected


@pytest.mark.parametrize("held", LEVELS)
@pytest.mark.parametrize("of_scope", ["", *LEVELS])
@pytest.mark.parametrize("of_resource", ["", *LEVELS])
def test_a_level_is_met_by_itself_and_by_each_higher_one(
    held: PolicyLevel, of_scope: Level, of_resource: Level
) -> None:
    needed = [each for each in (of_scope, of_resource) if each]
    met = all(LEVELS.index(held) >= LEVELS.index(each) for each in needed)
    rules = ResourceScope(NAME, level=of_scope)
    assert (reason(with_level(CITIZEN, held), rules, of_resource) == "") == met
    highest = required_level("read", at(rules, of_resource))
    assert highest == (max(needed, key=LEVELS.index) if needed else None)


def test_the_level_is_the_last_that_is_said() -> None:
    """So that nobody is asked for a better device who could not obtain it with one either."""
    rules = ResourceScope(NAME, profile_kinds=("mandate",), service_names=("x",), level="certified")
    assert reason(CITIZEN, rules) == "kind"
    assert reason(MANDATARY, rules) == "service_name"


def test_a_scope_that_is_none_of_the_resource_is_refused() -> None:
    found = find_refused_permission(CITIZEN, "write", at(FREE))
    assert found
    assert found.reason == "scope"


def test_the_resource_alone_asks_for_its_level_alone() -> None:
    resource = at(only(profile_kinds=("mandate",)), "device")
    assert find_refused_permission(CITIZEN, "", resource) is None
    found = find_refused_permission(with_level(CITIZEN, "synced"), "", resource)
    assert found
    assert found.reason == "level"
    assert required_level("", resource) == "device"


def test_of_several_scopes_those_that_are_refused_are_named() -> None:
    resource = replace(at(FREE), scopes={"read": FREE, "write": only(profile_kinds=("quality",))})
    assert find_refused_permissions(CITIZEN, ("read", "write"), resource).keys() == {"write"}
    assert find_refused_permissions(PHYSICIAN, ("read", "write"), resource) == {}


def test_what_is_said_to_developers_is_ascii_and_echoes_nothing() -> None:
    found = find_refused_permission(CITIZEN, "wörter", at(FREE))
    assert found
    assert found.description.isascii()
    assert "rter" not in found.description


# Properties

levels = st.sampled_from(LEVELS)
disciplines = st.lists(st.sampled_from(DISCIPLINES), unique=True, max_size=3).map(tuple)
services = st.lists(st.sampled_from(SERVICES), unique=True, max_size=3).map(tuple)
kinds = st.lists(st.sampled_from(IDENTITY_KINDS), unique=True, max_size=6).map(tuple)


@st.composite
def identities(draw: st.DrawFn) -> ClientIdentity:
    kind = draw(st.sampled_from(IDENTITY_KINDS))
    return ClientIdentity(
        kind,
        None if kind == "system" else draw(levels),
        draw(disciplines) if kind == QUALITY else (),
        draw(services) if kind == MANDATE else (),
    )


@st.composite
def registered_rules(draw: st.DrawFn) -> ResourceScope:
    """Rules as they are stored: who names disciplines or service names has named the kinds."""
    rules = ResourceScope(
        NAME,
        profile_kinds=draw(kinds),
        disciplines=draw(disciplines),
        service_names=draw(services),
        level=draw(st.sampled_from(("", *LEVELS))),
    )
    return replace(rules, profile_kinds=kinds_of_scope(rules))


@st.composite
def widened(draw: st.DrawFn, rules: ResourceScope) -> ResourceScope:
    """The same rules, one of them wider: one more that may, or any; or a lower level."""
    name = draw(st.sampled_from(("profile_kinds", "disciplines", "service_names", "level")))
    if name == "level":
        lower = ["", *LEVELS][: ["", *LEVELS].index(rules.level) + 1]
        return replace(rules, level=draw(st.sampled_from(lower)))
    named: tuple[str, ...] = getattr(rules, name)
    if not named:
        return rules  # nothing is wider than any
    every = {"profile_kinds": IDENTITY_KINDS, "disciplines": DISCIPLINES}.get(name, SERVICES)
    one_more = tuple(dict.fromkeys((*named, draw(st.sampled_from(every)))))
    # No kind, beside a discipline, is not any kind but those who have one: that is no widening.
    may_be_any = name != "profile_kinds" or not (rules.disciplines or rules.service_names)
    choice: Any = draw(st.sampled_from((one_more, ()))) if may_be_any else one_more
    return replace(rules, **{name: choice})


@given(st.data(), identities(), registered_rules(), st.sampled_from(("", *LEVELS)))
def test_widening_a_rule_never_narrows(
    data: st.DataObject, identity: ClientIdentity, rules: ResourceScope, level: Level
) -> None:
    wider = data.draw(widened(rules))
    if reason(identity, rules, level) == "":
        assert reason(identity, wider, level) == ""


@given(identities(), registered_rules(), st.sampled_from(("", *LEVELS)))
def test_whoever_obtains_it_meets_every_rule(
    identity: ClientIdentity, rules: ResourceScope, level: Level
) -> None:
    """The rules once more, each by itself, as an operator would read them out."""
    kind = not rules.profile_kinds or identity.kind in rules.profile_kinds
    discipline = (
        identity.kind != QUALITY
        or not rules.disciplines
        or bool({*rules.disciplines} & {*identity.disciplines})
    )
    service = (
        identity.kind != MANDATE
        or not rules.service_names
        or bool({*rules.service_names} & {*identity.service_names})
    )
    high = identity.level is None or all(
        LEVELS.index(identity.level) >= LEVELS.index(each) for each in (rules.level, level) if each
    )
    expected = kind and discipline and service and high
    assert (reason(identity, rules, level) == "") == expected
