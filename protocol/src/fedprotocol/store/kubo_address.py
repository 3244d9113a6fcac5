"""The two addresses of a Kubo daemon: that of its RPC, and the one under which other daemons reach it."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from fedprotocol.store.base import StoreError
from fedprotocol.urls import http_url

_DEFAULT_PORT = 5001


def peer_id(address: str) -> str:
    """The last part of a multiaddress that ends in /p2p/<peer id>."""
    start, _, peer = address.rpartition("/p2p/")
    if not start.startswith("/") or not peer or "/" in peer:
        raise StoreError(
            f"{address!r} is no peer of a Kubo daemon; write what its `ipfs id` says: /ip4/192.0.2.7/tcp/4001/p2p/12D3…"
        )
    return peer


def multiaddr(url: str) -> str:
    """http://127.0.0.1:5001 as ipfshttpclient writes it: /ip4/127.0.0.1/tcp/5001/http."""
    try:
        parts = urlsplit(http_url(url))
    except ValueError:
        parts = urlsplit("")
    host, port = parts.hostname, parts.port
    if not host or parts.path.strip("/") or parts.query or parts.username:
        raise StoreError(f"{url!r} is not the RPC address of a Kubo daemon; it looks like http://127.0.0.1:5001")
    try:
        kind = f"ip{ipaddress.ip_address(host).version}"
    except ValueError:
        kind = "dns"
    return f"/{kind}/{host}/tcp/{port or _DEFAULT_PORT}/{parts.scheme}"
