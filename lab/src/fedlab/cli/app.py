"""`fedlab`: the table of contents. Commands import what they need when they run, so that `--help` is quick."""

from __future__ import annotations

import typer
from fedaggregator.cli.shared_options import add_program_options
from fedprotocol.program.terminal import run_program

from fedlab import __version__
from fedlab.cli.demo import demo
from fedlab.cli.experiment import experiment
from fedlab.cli.explorer import explorer

app = typer.Typer(
    help="Shows a whole federation on this machine, and measures federated training beside everything else.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
add_program_options(app, "fedlab", __version__)
app.command()(demo)
app.command()(explorer)
app.command()(experiment)


def main() -> None:
    """The console command."""
    run_program(app)
