"""`authn sources import`, `authn sources serve`, `authn sources check`."""

import typer

from authn.cli import sources_check, sources_import, sources_serve

app = typer.Typer(help="Authentic sources, real ones and embedded ones.", no_args_is_help=True)


@app.callback()
def _sources() -> None:
    """Authentic sources, real ones and embedded ones."""


app.command("import", help=sources_import.HELP)(sources_import.import_)
app.command("serve", help=sources_serve.HELP)(sources_serve.serve)
app.command("check", help=sources_check.HELP)(sources_check.check)
