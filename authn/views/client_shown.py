"""A client as the command line shows it: what it says, and what the operator decides about it."""

from typing import Any

import orjson

from authn.clients.client_metadata_document import write_client_metadata
from authn.clients.clients import Client


def shown_client(client: Client) -> dict[str, str]:
    """Everything that is known of it, by name; of its secret and its token not even the hash."""
    said = {name: _text(value) for name, value in write_client_metadata(client).items()}
    decided = {
        "sector_identifier": client.sector_identifier,
        "require_pkce": client.pkce_required,
        "may_read_ssin": client.may_read_ssin,
        "may_read_device_id": client.may_read_device_id,
        "first_party": client.first_party,
        "policy": client.policy or "that of the service",
        "profile": client.profile or "none",
        "organisation": client.organisation or "none",
        "resources": client.resources,
        "profile_kinds": client.profile_kinds or "citizen alone",
        "required_profile_kinds": client.required_profile_kinds or "none",
        "default_profile_kind": client.default_profile_kind or "none",
        **_reasons(client),
        "refresh_idle": f"{client.refresh_idle // 86400} days",
        "refresh_lifetime": f"{client.refresh_lifetime // 86400} days",
        "registered itself": client.registration_access_token_hash is not None,
        "registered": f"{client.created_at:%Y-%m-%d %H:%M} UTC",
    }
    return {
        "client_id": client.client_id,
        **said,
        **{name: _text(value) for name, value in decided.items()},
    }


def _reasons(client: Client) -> dict[str, str]:
    """What it can't do without, a line each, with the reason in each language."""
    return {
        f"needs {scope}": "; ".join(f"{tag}: {reason}" for tag, reason in reasons.items())
        for scope, reasons in client.scope_reasons.items()
    }


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str | int):
        return str(value)
    if isinstance(value, tuple | list) and all(isinstance(each, str) for each in value):
        return " ".join(value)
    return orjson.dumps(value).decode()
