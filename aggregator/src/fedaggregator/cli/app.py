"""`fedaggregator`: run an aggregator, look at it, set it up, collect."""

from __future__ import annotations

import logging
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from fedprotocol.errors import as_a_service, refusals_told
from fedprotocol.files.private import warn_if_open
from fedprotocol.program import interrupt
from fedprotocol.program.logs import LogFormat, hide_in, logging_as
from fedprotocol.program.terminal import run_program, say, say_json

from fedaggregator import __version__
from fedaggregator.cli.account import account_commands
from fedaggregator.cli.audit import OutOption, RoundArgument, audit_round
from fedaggregator.cli.bench import bench
from fedaggregator.cli.config_check import config_commands
from fedaggregator.cli.init import init
from fedaggregator.cli.rounds import round_entry, show_rounds
from fedaggregator.cli.shared_options import (
    DEFAULT,
    ConfigOption,
    JsonOption,
    LogFormatOption,
    VerboseOption,
    add_program_options,
)
from fedaggregator.cli.upgrade_notes import upgrade_notes_command

if TYPE_CHECKING:
    from fedprotocol.config import AccountConfig

    from fedaggregator.config import AggregatorConfig

app = typer.Typer(
    help="Aggregate a federation's rounds: fetch accepted updates, average them, propose the result, be paid.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
add_program_options(app, "fedaggregator", __version__)


app.command()(init)


@app.command()
def run(
    verbose: VerboseOption = False, log_format: LogFormatOption = LogFormat.AUTO, config: ConfigOption = DEFAULT
) -> None:
    """Aggregate every round until the federation is over or the process is told to stop (SIGINT, SIGTERM)."""
    with logging_as(log_format, "fedaggregator", _terminal_handler(), _level(verbose)), as_a_service(), refusals_told():
        _run(config, proposes=True)


@app.command()
def watch(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only look, without a key: say what is wrong and send nothing.")
    ] = False,
    verbose: VerboseOption = False,
    log_format: LogFormatOption = LogFormat.AUTO,
    config: ConfigOption = DEFAULT,
) -> None:
    """Recompute every round, convict wrong proposals, and collect half of their bonds.

    A watchtower proposes nothing, so it needs ether for its transactions and no tokens.
    """
    with logging_as(log_format, "fedaggregator", _terminal_handler(), _level(verbose)), as_a_service(), refusals_told():
        is_well = _observe(config) if dry_run else _run(config, proposes=False)
    if not is_well:
        raise typer.Exit(1)


def _level(verbose: bool) -> int:
    return logging.DEBUG if verbose else logging.INFO


def _observe(config: Path) -> bool:
    """Show what was seen. Returns whether all of it is right."""
    from fedprotocol.config import load_config
    from fedprotocol.program.signals import stop_at_signals

    from fedaggregator.config import AggregatorConfig
    from fedaggregator.daemon.observe import in_lines, observe

    settings = load_config(config, AggregatorConfig)
    hide_in(*settings.chain.rpc, *settings.chain.websockets)
    warn_if_open(config, logging.getLogger("fedaggregator"))
    seen = observe(settings, settings.aggregator.keep_rounds, stop_at_signals(is_usual_end=True))
    say(*in_lines(seen))
    return all(finding.right for finding in seen)


def _run(config: Path, proposes: bool) -> bool:
    """Run until it is stopped or the federation is over."""
    from fedprotocol.chain.account.signer import open_signer
    from fedprotocol.config import load_config
    from fedprotocol.program.signals import stop_at_signals

    from fedaggregator.config import AggregatorConfig
    from fedaggregator.daemon.run import Aggregator

    settings = load_config(config, AggregatorConfig)
    hide_in(*settings.chain.rpc, *settings.chain.websockets, settings.account.signer)
    warn_if_open(config, logging.getLogger("fedaggregator"))
    signer = open_signer(settings.account)
    stop = stop_at_signals()
    with Aggregator.open(settings, signer, proposes) as aggregator:
        aggregator.run(stop)
    return True


@app.command()
def status(
    config: ConfigOption = DEFAULT,
    as_json: JsonOption = False,
) -> None:
    """Show what the aggregator waits for and since when, and what the chain says.

    If the chain does not answer within three seconds, it shows what was last read from it, and how old that is.
    """
    from fedprotocol.config import load_config
    from fedprotocol.errors import FedError

    from fedaggregator.cli.look import look_at
    from fedaggregator.cli.report import as_document, as_text
    from fedaggregator.config import AggregatorConfig
    from fedaggregator.daemon.status import read_status

    settings = load_config(config, AggregatorConfig)
    last_status = read_status(settings.status)
    found = look_at(settings, is_running=last_status is not None and last_status.is_running)
    if found.seen is None and last_status is None:
        raise FedError(found.problem)
    if as_json:
        say_json(as_document(found, last_status))
    else:
        say(*as_text(found, last_status))


@app.command()
def doctor(
    config: ConfigOption = DEFAULT,
    as_json: JsonOption = False,
) -> None:
    """Check everything that an aggregator needs, and name the command that repairs each fault.

    It looks at the chain, contracts, account, money, store, spec and disk, and tries every kind of call that a
    conviction takes. Nothing is sent. Exits with 1 if something is not right.
    """
    from fedprotocol.config import load_config
    from fedprotocol.program.doctor import CheckResult, as_text

    from fedaggregator.config import AggregatorConfig
    from fedaggregator.doctor import examine

    results: list[CheckResult] = []
    for result in examine(load_config(config, AggregatorConfig), config):
        results.append(result)
        if not as_json:
            say(*as_text(result))
    if as_json:
        say_json([asdict(result) for result in results])
    if not all(result.ok for result in results):
        raise typer.Exit(1)


@app.command()
def audit(
    number: RoundArgument,
    out: OutOption,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT,
) -> None:
    """Write the files prior.car, update-<index>.car, global.car and round.json of a round, and recompute it from them.

    Exits with 1 if the final global model is not the average of the accepted updates.
    """
    from fedprotocol.config import load_config

    from fedaggregator.config import AggregatorConfig

    audit_round(load_config(config, AggregatorConfig), number, out, as_json)


@app.command()
def rounds(as_json: JsonOption = False, config: ConfigOption = DEFAULT) -> None:
    """List every round with its phase, its participants and its global model."""
    from fedprotocol.chain.read.coordinator import Coordinator
    from fedprotocol.config import load_config

    from fedaggregator.config import AggregatorConfig

    chain = load_config(config, AggregatorConfig).chain
    coordinator = Coordinator.connect(chain.rpc, chain.coordinator, chain.chain_id)
    show_rounds([round_entry(coordinator, n) for n in range(1, coordinator.last_opened() + 1)], as_json)


@app.command()
def claim(config: ConfigOption = DEFAULT) -> None:
    """Collect what the coordinator owes the account. A running aggregator does this by itself."""
    from fedprotocol.chain.account.signer import open_signer
    from fedprotocol.config import load_config

    from fedaggregator.config import AggregatorConfig
    from fedaggregator.daemon.run import Aggregator

    settings = load_config(config, AggregatorConfig)
    signer = open_signer(settings.account)
    with (
        logging_as(LogFormat.HUMAN, "fedaggregator", _terminal_handler()),
        Aggregator.open(settings, signer) as aggregator,
    ):
        if aggregator.claim(frozenset()) == 0:
            say(f"nothing is owed to {signer.address}")


def _settings_in(config: Path) -> AggregatorConfig:
    from fedprotocol.config import load_config

    from fedaggregator.config import AggregatorConfig

    return load_config(config, AggregatorConfig)


def _home_in(config: Path) -> Path:
    return _settings_in(config).home


def _account_in(config: Path) -> AccountConfig:
    return _settings_in(config).account


app.command()(bench)
app.add_typer(account_commands(ConfigOption, DEFAULT, _account_in), name="account")
app.add_typer(config_commands(ConfigOption, DEFAULT, _settings_in), name="config")
app.command("upgrade-notes")(upgrade_notes_command(ConfigOption, DEFAULT, _home_in, "fedaggregator", __version__))


def _terminal_handler() -> logging.Handler | None:
    """How to write to the terminal; None if standard error is no terminal."""
    return logging.StreamHandler() if sys.stderr.isatty() else None


def main() -> None:
    """The console command."""
    interrupt.answer()
    run_program(app)
