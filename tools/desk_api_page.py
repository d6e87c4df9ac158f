"""Writes docs/desk-api/openapi.yaml from the calls of authn/desk_api (`make docs`)."""

from pathlib import Path

import yaml

from authn.desk_api.endpoints import OPERATIONS
from authn.desk_api.openapi import EXAMPLE_ISSUER, build_openapi

PAGE = Path(__file__).parent.parent / "docs" / "desk-api" / "openapi.yaml"
HEADING = (
    "# Made from authn/desk_api (`make docs`); the service has it at /api/desk/v1/openapi.json.\n"
)


def page() -> str:
    """The file as it should be."""
    document = build_openapi(EXAMPLE_ISSUER, OPERATIONS)
    return HEADING + yaml.dump(
        document, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=100
    )


class _Plain(yaml.SafeDumper):
    """Writes what is there twice twice: no reader of OpenAPI need know anchors."""

    def ignore_aliases(self, data: object) -> bool:
        """Nothing is an alias."""
        return True


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
