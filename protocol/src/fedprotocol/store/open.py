"""Choose a store by its URL."""

from collections.abc import Sequence
from pathlib import Path

from fedprotocol.store.base import Store, StoreError
from fedprotocol.store.directory import DirectoryStore
from fedprotocol.store.peered import PeerDirectory, PeeredStore, ReadOnlyStore
from fedprotocol.store.source import Source


def open_store(url: str, cache: Path, peers: Sequence[str] = ()) -> Store:
    """The store that `url` names. What it lacks is fetched from `peers`, in turn. `dir:/absolute/path`: a directory;
    peers are other sites' directories, written the same way, and trustless gateways, `https://host`.
    `kubo:http://host:port`: a Kubo daemon's RPC; `cache` is where its verified copies are kept, peers are other
    daemons' multiaddresses, `/ip4/…/tcp/4001/p2p/…`, and gateways, which are asked for what Kubo does not find.
    `gateway:https://host`: a gateway to read from, with copies in `cache`; peers are the same as for a directory.
    Raises StoreError if the URL is wrong, Unavailable if a directory cannot be created.
    """
    scheme, _, rest = url.partition(":")
    if scheme == "dir":
        return PeeredStore(DirectoryStore(_directory(url)), [_source(peer) for peer in peers])
    if scheme == "gateway":
        return ReadOnlyStore(DirectoryStore(cache), [_source(peer) for peer in (rest, *peers)])
    if scheme == "kubo":
        # ipfshttpclient takes half a second to import; only those who use Kubo wait for it.
        from fedprotocol.store.kubo import KuboStore

        gateways = [peer for peer in peers if _is_web(peer)]
        others = [peer for peer in peers if not _is_web(peer)]
        return KuboStore(rest, DirectoryStore(cache), peers=others, sources=[_source(peer) for peer in gateways])
    raise StoreError(
        f"{url!r} names no store; write dir:/absolute/path, kubo:http://127.0.0.1:5001 or gateway:https://host"
    )


def _source(peer: str) -> Source:
    if _is_web(peer):
        from fedprotocol.store.gateway import Gateway

        return Gateway(peer)
    return PeerDirectory(_directory(peer))


def _is_web(peer: str) -> bool:
    return peer.startswith(("http:", "https:"))


def _directory(url: str) -> Path:
    scheme, _, rest = url.partition(":")
    path = Path(rest)
    if scheme != "dir" or not path.is_absolute():
        raise StoreError(f"{url!r} names no directory; write dir:/absolute/path")
    return path
