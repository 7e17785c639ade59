"""`fumo config`: the settings of the tools and of a board, checked and shown."""

import typer

app = typer.Typer(no_args_is_help=True, help="Settings.")
