"""Policies by name, the levels of keys, and what a policy asks (decisions 6; docs/policy.md).

Decisions 2.4: a claimed AAGUID counts against a key and never for it.
"""

import json
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authn.db.transaction import reading
from authn.devices.tables import IdentityLevel, KeyLevel
from authn.errors import CommandError
from authn.policies import BUILT_IN, COMPROMISED, LEVELS, Policy, combine_policies
from authn.settings import Settings, load_settings
from authn.web.site import Site
from authn.webauthn.metadata.entries import MetadataModel
from authn.webauthn.policy import (
    ALGORITHM,
    CHANGED_BACKUP,
    DENIED,
    IDENTITY,
    NOT_ALLOWED,
    NOT_CERTIFIED,
    PROHIBITED,
    SYNCED,
    UNKNOWN_MODEL,
    UnmetPolicy,
    find_unmet,
    key_level,
    login_level,
    needed_device_sentence,
    needs_direct_attestation,
    required_policy,
    required_staff_policy,
    unknown_policies,
)
from tests.hospital import register_hospital

pytestmark = pytest.mark.thorough

ONE, OTHER, NONE = UUID(int=1), UUID(int=2), UUID(int=0)


@dataclass(frozen=True)
class SomeKey:
    """A key with everything in its favour, unless said."""

    aaguid: UUID = ONE
    algorithm: int = -7
    backup_eligible: bool = False
    attested: bool = True
    attestation_key_id: str | None = None
    identity_level: IdentityLevel = "high"
    backup_changed: bool = False


def model(*statuses: str) -> MetadataModel:
    return MetadataModel("A model", frozenset(statuses), (), frozenset({"basic_full"}))


GOOD = model("FIDO_CERTIFIED", "FIDO_CERTIFIED_L1")


# The level of a key, and that of a login


@pytest.mark.parametrize(
    ("key", "known", "level"),
    [
        (SomeKey(), GOOD, "certified"),
        (SomeKey(), None, "device"),
        (SomeKey(), model("NOT_FIDO_CERTIFIED"), "device"),
        (SomeKey(attested=False), GOOD, "device"),
        (SomeKey(backup_eligible=True), GOOD, "synced"),
        (SomeKey(backup_eligible=True, attested=False), None, "synced"),
    ],
    ids=["all", "not in metadata", "not certified", "only claimed", "synced", "synced, plain"],
)
def test_the_level_of_a_key(key: SomeKey, known: MetadataModel | None, level: KeyLevel) -> None:
    assert key_level(key, known) == level


@pytest.mark.parametrize("status", sorted(COMPROMISED))
def test_whatever_is_grave_takes_certified_away(status: str) -> None:
    assert key_level(SomeKey(), model("FIDO_CERTIFIED_L1", status)) == "device"


def test_certified_needs_a_high_proof_of_identity() -> None:
    assert login_level("certified", "high") == "certified"
    assert login_level("certified", "substantial") == "device"
    for level in ("device", "synced"):
        assert login_level(level, "substantial") == level


# What a policy asks


@pytest.mark.parametrize(
    ("policy", "key", "known", "found"),
    [
        (Policy(), SomeKey(NONE, backup_eligible=True, attested=False), None, None),
        (Policy(level="device"), SomeKey(attested=False), None, None),
        (Policy(level="device"), SomeKey(backup_eligible=True), GOOD, SYNCED),
        (Policy(level="certified"), SomeKey(), GOOD, None),
        (Policy(level="certified"), SomeKey(attested=False), GOOD, NOT_CERTIFIED),
        (Policy(level="certified"), SomeKey(backup_eligible=True), GOOD, SYNCED),
        (Policy(level="certified"), SomeKey(identity_level="substantial"), GOOD, IDENTITY),
        (Policy(level="device"), SomeKey(identity_level="substantial"), GOOD, None),
        (Policy(deny=frozenset({ONE})), SomeKey(attested=False), None, DENIED),
        (Policy(deny=frozenset({OTHER})), SomeKey(attested=False), None, None),
        (Policy(allow=frozenset({ONE})), SomeKey(), GOOD, None),
        (Policy(allow=frozenset({ONE})), SomeKey(attested=False), GOOD, NOT_ALLOWED),
        (Policy(allow=frozenset({OTHER})), SomeKey(), GOOD, NOT_ALLOWED),
        (Policy(algorithms=frozenset({"EdDSA"})), SomeKey(), GOOD, ALGORITHM),
        (Policy(), SomeKey(algorithm=-7777), GOOD, ALGORITHM),
        (Policy(), SomeKey(), model("FIDO_CERTIFIED_L1", "REVOKED"), PROHIBITED),
        (Policy(), SomeKey(attested=False), model("REVOKED"), PROHIBITED),
        (Policy(prohibited=frozenset()), SomeKey(), model("REVOKED"), None),
        (Policy(), SomeKey(), model("UPDATE_AVAILABLE"), None),
        (Policy(unknown_model="refuse"), SomeKey(NONE), None, UNKNOWN_MODEL),
        (Policy(unknown_model="refuse"), SomeKey(OTHER), None, None),
        (Policy(), SomeKey(backup_changed=True, backup_eligible=True), None, None),
        (Policy(changed_backup="refuse"), SomeKey(backup_changed=True), GOOD, CHANGED_BACKUP),
    ],
)
def test_what_a_key_lacks(
    policy: Policy, key: SomeKey, known: MetadataModel | None, found: UnmetPolicy | None
) -> None:
    assert find_unmet(policy, key, known) == found


UUIDS = st.sampled_from([NONE, ONE, OTHER])
POLICIES = st.builds(
    Policy,
    level=st.sampled_from(LEVELS),
    allow=st.none() | st.frozensets(UUIDS),
    deny=st.frozensets(UUIDS),
    algorithms=st.frozensets(st.sampled_from(["ES256", "EdDSA", "RS256"])),
    prohibited=st.frozensets(st.sampled_from(sorted(COMPROMISED))),
    unknown_model=st.sampled_from(["accept", "refuse"]),
    changed_backup=st.sampled_from(["lower", "refuse"]),
)
KEYS = st.builds(
    SomeKey,
    aaguid=UUIDS,
    algorithm=st.sampled_from([-7, -8, -257]),
    backup_eligible=st.booleans(),
    attested=st.booleans(),
    identity_level=st.sampled_from(["high", "substantial"]),
    backup_changed=st.booleans(),
)
MODELS = st.none() | st.builds(
    lambda statuses: model(*statuses),
    st.frozensets(st.sampled_from(["FIDO_CERTIFIED_L1", *sorted(COMPROMISED)])),
)


@given(POLICIES, POLICIES, KEYS, MODELS)
def test_a_combined_policy_accepts_what_both_accept_and_nothing_else(
    one: Policy, other: Policy, key: SomeKey, known: MetadataModel | None
) -> None:
    both = find_unmet(one, key, known) is None and find_unmet(other, key, known) is None
    assert (find_unmet(combine_policies(one, other), key, known) is None) == both


@given(POLICIES, KEYS, MODELS)
def test_a_key_that_turns_out_to_be_synced_is_never_worth_more(
    policy: Policy, key: SomeKey, known: MetadataModel | None
) -> None:
    synced = replace(key, backup_eligible=True, backup_changed=True)
    assert key_level(synced, known) == "synced"
    if find_unmet(policy, key, known) is not None:
        assert find_unmet(policy, synced, known) is not None


@given(POLICIES, KEYS, MODELS)
def test_a_claimed_model_is_never_worth_more_than_a_proven_one(
    policy: Policy, key: SomeKey, known: MetadataModel | None
) -> None:
    claimed, proven = replace(key, attested=False), replace(key, attested=True)
    if find_unmet(policy, claimed, known) is None:
        assert find_unmet(policy, proven, known) is None


def test_which_device_is_needed_in_words() -> None:
    assert needed_device_sentence(Policy(), Policy()) == ""
    assert needed_device_sentence(Policy(level="device"), Policy(level="device")) == ""
    assert "one device" in needed_device_sentence(Policy(level="device"), Policy())
    assert "certified" in needed_device_sentence(Policy(level="certified"), Policy())
    assert "model" in needed_device_sentence(Policy(allow=frozenset({ONE})), Policy())


# Which policy applies


def with_policies(settings: Settings, **values: Any) -> Settings:
    """These settings, read as at start."""
    return Settings(**(settings.model_dump() | values))


CARE = json.dumps({"care": {"level": "device", "deny": [str(OTHER)]}})


def test_the_services_own_policy_is_synced_by_default(settings: Settings) -> None:
    assert required_policy(settings, None) == BUILT_IN["synced"]
    strict = with_policies(settings, policies=CARE, policy="care")
    assert required_policy(strict, None) == Policy(level="device", deny=frozenset({OTHER}))


def test_staff_have_device_at_least_and_whatever_the_service_asks(settings: Settings) -> None:
    assert required_staff_policy(settings).level == "device"
    certified = with_policies(settings, policy="certified", policies=CARE, staff_policy="care")
    assert required_staff_policy(certified) == Policy(level="certified", deny=frozenset({OTHER}))


@pytest.mark.parametrize("name", ["certified", "care"])
def test_attestation_is_asked_for_where_a_policy_in_force_needs_it(site: Site, name: str) -> None:
    settings = with_policies(
        site.settings, policies=json.dumps({"care": {"allow": [str(ONE)]}, "unused": {}})
    )
    with reading(site.database) as connection:
        assert not needs_direct_attestation(settings, connection)
        for setting in ("policy", "staff_policy"):
            if (setting, name) == ("staff_policy", "care"):
                continue  # its level is too low for staff
            named = with_policies(settings, **{setting: name})
            assert needs_direct_attestation(named, connection)
    register_hospital(site, policy=name)
    with reading(site.database) as connection:
        assert needs_direct_attestation(settings, connection)


def test_start_up_says_which_policies_are_missing(site: Site) -> None:
    def missing(settings: Settings) -> list[str]:
        with reading(site.database) as connection:
            return unknown_policies(settings, connection)

    assert missing(site.settings) == []
    register_hospital(site, policy="care")
    assert missing(site.settings) == ["care"]
    assert missing(with_policies(site.settings, policies=CARE)) == []


# The settings, read strictly


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("POLICIES", "{", "AUTHN_POLICIES: is not JSON"),
        ("POLICIES", "[]", "AUTHN_POLICIES: Input should be a valid dictionary"),
        ("POLICIES", '{"a": {"lvl": "device"}}', "AUTHN_POLICIES: a.lvl: Unexpected"),
        ("POLICIES", '{"a": {"level": "high"}}', "AUTHN_POLICIES: a.level: Input should be"),
        ("POLICIES", '{"a": {"deny": ["x"]}}', "AUTHN_POLICIES: a.deny.0: Input should be"),
        ("POLICIES", '{"a": {"prohibited": ["REVOKD"]}}', "AUTHN_POLICIES: a.prohibited.0:"),
        ("POLICIES", '{"a": {"algorithms": ["none"]}}', "AUTHN_POLICIES: a.algorithms.0:"),
        ("POLICIES", '{"a": {"unknown_model": true}}', "AUTHN_POLICIES: a.unknown_model:"),
        ("POLICIES", '{"device": {}}', "AUTHN_POLICIES: device: is the name of a policy"),
        ("POLICIES", '{"a b": {}}', "AUTHN_POLICIES: a b"),
        ("POLICY", "care", "AUTHN_POLICY: no policy is called care"),
        ("STAFF_POLICY", "care", "AUTHN_STAFF_POLICY: no policy is called care"),
        ("STAFF_POLICY", "synced", "AUTHN_STAFF_POLICY: its level must be device at least"),
        ("ACR_MAP", '{"high": "x"}', "AUTHN_ACR_MAP: high"),
        ("ACR_MAP", '{"device": "a b"}', "AUTHN_ACR_MAP: device:"),
        ("SESSIONS_PER_DEVICE", "0", "AUTHN_SESSIONS_PER_DEVICE: "),
    ],
)
def test_what_is_misspelt_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(f"AUTHN_{variable}", value)
    with pytest.raises(CommandError) as stopped:
        load_settings()
    assert sentence in str(stopped.value)


@given(
    st.text(max_size=60)
    | st.builds(
        json.dumps,
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
            max_leaves=6,
        ),
    )
)
def test_any_text_is_policies_or_one_sentence(text: str) -> None:
    try:
        policies = load_settings(policies=text).policies
    except CommandError as error:
        sentence = str(error)
    else:
        sentence = "AUTHN_POLICIES"
        assert all(isinstance(policy, Policy) for policy in policies.values())
    assert "AUTHN_POLICIES" in sentence


def test_policies_are_read_from_a_file_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("policies") / "policies.json"
    path.write_text(CARE + "\n")
    monkeypatch.setenv("AUTHN_POLICIES_FILE", str(path))
    monkeypatch.setenv("AUTHN_POLICY", "care")
    assert required_policy(load_settings(), None).level == "device"
