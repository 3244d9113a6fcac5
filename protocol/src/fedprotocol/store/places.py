"""Where others may be read from, as people write it: folders, gateways and Kubo daemons told apart in one place."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

from fedprotocol.store.base import StoreError
from fedprotocol.store.kubo_address import peer_id
from fedprotocol.urls import gateway_url


class Place(Enum):
    """What a peer is."""

    FOLDER = "a folder"  # dir:/absolute/path
    GATEWAY = "a gateway"  # https://host
    DAEMON = "a Kubo daemon"  # /ip4/192.0.2.7/tcp/4001/p2p/12D3Koo…

    def serves(self, store: str) -> bool:
        """Whether the store that the URL `store` names can read from it: a folder has no way to ask a daemon, and a
        daemon none to read a folder."""
        other = Place.FOLDER if store.startswith("kubo:") else Place.DAEMON
        return self is not other


def kind_of(peer: str) -> Place:
    """What `peer` names. Raises StoreError if it is none of them."""
    if peer.startswith(("http:", "https:")):
        try:
            gateway_url(peer)
        except ValueError as error:
            raise StoreError(f"{peer!r} is no gateway: it {error}") from None
        return Place.GATEWAY
    if peer.startswith("/"):
        peer_id(peer)
        return Place.DAEMON
    if peer.startswith("dir:") and Path(peer.removeprefix("dir:")).is_absolute():
        return Place.FOLDER
    raise StoreError(
        f"{peer!r} is no place to read from: write dir:/absolute/path, https://gateway, or the address that `ipfs id` "
        "says, /ip4/192.0.2.7/tcp/4001/p2p/12D3…"
    )


def usual_store(peers: tuple[str, ...]) -> str:
    """The URL of a store of this site that can read from most of `peers`: a folder, unless all of them are daemons."""
    kinds = {kind_of(peer) for peer in peers}
    return "kubo:http://127.0.0.1:5001" if kinds == {Place.DAEMON} else "dir:store"
