"""What the peer directory says, for people."""

from __future__ import annotations

from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.peer_directory import PeerDirectory
from fedprotocol.config import ConnectionConfig
from fedprotocol.peers.announcement import wanted
from fedprotocol.peers.find import announced


def others_announce(config: ConnectionConfig, coordinator: Coordinator, own: str | None) -> str:
    """Where content of others is served, as they announce it; `own`: this account. Raises ChainError."""
    if not config.store.find_peers:
        return "others are not asked where they serve ([store] find_peers is false)"
    found = {account: places for account, places in announced(coordinator).items() if account != own}
    if not found:
        return "nobody else announces where content is served"
    places = ", ".join(dict.fromkeys(place for named in found.values() for place in named))
    return f"{len(found)} announced by others: {places}"


def this_announces(config: ConnectionConfig, coordinator: Coordinator, own: str) -> str:
    """Where others find the content of the account `own`. Raises ChainError, ConfigError."""
    text = wanted(config)
    directory = PeerDirectory(coordinator)
    if not directory.is_there():
        return "this chain has no peer directory, which a deployment makes: others must name this store"
    said = directory.said_by(own)
    if text is not None and text != said:
        return f"{_places(text)}, as soon as the node runs"
    if not said:
        return "nowhere: others must name this store, or [store] announce says where they can read it"
    return _places(said)


def _places(text: str) -> str:
    return ", ".join(text.splitlines()) or "nowhere"
