"""Prompts for what a client of a kind needs and no option of `authn clients add` says."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from authn.cli.clients.values import read_key_set_file
from authn.clients.client_registration.kinds import CLIENT_KINDS, SYSTEM_KIND, WEB
from authn.clients.client_registration.rules import SYSTEM_PREFIX
from authn.clients.clients import AUTHORIZATION_CODE, PRIVATE_KEY_JWT
from authn.errors import CommandError


def choose_kind(kind: str, document: Mapping[str, Any], organisation: str | None) -> str:
    """The kind of a client: named, following from its document, or asked for."""
    if kind and kind not in CLIENT_KINDS:
        raise CommandError(f"There is no kind {kind}; there are {', '.join(CLIENT_KINDS)}.")
    if kind:
        return kind
    if document.get("redirect_uris") or document.get("grant_types"):
        return WEB
    if organisation:
        return SYSTEM_KIND
    for name, each in CLIENT_KINDS.items():
        typer.echo(f"{name:8} {each.description}", err=True)
    answer: str = typer.prompt("Which kind", default=WEB, err=True)
    return choose_kind(answer, document, organisation)


def ask_for_missing_members(document: dict[str, Any]) -> None:
    """Complete the document with what its grant types and its authentication method need."""
    if AUTHORIZATION_CODE in document["grant_types"] and not document.get("redirect_uris"):
        document["redirect_uris"] = _ask_for_several("Where people are sent back to (redirect URI)")
        after = _ask_for_several("Where people go after signing out", needed=False)
        document.setdefault("post_logout_redirect_uris", after)
    keys = document.get("jwks") or document.get("jwks_uri")
    if document["token_endpoint_auth_method"] == PRIVATE_KEY_JWT and not keys:
        answer: str = typer.prompt("Its public keys: an https address, or a file", err=True)
        if answer.startswith(("https://", "http://")):
            document["jwks_uri"] = answer
        elif Path(answer).is_file():
            document["jwks"] = read_key_set_file(Path(answer))
        else:
            raise CommandError(f"There is no file {answer}.")


def ask_for_organisation(kind: str, organisation: str | None) -> str | None:
    """The CBE number of the organisation, asked for where a system has none."""
    if kind != SYSTEM_KIND or organisation:
        return organisation
    answer: str = typer.prompt("The CBE number of its organisation", err=True)
    return answer.replace(".", "").strip()


def client_id_for_kind(kind: str, client_id: str, organisation: str | None) -> str:
    """The client id: for a system without one, `cbe-` and the number of its organisation."""
    if kind == SYSTEM_KIND and not client_id:
        return f"{SYSTEM_PREFIX}{organisation}"
    return client_id


def _ask_for_several(question: str, *, needed: bool = True) -> list[str]:
    """Ask for addresses, one a line, until an empty line."""
    answers: list[str] = []
    while True:
        more = answers or not needed
        text = f"{question}; nothing for {'no more' if answers else 'none'}" if more else question
        answer: str = typer.prompt(text, default="" if more else None, show_default=False, err=True)
        if not answer.strip():
            return answers
        answers.append(answer.strip())
