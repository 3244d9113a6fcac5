"""`fednode run`: the daemon."""

from __future__ import annotations

import logging
import signal
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from fedaggregator.cli.shared_options import LogFormatOption
from fedprotocol.errors import as_a_service, refusals_told
from fedprotocol.files.private import warn_if_open
from fedprotocol.program.environment import ignored
from fedprotocol.program.logs import LogFormat, hide_in, logging_as
from fedprotocol.program.terminal import say
from fedprotocol.program.upgrades import tell_upgrade

from fednode import __version__
from fednode.cli.common import DEFAULT_CONFIG, ConfigOption, open_session

log = logging.getLogger("fednode")


def run(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only look, without a key: recompute every global model and send nothing.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Also log what is tried again.")] = False,
    log_format: LogFormatOption = LogFormat.AUTO,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Take part in every round until the federation is over: train, commit, reveal, attest, recompute, check.

    The node may be stopped or killed at any moment. When it is started again, it goes on where it was. `fednode status`
    shows what it does. With --dry-run it prints at the end what it saw, and exits with 1 if anything was not right.
    """
    if dry_run:
        _watch(log_format, config)
        return
    from fedprotocol.monitor.health import Health
    from fedprotocol.monitor.start import monitored

    from fednode.daemon.logs import kept_in_log, log_file, terminal_handler
    from fednode.daemon.loop import Daemon
    from fednode.daemon.preflight import preflight
    from fednode.tracking.start import tracked

    signal.signal(signal.SIGTERM, _stop)
    level = logging.DEBUG if verbose else logging.INFO
    with (
        logging_as(log_format, "fednode", terminal_handler(), level),
        as_a_service(),
        refusals_told(),
        open_session(config) as session,
        log_file(session.config.logs),
        kept_in_log(),
    ):
        hide_in(*session.config.chain.rpc, *session.config.chain.websockets, session.config.account.signer)
        warn_if_open(config, log)
        log.debug("of the environment nothing was taken from: %s", ", ".join(ignored()) or "there is nothing else")
        preflight(session)
        tell_upgrade(session.config.home, "fednode", __version__)
        health = Health(session.config.chain.poll_seconds)
        daemon = Daemon(
            session.config,
            session.spec,
            session.coordinator,
            session.sender,
            session.journal,
            session.store,
            session.signer.address,
            health,
        )
        with monitored(session.config.monitor.port, health, session.store), tracked(session.config, config):
            daemon.run()


def _watch(log_format: LogFormat, config: Path) -> None:
    from fedaggregator.daemon.observe import in_lines, observe
    from fedprotocol.program.signals import stop_at_signals

    from fednode.config import load
    from fednode.daemon.logs import terminal_handler

    with logging_as(log_format, "fedaggregator", terminal_handler()), as_a_service(), refusals_told():
        settings = load(config)
        hide_in(*settings.chain.rpc, *settings.chain.websockets)
        warn_if_open(config, log)
        seen = observe(settings, settings.node.keep_rounds, stop_at_signals(is_usual_end=True))
    say(*in_lines(seen))
    if not all(finding.right for finding in seen):
        raise typer.Exit(1)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)
