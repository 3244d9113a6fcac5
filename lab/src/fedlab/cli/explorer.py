"""`fedlab explorer`: a demo run that has ended, in the browser."""

from __future__ import annotations

from typing import Annotated

import typer


def explorer(
    run: Annotated[
        str | None,
        typer.Argument(
            help="Name of the run's folder in runs/. Default: the newest one that has ended.", show_default=False
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65_535, help="Port to listen on. Default: 8600, or any other if that is taken."),
    ] = None,
) -> None:
    """Open the explorer of a demo run that has ended, until Ctrl-C.

    The chain is started again as it was when the run ended: all its blocks are there, and no more are made.
    """
    from rich.console import Console

    from fedlab.demo.explorer import open_again

    open_again(run, port, Console())
