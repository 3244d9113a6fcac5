"""`fednode watch`: the node in a terminal, drawn anew once a second."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer
from fedprotocol.program.terminal import say

from fednode.cli.common import DEFAULT_CONFIG, ConfigOption

if TYPE_CHECKING:
    from fednode.live.look import Watcher


def watch(
    every: Annotated[float, typer.Option(min=0.2, max=3600, help="Seconds between two looks at the node.")] = 1.0,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Show the node as it works: the round's phase and deadline, what it waits for, training, losses, money and peers.

    It reads the files that the node writes, and asks neither the chain nor for a password, so that it may run at any
    time and on any number of terminals. Where standard output is no terminal, what changes is written as lines. Ctrl-C
    leaves; the node goes on.
    """
    from contextlib import suppress

    from fedprotocol.chain.account.signer import address_of
    from fedprotocol.errors import FedError

    from fednode.config import load
    from fednode.live.look import Watcher

    settings = load(config)
    account = None
    with suppress(FedError):
        account = str(address_of(settings.account))
    _show(Watcher(settings, account), every)


def _show(watcher: Watcher, every: float) -> None:
    from rich.console import Console
    from rich.live import Live

    from fednode.live.view import NodeView, changes

    console = Console()
    if console.is_terminal:
        with Live(console=console, auto_refresh=False, vertical_overflow="crop") as screen:
            while True:
                screen.update(watcher.look(), refresh=True)
                time.sleep(every)
    before: NodeView | None = None
    while True:
        now = watcher.look()
        clock = time.strftime("%H:%M:%S")
        say(*(f"{clock} {line}" for line in changes(before, now)))
        before = now
        time.sleep(every)
