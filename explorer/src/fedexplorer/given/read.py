"""The settings, from what a person gives on the command line and what an invitation says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fedprotocol.chain.endpoint.chain_id import chain_id_of
from fedprotocol.config import ChainConfig, ConfigError
from fedprotocol.deployment.invitation import Invitation
from fedprotocol.deployment.received import receive
from fedprotocol.files.writable import NotWritable, try_to_write
from fedprotocol.printable import printable
from fedprotocol.program.environment import cache_folder
from fedprotocol.program.logs import hide_in
from fedprotocol.program.tokens import headers_for, origin, present
from fedprotocol.store.places import Place, kind_of
from fedprotocol.urls import http_url
from pydantic import ValidationError

from fedexplorer.given.names import LONGEST, read_names
from fedexplorer.given.score_files import ScoreFiles
from fedexplorer.given.settings import Settings, Shown
from fedexplorer.given.sources import store_of

GIB = 1 << 30
NO_CHAIN = "Check --rpc, or say which chain it is with --chain-id to have the explorer wait for the node"


@dataclass(frozen=True)
class Given:
    """What stands on the command line; None or empty for what was left out."""

    invitation: str | None = None
    coordinator: str | None = None
    chain_id: int | None = None
    rpc: Sequence[str] = ()
    stores: Sequence[str] = ()
    tokens: Sequence[str] = ()  # SERVER=FILE
    find_peers: bool = True
    home: Path | None = None
    cache: float | None = None  # GiB
    names: Path | None = None
    scores: Sequence[Path] = ()
    title: str = ""


def settings_of(given: Given) -> Settings:
    """What the explorer needs to know; the folder for its cache can be written to. From now on, servers are shown their
    tokens.

    Raises:
        ConfigError: something is missing, given twice, or wrong; the message names the option.
        InvitationError: see `receive`.
        NetworkSetting: a token's file cannot be used.
        ChainUnreachable: no chain id was given, and no node says which it is.
    """
    hide_in(*given.rpc)
    tokens = _tokens(given.tokens)
    present(tokens)
    for server in tokens:
        headers_for(server)  # a file that cannot be used is told now
    shown = _shown(given)
    invitation = None if given.invitation is None else receive(given.invitation)
    if invitation is not None and (given.coordinator is not None or given.chain_id is not None):
        raise ConfigError("--coordinator and --chain-id are in the invitation: leave them out, or leave it out")
    chain = _chain(given, invitation)
    home = (given.home or cache_folder() / "fedexplorer").expanduser().absolute()
    home /= f"{chain.chain_id}-{chain.coordinator.lower()}"
    _make(home)
    places = [*given.stores, *(_reachable(invitation) if invitation is not None else ())]
    bare = Settings(home, chain, None, Shown(shown.title or _title(invitation), shown.names, shown.scores))
    store = store_of(places, bare.content, given.find_peers)
    return replace(bare, store=store, cache=bare.cache if given.cache is None else int(given.cache * GIB))


def _tokens(given: Sequence[str]) -> dict[str, Path]:
    """The files by the servers to which they belong."""
    found = {}
    for words in given:
        server, equals, file = words.partition("=")
        if not equals or not file:
            raise ConfigError("--token wants a server and a file, such as https://node.example.org=token.txt")
        try:
            found[origin(server)] = Path(file).expanduser().absolute()
        except ValueError as error:
            raise ConfigError(f"--token: {error}") from None
    return found


def _chain(given: Given, invitation: Invitation | None) -> ChainConfig:
    coordinator = given.coordinator if invitation is None else invitation.coordinator
    rpc = tuple(given.rpc) or (() if invitation is None else invitation.rpc)
    if coordinator is None:
        raise ConfigError(
            "which federation? Give --coordinator with the address of its contract, or --invitation with the sponsor's "
            "file"
        )
    if not rpc:
        raise ConfigError("give the URL of an Ethereum node with --rpc")
    hide_in(*rpc)
    for number, url in enumerate(rpc, 1):
        try:
            http_url(url)
        except ValueError as error:  # the URL itself is not repeated: it may hold a key
            which = f", number {number} of them," if len(rpc) > 1 else ""
            raise ConfigError(f"--rpc{which} {error}") from None
    chain_id = given.chain_id if invitation is None else invitation.chain_id
    try:
        checked = ChainConfig(rpc=rpc, chain_id=chain_id or 1, coordinator=coordinator)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False)[0]
        option = "--" + str(wrong["loc"][0]).replace("_", "-")
        said = str(wrong["msg"]).removeprefix("Value error, ").replace("Input should", "must")
        raise ConfigError(f"{option} {said}") from None
    if chain_id is None:
        chain_id = chain_id_of(checked.rpc, NO_CHAIN)
    return ChainConfig(rpc=checked.rpc, chain_id=chain_id, coordinator=checked.coordinator)


def _make(home: Path) -> None:
    """The folder stays: another explorer that starts now may be writing there already."""
    try:
        try:
            home.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise NotWritable(home, error) from error
        try_to_write([home])
    except NotWritable as error:
        raise ConfigError(f"{error}. Choose another folder for the explorer's cache with --home") from None


def _shown(given: Given) -> Shown:
    title = given.title.strip()
    if len(title) > LONGEST or printable(title) != title:
        raise ConfigError(f"--title must have at most {LONGEST} characters, all of which can be seen")
    scores = ScoreFiles(given.scores)
    scores.check()
    return Shown(title, {} if given.names is None else read_names(given.names), scores)


def _reachable(invitation: Invitation) -> list[str]:
    """The places that an invitation names, without folders of the sponsor's own machine."""
    return [
        place
        for place in invitation.peers
        if kind_of(place) is not Place.FOLDER or Path(place.removeprefix("dir:")).is_dir()
    ]


def _title(invitation: Invitation | None) -> str:
    return "" if invitation is None else printable(invitation.name, LONGEST)
