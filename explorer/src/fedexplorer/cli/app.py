"""`fedexplorer`: the table of contents. Commands import what they need when they run, so that `--help` is quick."""

from __future__ import annotations

import typer
from fedaggregator.cli.shared_options import add_program_options
from fedprotocol.program import interrupt
from fedprotocol.program.terminal import run_program

from fedexplorer import __version__
from fedexplorer.cli.export import export
from fedexplorer.cli.run import run

app = typer.Typer(
    help="Shows a federation in the browser, and checks it there.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
add_program_options(app, "fedexplorer", __version__)
app.command()(run)
app.command()(export)


def main() -> None:
    """The console command."""
    interrupt.answer()
    run_program(app)
