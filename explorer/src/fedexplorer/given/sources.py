"""Where content is read from, made of the places that a person names and those that an invitation names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fedprotocol.config import ConfigError, StoreConfig
from fedprotocol.errors import FedError
from fedprotocol.store.places import kind_of
from fedprotocol.urls import http_url

FORMS = "dir:FOLDER, https://gateway, or kubo:http://127.0.0.1:5001"


def store_of(places: Sequence[str], copies: Path, find_peers: bool) -> StoreConfig | None:
    """The store to read from: the Kubo daemon among `places`, or else the first of them; the others are its peers. None
    if there is nothing to read from.

    Args:
        copies: the explorer's own folder, which is all there is to read before others are found on the chain.

    Raises ConfigError, which names the place that is wrong.
    """
    daemons = [place for place in places if place.startswith("kubo:")]
    others = tuple(dict.fromkeys(_place(place) for place in places if place not in daemons))
    if len(daemons) > 1:
        raise ConfigError("--store names two Kubo daemons: give the one on this machine")
    if daemons:
        url = daemons[0]
        try:
            http_url(url.removeprefix("kubo:"))
        except ValueError as error:
            raise ConfigError(f"--store {url!r} {error}") from None
        readable = [place for place in others if kind_of(place).serves(url)]
        return StoreConfig(url=url, peers=tuple(readable), find_peers=find_peers)
    readable = [place for place in others if kind_of(place).serves(f"dir:{copies}")]
    if not readable and not find_peers:
        return None
    first, *rest = readable or [f"dir:{copies}"]
    url = first if first.startswith("dir:") else f"gateway:{first}"
    return StoreConfig(url=url, peers=tuple(rest), find_peers=find_peers)


def _place(text: str) -> str:
    place = text.strip().removeprefix("gateway:")
    if place.startswith("dir:"):
        folder = Path(place.removeprefix("dir:")).expanduser().absolute()
        if not folder.is_dir():
            raise ConfigError(f"--store {text!r}: there is no such folder")
        return f"dir:{folder}"
    try:
        kind_of(place)
    except FedError:
        raise ConfigError(f"--store {text!r} is no place to read content from: write {FORMS}") from None
    return place
