"""`fednode track`: hand the figures so far to the trackers that the config names."""

from __future__ import annotations

import typer
from fedprotocol.program.logs import LogFormat, logging_as
from fedprotocol.program.terminal import say, warn

from fednode.cli.common import DEFAULT_CONFIG, ConfigOption


def track(config: ConfigOption = DEFAULT_CONFIG) -> None:
    r"""Hand the figures of all rounds so far to the trackers of `\[track]`: csv, tensorboard, wandb, mlflow or trackio.

    A running node does so by itself; this is for what a tracker lacks because it was out of reach, or was named only
    later. Nothing is handed over twice. Exits with 1 if a tracker did not take everything.
    """
    from fedprotocol.errors import FedError
    from fedprotocol.program.slow_work import told_if_slow

    from fednode.config import load
    from fednode.daemon.logs import terminal_handler
    from fednode.tracking.figure_folder import FigureFolder
    from fednode.tracking.follow import follow
    from fednode.tracking.set_up import recipients

    settings = load(config)
    if not settings.track.to:
        raise FedError('the config names no tracker: [track] to = ["csv"] in it does')
    with logging_as(LogFormat.HUMAN, "fednode", terminal_handler()):
        folder = FigureFolder(settings.metrics, warn)
        with told_if_slow("handing the figures on"):
            is_done = follow(recipients(settings), folder.chapters, lambda: True)
        rounds = len({chapter.round for chapter in folder.chapters()})
    say(f"figures of {rounds} rounds, for {', '.join(settings.track.to)}; files are in {settings.tracked}")
    if not is_done:
        raise typer.Exit(1)
