"""The options of `authn resources add` and `change`, each written once, and their document.

The JSON document is that of `clients.resource_servers.document`, so that a file and the options are
held against the same rules.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from authn.cli.shared import read_json_object
from authn.consents.scopes import SCOPES
from authn.errors import CommandError
from authn.web.languages import SOURCE_LANGUAGE

LARGEST_FILE = 1024 * 1024  # bytes

File = Annotated[
    Path | None,
    typer.Option("--file", help="All of it as JSON: docs/resources.md.", exists=True),
]
Name = Annotated[str | None, typer.Option(help="The name that people see.")]
Scope = Annotated[
    list[str] | None,
    typer.Option(
        help='A scope and the sentence that people read: "read=Read your letters"; repeatable.'
    ),
]
ProfileKinds = Annotated[
    list[str] | None,
    typer.Option(
        "--profile-kind",
        help="Who may obtain the scopes named here: citizen, quality, organisation, mandate, "
        "child, staff, system; repeatable. Without: anybody.",
    ),
]
Disciplines = Annotated[
    list[str] | None,
    typer.Option("--discipline", help="Of qualities only these: physician, nurse, …; repeatable."),
]
ServiceNames = Annotated[
    list[str] | None,
    typer.Option("--service-name", help="Of mandates only those for this service; repeatable."),
]
ScopeLevel = Annotated[
    str | None, typer.Option(help="The least level of a login for the scopes named here.")
]
ClientName = Annotated[
    str | None, typer.Option("--client", help="As which client it asks /introspect about tokens.")
]
SectorIdentifier = Annotated[
    str | None, typer.Option(help="Within which a person is the same `sub`. Without: its host.")
]
Level = Annotated[
    str | None, typer.Option(help="The least level of a login: synced, device or certified.")
]
TokenFormat = Annotated[
    str | None, typer.Option(help="jwt, or opaque: readable at /introspect alone.")
]
EncryptTokens = Annotated[
    bool | None,
    typer.Option(
        "--encrypt-tokens/--no-encrypt-tokens",
        help="Access tokens for it are encrypted to a key of its client.",
    ),
]
Ssin = Annotated[
    bool | None,
    typer.Option("--ssin/--no-ssin", help="It may read the national number."),
]
ReadsProfile = Annotated[
    bool | None,
    typer.Option(
        "--reads-profile/--no-reads-profile",
        help="It may read who acts, in which capacity and for whom: userProfile.",
    ),
]
MayAct = Annotated[
    bool | None,
    typer.Option("--may-act/--no-may-act", help="It understands the federation's list may_act."),
]
DeviceId = Annotated[
    bool | None,
    typer.Option("--device-id/--no-device-id", help="It may read device_id."),
]
RevocationHook = Annotated[
    str | None,
    typer.Option(help="Where it hears that access was taken back: an https address."),
]


@dataclass(frozen=True, slots=True)
class ResourceOptionValues:
    """The values of the options of `authn resources add` and `change`.

    `file` is the object of the file, `members` are further members of the document; `scopes` are
    SCOPE=SENTENCE texts, and `rules` hold for each of these scopes.
    """

    file: dict[str, Any]
    members: dict[str, Any]
    scopes: list[str]
    rules: dict[str, Any]

    def document(self, known: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
        """The document of file and options; an option replaces a member of the file.

        `known` are the scopes that the resource has already. Raises `CommandError`.
        """
        document = {**self.file, **self.members}
        in_file = _object(document.get("scopes", {}))
        if self.scopes or self.rules:
            of_options = build_scope_documents(self.scopes, in_file or known, **self.rules)
            document["scopes"] = {**(in_file or known), **of_options}
        for scope in _object(document.get("scopes", {})):
            if scope in SCOPES:
                raise CommandError(f"The scope {scope} is the service's own.")
        return document


def resource_option_values(
    file: File = None,
    name: Name = None,
    scope: Scope = None,
    profile_kind: ProfileKinds = None,
    discipline: Disciplines = None,
    service_name: ServiceNames = None,
    scope_level: ScopeLevel = None,
    client: ClientName = None,
    sector_identifier: SectorIdentifier = None,
    level: Level = None,
    token_format: TokenFormat = None,
    encrypt_tokens: EncryptTokens = None,
    ssin: Ssin = None,
    reads_profile: ReadsProfile = None,
    may_act: MayAct = None,
    device_id: DeviceId = None,
    revocation_hook: RevocationHook = None,
) -> ResourceOptionValues:
    """The options of `authn resources add` and `change`, as one value."""
    members = {
        "resource_name": name,
        "client_id": client,
        "sector_identifier": sector_identifier,
        "level": level,
        "token_format": token_format,
        "encrypt_tokens": encrypt_tokens,
        "may_read_ssin": ssin,
        "reads_profile": reads_profile,
        "reads_may_act": may_act,
        "may_read_device_id": device_id,
        "revocation_hook": revocation_hook,
    }
    rules = {
        "profile_kinds": profile_kind,
        "disciplines": discipline,
        "service_names": service_name,
        "level": scope_level,
    }
    return ResourceOptionValues(
        file=_read_file(file) if file else {},
        members=_given_options(members),
        scopes=scope or [],
        rules=_given_options(rules),
    )


def _given_options(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value not in (None, [])}


def build_scope_documents(
    scopes: Iterable[str], known: Mapping[str, dict[str, Any]], **rules: Any
) -> dict[str, dict[str, Any]]:
    """The scopes of SCOPE=SENTENCE texts as members of a document, each with the rules.

    A known scope needs no sentence and keeps what is not given now. Raises `CommandError`.
    """
    named: dict[str, dict[str, Any]] = {}
    for each in scopes:
        scope, equals, sentence = each.partition("=")
        if not equals and scope not in known:
            raise CommandError(f'A scope needs its sentence: --scope "{scope}=What it allows".')
        before = _object(known.get(scope, {}))
        names = before.get("name", {})
        names = names if isinstance(names, dict) else {}
        text = {"name": {**names, SOURCE_LANGUAGE: sentence.strip()}} if equals else {}
        named[scope] = {**before, **text, **rules}
    if not named:
        raise CommandError("Name the scopes that these rules are for: --scope.")
    return named


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise CommandError("The scopes are a JSON object: the name of each, and what it is.")
    return value


def _read_file(file: Path) -> dict[str, Any]:
    if file.stat().st_size > LARGEST_FILE:
        raise CommandError(f"{file} is larger than a megabyte.")
    return read_json_object(file)
