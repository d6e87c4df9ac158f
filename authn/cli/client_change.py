"""`authn clients change`: what is registered of an application is another from now on."""

from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from authn.cli.client_options import ClientOptionValues, said_of_client
from authn.cli.client_values import checked_values, found_client, told
from authn.cli.ground import Ground, console, ground
from authn.cli.second import Reason, ReasonOption, Ticket, TwoOperatorPlan, carry_out
from authn.cli.shared_options import takes
from authn.clients.client_metadata_document import write_client_metadata
from authn.clients.clients import Client
from authn.clients.registration import RegisteredClient, change_client, changed_client
from authn.consents.scopes import SSIN
from authn.console.operator_request_deeds import wanted_client

ClientId = Annotated[str, typer.Argument(help="Its client_id.")]


@takes(said_of_client)
def change(
    client_id: ClientId,
    name: Annotated[str | None, typer.Option(help="The name that people see.")] = None,
    reason: Reason = None,
    ticket: Ticket = None,
    *,
    said: ClientOptionValues,
) -> None:
    """Change what is said; a list is replaced as a whole, and `--set NAME=` takes a value away.

    What gives much waits for a second operator at the desk, and so does what would give it to
    another one: new redirect URIs or keys of an application that has it.
    """
    document = said.document(client_name=name)
    with ground() as present:
        _change(present, client_id, document, said, ReasonOption(reason, ticket))


def _change(
    present: Ground,
    client_id: str,
    document: dict[str, Any],
    said: ClientOptionValues,
    why: ReasonOption,
) -> None:
    made: list[RegisteredClient] = []

    def plan(connection: Connection) -> TwoOperatorPlan[None]:
        client = found_client(connection, client_id)
        values = _values(present, connection, client, document, said)
        changed = told(lambda: changed_client(client, **values))
        made.append(changed)
        # The secret that was made, where one is.
        values |= {"client_secret_hash": changed.client.client_secret_hash}

        def do() -> None:
            told(lambda: change_client(connection, present.secrets, client, present.now, **values))

        return TwoOperatorPlan(
            wanted_client(connection, present.settings, client, changed.client), do
        )

    if carry_out(present, why, plan).asked is None:
        console.print(f"{client_id} is changed.", markup=False)
    if made[-1].client_secret:
        console.print(f"client_secret  {made[-1].client_secret}")


def _values(
    present: Ground,
    connection: Connection,
    client: Client,
    document: dict[str, Any],
    said: ClientOptionValues,
) -> dict[str, Any]:
    """The values that it would have; what was not said it keeps. Raises `CommandError`."""
    given = said.given(present.settings, client.scope_reasons)
    before = write_client_metadata(client)
    # What follows from others, and what excludes what is said now.
    replaced = {"response_types"}
    if document.keys() & {"jwks", "jwks_uri"}:
        replaced |= {"jwks", "jwks_uri"}
    before = {name: before[name] for name in before if name not in replaced}
    if not given.get("may_read_ssin", client.may_read_ssin):
        before["scope"] = " ".join(each for each in client.scope.split() if each != SSIN)
    given = {"resources": client.resources, "may_read_ssin": client.may_read_ssin, **given}
    return checked_values(present, connection, client.client_id, {**before, **document}, given)
