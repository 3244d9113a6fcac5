"""The text of an announcement: what is written into one, and what of one is used.

Everybody with a seat can announce, so what stands there is a stranger's: it must not make this machine read folders of
its own, nor ask programs that only its own network can reach.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from urllib.parse import urlsplit

from fedprotocol.chain.read.peer_directory import MOST_BYTES
from fedprotocol.chains import DEVELOPMENT_CHAINS
from fedprotocol.config import ConfigError, ConnectionConfig
from fedprotocol.store.base import StoreError
from fedprotocol.store.places import Place, kind_of
from fedprotocol.store.public import is_public

MOST_PLACES = 4
"""The most places of one account that are used."""


def usable(text: str, is_local: bool) -> tuple[str, ...]:
    """The places in an announcement that may be read from, four at most; all others are left out.

    `is_local`: everybody is on this machine, as on a development chain: folders and private addresses count too.
    """
    lines = dict.fromkeys(line.strip() for line in text[:MOST_BYTES].splitlines())
    return tuple(line for line in lines if line.isprintable() and not refusal(line, is_local))[:MOST_PLACES]


def refusal(place: str, is_local: bool) -> str:
    """Why others would not read from `place`; empty: they would."""
    try:
        kind = kind_of(place)
    except StoreError as error:
        return str(error)
    if is_local:
        return ""
    if kind is Place.FOLDER:
        return f"{place} is a folder, which only this machine has"
    hosts = [urlsplit(place).hostname or ""] if kind is Place.GATEWAY else _hosts(place)
    private = [host for host in hosts if not _may_be_public(host)]
    return f"{place}: {private[0]} is an address of a private network, or of one machine alone" if private else ""


def wanted(config: ConnectionConfig) -> str | None:
    """What a program with this config announces; None: it leaves alone what is there.

    Where nothing is said about it, a folder is announced on a development chain, and nothing elsewhere. Raises
    ConfigError: others would not take it.
    """
    is_local = config.chain.chain_id in DEVELOPMENT_CHAINS
    places = config.store.announce
    if places is None:
        return config.store.url if is_local and config.store.url.startswith("dir:") else None
    for place in places:
        if why := refusal(place, is_local):
            raise ConfigError(f"[store] announce: nobody would read from it: {why}")
    text = "\n".join(places)
    if len(places) > MOST_PLACES or len(text.encode()) > MOST_BYTES:
        raise ConfigError(f"[store] announce takes {MOST_PLACES} places and {MOST_BYTES} bytes at most")
    return text


def _hosts(multiaddress: str) -> Sequence[str]:
    """The hosts in a multiaddress, those of relays too."""
    parts = multiaddress.split("/")
    return [host for kind, host in pairwise(parts) if kind in ("ip4", "ip6", "dns", "dns4", "dns6")]


def _may_be_public(host: str) -> bool:
    """Whether a host can be one of the internet. Of a name only the look-up shows it (`fedprotocol.store.public`)."""
    try:
        return is_public(host)
    except ValueError:
        return "." in host.strip(".") and not host.rstrip(".").endswith((".localhost", ".local", ".internal"))
