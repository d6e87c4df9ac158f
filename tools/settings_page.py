"""Writes docs/settings.md from the descriptions in authn/settings (`make docs`)."""

from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

from pydantic import SecretStr, TypeAdapter
from pydantic.fields import FieldInfo

from authn.settings import PREFIX, Settings

PAGE = Path(__file__).parent.parent / "docs" / "settings.md"
INTRODUCTION = """\
# Settings

Every setting is an environment variable, read once at start. `AUTHN_NAME_FILE` may name a file that
holds the value instead, so that a secret is mounted as a file and never stands in an environment.
Without any of them the service runs on `http://localhost:8000` with an embedded database. Durations
are written as in ISO 8601: `PT90S`, `PT1H`, `P14D`.

This page is made from `authn/settings` (`make docs`).

| variable | default | what it does |
|---|---|---|
"""


def page() -> str:
    """The page as it should be on file."""
    rows = [_row(name, field) for name, field in Settings.model_fields.items()]
    return INTRODUCTION + "\n".join(rows) + "\n"


def _row(name: str, field: FieldInfo) -> str:
    description = (field.description or "").replace("|", "\\|")
    choices = [choice for choice in get_args(field.annotation) if isinstance(choice, str)]
    if choices:
        description += " One of " + ", ".join(f"`{choice}`" for choice in choices) + "."
    return f"| `{PREFIX}{name.upper()}` | {_default(field.default)} | {description} |"


def _default(value: Any) -> str:
    if value in (None, ()):
        return ""
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, timedelta):
        value = TypeAdapter(timedelta).dump_json(value).decode().strip('"')
    return f"`{value}`" if str(value) else ""


def main() -> None:
    """The page on file says what the settings are now."""
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
