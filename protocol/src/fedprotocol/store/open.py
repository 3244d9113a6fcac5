"""Choose a store by its URL."""

from collections.abc import Callable, Sequence
from pathlib import Path

from fedprotocol.store.base import Store, StoreError
from fedprotocol.store.directory import DirectoryStore
from fedprotocol.store.found import Find, FoundSources
from fedprotocol.store.peered import PeerDirectory, PeeredStore, ReadOnlyStore, directory_of
from fedprotocol.store.places import Place, kind_of
from fedprotocol.store.source import Source


def open_store(
    url: str,
    cache: Path,
    peers: Sequence[str] = (),
    find: Find | None = None,
    is_local: bool = False,
    only_reads: bool = False,
) -> Store:
    """The store that `url` names. What it lacks is fetched from `peers`, in turn.

    `find` names more peers whenever something is missing. Those that the store cannot read from are left out, and so
    is everything in a private network or on this machine, unless `is_local`. `dir:/absolute/path`: a directory;
    peers are other sites' directories, written the same way, and trustless gateways, `https://host`.
    `kubo:http://host:port`: a Kubo daemon's RPC; `cache` is where its verified copies are kept, peers are other
    daemons' multiaddresses, `/ip4/…/tcp/4001/p2p/…`, and gateways, which are asked for what Kubo does not find.
    `gateway:https://host`: a gateway to read from, with copies in `cache`; peers are the same as for a directory.
    `only_reads`: nothing is written or pinned there; the copies are in `cache`, and whoever opened it deletes them.
    Raises StoreError if the URL is wrong, Unavailable if a directory cannot be created.
    """
    scheme, _, rest = url.partition(":")
    daemons = Place.DAEMON
    more = FoundSources(_those(find, url, lambda kind: kind is not daemons), is_local)
    if scheme == "dir" and only_reads:
        read = (url, *peers) if directory_of(url) != cache else peers
        return ReadOnlyStore(DirectoryStore(cache), [_source(peer) for peer in read], more)
    if scheme == "dir":
        return PeeredStore(DirectoryStore(directory_of(url)), [_source(peer) for peer in peers], more)
    if scheme == "gateway":
        return ReadOnlyStore(DirectoryStore(cache), [_source(peer) for peer in (rest, *peers)], more)
    if scheme == "kubo":
        # ipfshttpclient takes half a second to import; only those who use Kubo wait for it.
        from fedprotocol.store.kubo import KuboStore

        gateways = [peer for peer in peers if _is_web(peer)]
        others = [peer for peer in peers if not _is_web(peer)]
        return KuboStore(
            rest,
            DirectoryStore(cache),
            peers=others,
            pins=not only_reads,
            sources=[_source(peer) for peer in gateways],
            more_peers=_those(find, url, lambda kind: kind is daemons),
            more=more,
        )
    raise StoreError(
        f"{url!r} names no store; write dir:/absolute/path, kubo:http://127.0.0.1:5001 or gateway:https://host"
    )


def _those(find: Find | None, url: str, wanted: Callable[[Place], bool]) -> Find:
    """What `find` names, as far as it is of a wanted kind and the store at `url` can read from it."""

    def found() -> list[str]:
        places = [(place, kind_of(place)) for place in (find() if find is not None else ())]
        return [place for place, kind in places if kind.serves(url) and wanted(kind) and place != url]

    return found


def _source(peer: str) -> Source:
    if _is_web(peer):
        from fedprotocol.store.gateway import Gateway

        return Gateway(peer)
    return PeerDirectory(directory_of(peer))


def _is_web(peer: str) -> bool:
    return peer.startswith(("http:", "https:"))
