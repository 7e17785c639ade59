"""`fumo flash`: the flash of a board, looked at, written, read, erased and compared by the names of its regions."""

import typer

app = typer.Typer(no_args_is_help=True, help="The flash of a board.")
