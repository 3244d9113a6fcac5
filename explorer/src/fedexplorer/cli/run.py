"""`fedexplorer run`: the pages over HTTP."""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer
from fedaggregator.cli.shared_options import LogFormatOption
from fedprotocol.errors import as_a_service, refusals_told
from fedprotocol.printable import json_text
from fedprotocol.program.encoding import json_for
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
    from collections.abc import Sequence

    from fedexplorer.explorer import Explorer
    from fedexplorer.given.settings import Settings

LOOPBACK, PORT = "127.0.0.1", 8600
SERVED = "Where the pages are"  # the heading of these options in --help
log = logging.getLogger("fedexplorer")


def run(
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
    host: Annotated[
        str,
        typer.Option(
            help="Address to listen at. Anybody who can reach it can read all pages; to publish them, leave it as it "
            "is and put a web server in front.",
            rich_help_panel=SERVED,
        ),
    ] = LOOPBACK,
    port: Annotated[
        int,
        typer.Option(
            min=0, max=65_535, help="Port to listen on. 0: any that is free; it is printed.", rich_help_panel=SERVED
        ),
    ] = PORT,
    hostname: Annotated[
        list[str] | None,
        typer.Option(
            help="Name under which browsers may ask for the pages, such as explorer.example.org, besides localhost and "
            "addresses in numbers. Repeat the option to allow several.",
            rich_help_panel=SERVED,
        ),
    ] = None,
    root_path: Annotated[
        str,
        typer.Option(
            help="Path under which a web server in front serves the pages, such as /explorer. It is needed only if "
            "that server leaves the path in the address.",
            rich_help_panel=SERVED,
        ),
    ] = "",
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print the line that says where the pages are as JSON, for other programs.",
            rich_help_panel=SERVED,
        ),
    ] = False,
    verbose: VerboseOption = False,
    log_format: LogFormatOption = LogFormat.AUTO,
) -> None:
    """Show a federation in the browser: its rounds, disputes, money, content.

    It only reads, and has no key. It needs the address of the federation's
    contract and an Ethereum node; with a store it also shows what was
    trained, and checks it. While the node is away, the pages say so and show
    what was read before. Ctrl-C ends it.
    """
    from fedprotocol.program.listening import listen
    from fedprotocol.program.signals import stop_at_signals

    from fedexplorer.explorer import Explorer
    from fedexplorer.given.read import Given, settings_of
    from fedexplorer.web.server import end_soon, is_open, serve, url_of
    from fedexplorer.web.site_app import site_app

    terminal = logging.StreamHandler() if sys.stderr.isatty() else None
    level = logging.DEBUG if verbose else logging.INFO
    with logging_as(log_format, "fedexplorer", terminal, level), as_a_service(), refusals_told():
        names_allowed, prefix = _names(hostname or ()), _sub_path(root_path)
        given = Given(
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
        settings = settings_of(given)
        stop = stop_at_signals()
        with listen(host, port) as listening:
            explorer = Explorer(settings)
            _try_chain(explorer)
            app, live = site_app(explorer, names_allowed, prefix)
            with explorer:
                if is_open(listening):
                    warn("anybody who can reach this machine can read these pages, and the names of accounts with them")
                _say_where(url_of(listening, prefix), settings, as_json)
                serve(app, listening, stop, live.close)
                end_soon()


def _names(hostnames: Sequence[str]) -> list[str]:
    from fedprotocol.config import ConfigError

    from fedexplorer.web.hosts import host_name

    found = []
    for given in hostnames:
        try:
            found.append(host_name(given))
        except ValueError as error:
            raise ConfigError(f"--hostname {given!r} {error}") from None
    return found


def _sub_path(given: str) -> str:
    from fedprotocol.config import ConfigError

    from fedexplorer.web.sub_path import sub_path

    try:
        return sub_path(given)
    except ValueError as error:
        raise ConfigError(f"--root-path {given!r} {error}") from None


def _try_chain(explorer: Explorer) -> None:
    """A wrong address or chain ends the program at once. A node that is away does not: it may still be starting, and
    the pages say so. Raises WrongChain, NoContract, NotACoordinator."""
    from fedprotocol.chain.errors import ChainUnreachable, RpcRefused

    try:
        explorer.connect()
    except (ChainUnreachable, RpcRefused) as error:
        log.warning("%s. The explorer starts all the same, and asks again until it is there", error)


def _say_where(url: str, settings: Settings, as_json: bool) -> None:
    chain = settings.chain
    if as_json:
        line = {"url": url, "coordinator": chain.coordinator, "chain_id": chain.chain_id, "pid": os.getpid()}
        print(json_for(sys.stdout, json_text(line)), flush=True)
        return
    say(f"{url} shows the federation at {chain.coordinator} on chain {chain.chain_id}; Ctrl-C ends it")
    sys.stdout.flush()
