"""The settings of the service: frozen, typed, documented, read from the environment at start.

A setting is a field of one of the classes in this room, each of which extends another; `Settings`
has them all. A setting `name` is read from `AUTHN_NAME`, or from the file that `AUTHN_NAME_FILE`
names, so that secrets can be mounted as files. docs/settings.md is made from the descriptions here.
Begin with `service`.
"""

import os
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from authn.errors import CommandError
from authn.settings.desk import DeskSettings
from authn.settings.service import PREFIX

__all__ = ["PREFIX", "Settings", "load_settings"]


class Settings(DeskSettings):
    """All settings of one running service."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The sources of values, first one first: arguments, environment, files named there."""
        return init_settings, env_settings, _NamedFiles(settings_cls)


class _NamedFiles(PydanticBaseSettingsSource):
    """The source that reads a setting `name` from the file that `AUTHN_NAME_FILE` names."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        path = os.environ.get(f"{PREFIX}{field_name.upper()}_FILE")
        value = Path(path).read_text(encoding="utf-8").strip() if path else None
        return value, field_name, False

    def __call__(self) -> dict[str, Any]:
        values = {
            name: self.get_field_value(field, name)[0]
            for name, field in self.settings_cls.model_fields.items()
        }
        return {name: value for name, value in values.items() if value is not None}


def load_settings(**overrides: Any) -> Settings:
    """Read the settings of this process; raises `CommandError` naming the setting at fault."""
    try:
        return Settings(**overrides)
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        name = "_".join(str(part) for part in problem["loc"]).upper()
        message = problem["msg"].removeprefix("Value error, ")
        raise CommandError(f"Setting {PREFIX}{name}: {message}.") from None
    except OSError as error:
        raise CommandError(
            f"A setting's file cannot be read: {error.filename}: {error.strerror}."
        ) from None
