"""`fumo recover`: firmware over a serial line, into a board that has none to start."""

import typer

app = typer.Typer(no_args_is_help=True, help="Serial recovery.")
