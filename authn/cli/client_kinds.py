"""Asking for what a kind of client needs, and was not said."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from authn.cli.client_document import key_set
from authn.clients.client_rules import SYSTEM
from authn.clients.clients import AUTHORIZATION_CODE, PRIVATE_KEY_JWT
from authn.clients.kinds import KINDS, SYSTEM_KIND, WEB
from authn.errors import CommandError


def kind_of(kind: str, document: Mapping[str, Any], organisation: str | None) -> str:
    """The kind that was named, that what was said shows, or that is asked for."""
    if kind and kind not in KINDS:
        raise CommandError(f"There is no kind {kind}; there are {', '.join(KINDS)}.")
    if kind:
        return kind
    if document.get("redirect_uris") or document.get("grant_types"):
        return WEB
    if organisation:
        return SYSTEM_KIND
    for name, each in KINDS.items():
        typer.echo(f"{name:8} {each.words}", err=True)
    answer: str = typer.prompt("Which kind", default=WEB, err=True)
    return kind_of(answer, document, organisation)


def ask_for_what_is_missing(document: dict[str, Any]) -> None:
    """The document says what a client of its grant types and its authentication needs."""
    if AUTHORIZATION_CODE in document["grant_types"] and not document.get("redirect_uris"):
        document["redirect_uris"] = _several("Where people are sent back to (redirect URI)")
        after = _several("Where people go after signing out", needed=False)
        document.setdefault("post_logout_redirect_uris", after)
    keys = document.get("jwks") or document.get("jwks_uri")
    if document["token_endpoint_auth_method"] == PRIVATE_KEY_JWT and not keys:
        answer: str = typer.prompt("Its public keys: an https address, or a file", err=True)
        if answer.startswith(("https://", "http://")):
            document["jwks_uri"] = answer
        elif Path(answer).is_file():
            document["jwks"] = key_set(Path(answer))
        else:
            raise CommandError(f"There is no file {answer}.")


def organisation_of(kind: str, organisation: str | None) -> str | None:
    """The CBE number, asked for where a system has none."""
    if kind != SYSTEM_KIND or organisation:
        return organisation
    answer: str = typer.prompt("The CBE number of its organisation", err=True)
    return answer.replace(".", "").strip()


def client_id_of(kind: str, client_id: str, organisation: str | None) -> str:
    """The id: of a system, its organisation's."""
    if kind == SYSTEM_KIND and not client_id:
        return f"{SYSTEM}{organisation}"
    return client_id


def _several(question: str, *, needed: bool = True) -> list[str]:
    """Addresses, one a line, until an empty one."""
    answers: list[str] = []
    while True:
        more = answers or not needed
        text = f"{question}; nothing for {'no more' if answers else 'none'}" if more else question
        answer: str = typer.prompt(text, default="" if more else None, show_default=False, err=True)
        if not answer.strip():
            return answers
        answers.append(answer.strip())
