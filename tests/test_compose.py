"""docker-compose.yml, Dockerfile and Caddyfile say nothing that does not exist.

https://github.com/compose-spec/compose-spec/blob/main/spec.md; no container engine is needed.
"""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from authn.settings import PREFIX, Settings
from tests import commands

ROOT = Path(__file__).parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
CADDYFILE = (ROOT / "Caddyfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
SETTINGS = {PREFIX + name.upper() for name in Settings.model_fields}
NAMING_A_FILE = {"AUTHN_SOURCES_KEY"}
PINNED = re.compile(r"[a-z]+:\d+\.\d+(\.\d+)?(-[a-z]+)*")


def test_the_three_parts_are_there() -> None:
    assert {"caddy", "service", "database"} <= SERVICES.keys()


def test_every_setting_that_is_named_exists() -> None:
    files = DOCKERFILE + (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    named = set(re.findall(rf"\b{PREFIX}[A-Z_]+\b", files))
    assert named
    assert {name.removesuffix("_FILE") for name in named} <= SETTINGS


@pytest.mark.parametrize("name", OURS)
def test_every_command_of_the_service_exists(name: str) -> None:
    assert commands.exists(OURS[name]["command"])


def test_the_command_of_the_image_exists() -> None:
    assert 'ENTRYPOINT ["python", "-m", "authn"]' in DOCKERFILE
    found = re.search(r'CMD \["(\w+)"\]', DOCKERFILE)
    assert found
    assert commands.exists([found[1]])


def test_every_secret_that_is_declared_is_used_and_the_reverse() -> None:
    used = {secret for service in SERVICES.values() for secret in service.get("secrets", [])}
    assert used == COMPOSE["secrets"].keys()


@pytest.mark.parametrize("name", SERVICES)
def test_every_file_setting_points_at_a_secret_of_that_service(name: str) -> None:
    service = SERVICES[name]
    values = service.get("environment", {}).items()
    files = {value for key, value in values if "_FILE" in key or key in NAMING_A_FILE}
    assert files == {f"/run/secrets/{secret}" for secret in service.get("secrets", [])}


OWNER, ARCHIVE = "AUTHN_DATABASE_OWNER_URL", "AUTHN_AUDIT_ARCHIVE_DATABASE_URL"
SECRET_SETTINGS = {
    PREFIX + name.upper()
    for name, field in Settings.model_fields.items()
    if "SecretStr" in str(field.annotation)
}


def test_no_secret_setting_stands_in_the_open() -> None:
    for service in OURS.values():
        assert not SECRET_SETTINGS & service["environment"].keys()


def test_each_has_the_secrets_that_it_needs_and_no_other() -> None:
    """The service is neither who owns the tables nor who may delete (docs/audit.md)."""
    own = SECRET_SETTINGS - {OWNER, ARCHIVE}
    expected = {
        "service": own,
        "archive": own | {ARCHIVE},
        "migration": {OWNER, ARCHIVE, "AUTHN_DATABASE_URL"},  # and no key
    }
    for name, service in OURS.items():
        named = {each.removesuffix("_FILE") for each in service["environment"]}
        assert named & SECRET_SETTINGS == expected[name], name


def test_what_is_to_last_is_on_a_volume_that_its_user_may_write_to() -> None:
    for name in ("service", "archive"):
        service = SERVICES[name]
        folders = {volume.partition(":")[2] for volume in service["volumes"]}
        assert service["environment"]["AUTHN_AUDIT_DIRECTORY"] in folders
        for folder in folders:
            assert not any(f"{folder}/".startswith(f"{each}/") for each in service["tmpfs"])
            assert f" {folder}" in DOCKERFILE.partition("--owner authn")[2].partition("COPY")[0]
    assert SERVICES["archive"]["command"][-1] in {
        volume.partition(":")[2] for volume in SERVICES["archive"]["volumes"]
    }


def test_every_image_is_pinned() -> None:
    images = [service["image"] for service in SERVICES.values()]
    images += re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert [image for image in images if not PINNED.fullmatch(image)] == []


def test_everything_that_is_copied_into_the_image_exists() -> None:
    admitted = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    sources = re.findall(r"^COPY (?!--from)(\S+)", DOCKERFILE, re.MULTILINE)
    assert sources
    for source in sources:
        assert (ROOT / source).exists()
        assert f"!{source}" in admitted


@pytest.mark.parametrize("name", SERVICES)
def test_networks_volumes_and_dependencies_are_declared(name: str) -> None:
    service = SERVICES[name]
    volumes = [volume.partition(":")[0] for volume in service.get("volumes", [])]
    assert {volume for volume in volumes if volume[0] != "."} <= COMPOSE["volumes"].keys()
    assert all((ROOT / volume).exists() for volume in volumes if volume[0] == ".")
    assert set(service["networks"]) <= COMPOSE["networks"].keys()
    assert service.get("depends_on", {}).keys() <= SERVICES.keys()


def test_caddy_reaches_the_service_and_is_believed_about_addresses() -> None:
    assert f"reverse_proxy service:{Settings().port}" in CADDYFILE
    for variable in re.findall(r"\{\$(\w+)\}", CADDYFILE):
        assert variable in SERVICES["caddy"]["environment"]
    subnet = COMPOSE["networks"]["front"]["ipam"]["config"][0]["subnet"]
    assert SERVICES["service"]["environment"]["AUTHN_TRUSTED_PROXIES"] == subnet


def test_the_database_is_reached_by_the_service_alone() -> None:
    beside = {name for name, service in SERVICES.items() if "back" in service["networks"]}
    assert beside == {"database", *OURS}
    assert "ports" not in SERVICES["database"]
