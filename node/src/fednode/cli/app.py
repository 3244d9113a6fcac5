"""`fednode`: the table of contents. Commands import what they need when they run, so that `--help` is quick."""

from __future__ import annotations

import typer
from fedaggregator.cli.shared_options import add_program_options
from fedprotocol.program import interrupt
from fedprotocol.program.terminal import run_program

from fednode import __version__
from fednode.cli.account import app as account
from fednode.cli.audit import audit
from fednode.cli.challenge import challenge
from fednode.cli.claim import claim
from fednode.cli.config import app as config
from fednode.cli.cost import cost
from fednode.cli.data import app as data
from fednode.cli.doctor import doctor
from fednode.cli.evaluate import evaluate
from fednode.cli.exit import exit_federation
from fednode.cli.export import export
from fednode.cli.federation import app as federation
from fednode.cli.generate import generate
from fednode.cli.init import init
from fednode.cli.join import join
from fednode.cli.policy import app as policy
from fednode.cli.privacy import privacy
from fednode.cli.push import push
from fednode.cli.rounds import rounds
from fednode.cli.run import run
from fednode.cli.serve import serve
from fednode.cli.spec import app as spec
from fednode.cli.spec_next import next_ as spec_next
from fednode.cli.status import status
from fednode.cli.track import track
from fednode.cli.upgrade_notes import upgrade_notes
from fednode.cli.watch import watch

app = typer.Typer(
    help="A site of a federation: fine-tune a language model with others, keep the data at home, trust no aggregator.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
add_program_options(app, "fednode", __version__)


SPONSOR = "Sponsor"
START = "Start"
TAKE_PART = "Take part"
LOOK = "Look"
USE = "Use the model"

spec.command("next")(spec_next)
app.add_typer(spec, name="spec", rich_help_panel=SPONSOR)
app.command(rich_help_panel=SPONSOR)(cost)
app.add_typer(federation, name="federation", rich_help_panel=SPONSOR)
app.command(rich_help_panel=START)(init)
app.add_typer(account, name="account", rich_help_panel=START)
app.add_typer(config, name="config", rich_help_panel=START)
app.add_typer(data, name="data", rich_help_panel=START)
app.add_typer(policy, name="policy", rich_help_panel=START)
app.command(rich_help_panel=START)(doctor)
app.command("upgrade-notes", rich_help_panel=START)(upgrade_notes)
app.command(rich_help_panel=TAKE_PART)(join)
app.command(rich_help_panel=TAKE_PART)(run)
app.command(rich_help_panel=TAKE_PART)(challenge)
app.command(rich_help_panel=TAKE_PART)(claim)
app.command("exit", rich_help_panel=TAKE_PART)(exit_federation)
app.command(rich_help_panel=LOOK)(status)
app.command(rich_help_panel=LOOK)(watch)
app.command(rich_help_panel=LOOK)(rounds)
app.command(rich_help_panel=LOOK)(track)
app.command(rich_help_panel=LOOK)(privacy)
app.command(rich_help_panel=LOOK)(audit)
app.command(rich_help_panel=USE)(evaluate)
app.command(rich_help_panel=USE)(generate)
app.command(rich_help_panel=USE)(serve)
app.command(rich_help_panel=USE)(export)
app.command(rich_help_panel=USE)(push)


def main() -> None:
    """The console command."""
    interrupt.answer()
    run_program(app)
