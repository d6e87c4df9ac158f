"""`authn clients change`: what is registered of an application is another from now on."""

from typing import Annotated, Any

import typer

from authn.cli.client_options import SaidOfClient, said_of_client
from authn.cli.client_values import checked_values, found_client, told
from authn.cli.ground import Ground, console, ground
from authn.cli.shared_options import takes
from authn.clients.client_metadata_document import write_client_metadata
from authn.clients.registration import change_client
from authn.consents.scopes import SSIN

ClientId = Annotated[str, typer.Argument(help="Its client_id.")]


@takes(said_of_client)
def change(
    client_id: ClientId,
    name: Annotated[str | None, typer.Option(help="The name that people see.")] = None,
    *,
    said: SaidOfClient,
) -> None:
    """Change what is said; a list is replaced as a whole, and `--set NAME=` takes a value away."""
    document = said.document(client_name=name)
    with ground() as present:
        _change(present, client_id, document, said)


def _change(present: Ground, client_id: str, document: dict[str, Any], said: SaidOfClient) -> None:
    with present.writing() as connection:
        client = found_client(connection, client_id)
        given = said.given(present.settings, client.scope_reasons)
        before = write_client_metadata(client)
        # What follows from others, and what excludes what is said now.
        replaced = {"response_types"}
        if document.keys() & {"jwks", "jwks_uri"}:
            replaced |= {"jwks", "jwks_uri"}
        before = {name: before[name] for name in before if name not in replaced}
        if not given.get("may_read_ssin", client.may_read_ssin):
            before["scope"] = " ".join(each for each in client.scope.split() if each != SSIN)
        given = {
            "resources": client.resources,
            "may_read_ssin": client.may_read_ssin,
            **given,
        }
        values = checked_values(present, connection, client_id, {**before, **document}, given)
        changed = told(
            lambda: change_client(connection, present.secrets, client, present.now, **values)
        )
    console.print(f"{client_id} is changed.", markup=False)
    if changed.client_secret:
        console.print(f"client_secret  {changed.client_secret}")
