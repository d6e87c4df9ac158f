"""A service that asks for attestation, and somebody who enrols there."""

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from authn.settings import Settings
from authn.web.site import Site
from tests.citizen import Screen, activation_code
from tests.fido_metadata import with_test_root
from tests.webauthn.attestation.enrolment import (
    Enrolment,
)


@pytest.fixture
def policies() -> dict[str, Any]:
    """Attestation is asked for, since staff needs certified keys; citizens don't."""
    return {"staff_policy": "certified"}


@pytest.fixture
def settings(settings: Settings, tmp_path: Path, policies: dict[str, Any]) -> Settings:
    """Those of a service with these policies, which believes the tests' metadata."""
    return with_test_root(settings.model_copy(update=policies), tmp_path)


@pytest.fixture
def enrolment(site: Site, client: TestClient) -> Enrolment:
    _, code = activation_code(site)
    screen = Screen(client)
    return Enrolment(screen, screen.activate(code))
