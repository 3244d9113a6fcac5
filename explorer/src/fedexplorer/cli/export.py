"""`fedexplorer export`: the pages as files."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from fedaggregator.cli.shared_options import LogFormatOption
from fedprotocol.errors import refusals_told
from fedprotocol.program.logs import LogFormat, logging_as
from fedprotocol.program.terminal import say, warn

from fedexplorer.cli.options import (
    CACHE_GIB,
    CacheOption,
    ChainIdOption,
    CoordinatorOption,
    HomeOption,
    InvitationOption,
    NamesOption,
    NoFindPeersOption,
    RpcOption,
    ScoresOption,
    StoreOption,
    TitleOption,
    TokenOption,
    VerboseOption,
)

if TYPE_CHECKING:
    from fedexplorer.export.export import Exported

MANY, MEBIBYTES = 20_000, 64
SHOWN = 5  # of what could not be done


def export(
    folder: Annotated[Path, typer.Argument(help="Folder for the files. It must be new or empty.")],
    coordinator: CoordinatorOption = None,
    chain_id: ChainIdOption = None,
    rpc: RpcOption = None,
    invitation: InvitationOption = None,
    store: StoreOption = None,
    token: TokenOption = None,
    no_find_peers: NoFindPeersOption = False,
    names: NamesOption = None,
    scores: ScoresOption = None,
    title: TitleOption = "",
    home: HomeOption = None,
    cache: CacheOption = CACHE_GIB,
    most_pages: Annotated[
        int, typer.Option(min=1, help="The most pages to write. Those of which there are most are left out first.")
    ] = MANY,
    leaves_mib: Annotated[
        int,
        typer.Option(
            "--leaves-mib",
            min=0,
            help="How many MiB the leaves of updates and globals may take, which the check in the browser reads. Those "
            "of the newest rounds come first.",
        ),
    ] = MEBIBYTES,
    verbose: VerboseOption = False,
    log_format: LogFormatOption = LogFormat.AUTO,
) -> None:
    """Write the pages as files that open from a disk, without a server.

    Everything that a running explorer shows is in the folder, as it is now:
    each page, its JSON, its tables as CSV. Open index.html in it. The check
    in the browser works on the leaves that are written beside the pages.
    """
    from fedexplorer.explorer import Explorer
    from fedexplorer.export.export import Limits
    from fedexplorer.export.export import export as write
    from fedexplorer.given.read import Given, settings_of
    from fedexplorer.views import ALL

    level = logging.DEBUG if verbose else logging.WARNING
    terminal = logging.StreamHandler() if sys.stderr.isatty() else None
    with logging_as(log_format, "fedexplorer", terminal, level), refusals_told():
        settings = settings_of(
            Given(
                invitation=invitation,
                coordinator=coordinator,
                chain_id=chain_id,
                rpc=rpc or (),
                stores=store or (),
                tokens=token or (),
                find_peers=not no_find_peers,
                home=home,
                cache=cache,
                names=names,
                scores=scores or (),
                title=title,
            )
        )
        with Explorer(settings).read_once() as site, _progress() as told:
            exported = write(site, ALL, folder, Limits(most_pages, leaves_mib << 20), told)
        _tell(folder, exported)


def _tell(folder: Path, exported: Exported) -> None:
    say(f"{exported.pages} pages are in {folder}: open {folder / 'index.html'}")
    if exported.left_out:
        warn(f"{exported.left_out} more pages were left out: --most-pages says how many may be written")
    for number, why in sorted(exported.unchecked.items())[:SHOWN]:
        warn(f"round {number} cannot be checked in these files: {why}")
    if len(exported.unchecked) > SHOWN:
        warn(f"nor can {len(exported.unchecked) - SHOWN} other rounds")
    for page, why in list(exported.failed.items())[:SHOWN]:
        warn(f"{page} could not be made: {why}")
    if len(exported.failed) > SHOWN:
        warn(f"nor could {len(exported.failed) - SHOWN} other pages")


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, elsewhere a line now and then."""
    from fedprotocol.program.slow_work import told_if_slow

    if not sys.stderr.isatty():
        with told_if_slow("writing pages") as work:
            yield work.at
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("writing pages", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
