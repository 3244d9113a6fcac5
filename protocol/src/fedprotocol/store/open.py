"""Choose a store by its URL."""

from collections.abc import Sequence
from pathlib import Path

from fedprotocol.store.base import Store, StoreError
from fedprotocol.store.directory import DirectoryStore
from fedprotocol.store.peered import PeeredStore


def open_store(url: str, cache: Path, peers: Sequence[str] = ()) -> Store:
    """The store that `url` names.

    `dir:/absolute/path`: a directory of one's own; `peers` are other sites' directories, written the same way.
    `kubo:http://host:port`: a Kubo daemon's RPC; `cache` is where its verified copies are kept, `peers` are other
    daemons' multiaddresses, `/ip4/…/tcp/4001/p2p/…`.

    Raises StoreError if the URL makes no sense, Unavailable if a directory cannot be created.
    """
    scheme, _, rest = url.partition(":")
    if scheme == "dir":
        return PeeredStore(DirectoryStore(_directory(url)), [_directory(peer) for peer in peers])
    if scheme == "kubo":
        # ipfshttpclient takes half a second to import; only those who use Kubo wait for it.
        from fedprotocol.store.kubo import KuboStore

        return KuboStore(rest, DirectoryStore(cache), peers=peers)
    raise StoreError(f"{url!r} names no store; write dir:/absolute/path or kubo:http://127.0.0.1:5001")


def _directory(url: str) -> Path:
    scheme, _, rest = url.partition(":")
    path = Path(rest)
    if scheme != "dir" or not path.is_absolute():
        raise StoreError(f"{url!r} names no directory; write dir:/absolute/path")
    return path
