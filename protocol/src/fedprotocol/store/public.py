"""Looking up hosts that strangers named: only addresses of the internet are answers.

A name may lead into the private network that this machine is in, today or after the check; so what counts is the
address that the connection is made to.
"""

from __future__ import annotations

import ipaddress
import socket

from aiohttp.abc import AbstractResolver, ResolveResult

from fedprotocol.store import web


class PublicResolver(AbstractResolver):
    """Web's resolver without private, loopback, link-local and reserved addresses. `proxy`: a host that is this site's
    own and may have any address."""

    def __init__(self, proxy: str | None = None, inner: AbstractResolver = web.RESOLVER) -> None:
        self._proxy = proxy
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        if host == self._proxy:
            return found
        public = [one for one in found if is_public(one["host"])]
        if not public:
            raise OSError(f"{host} leads to a private address, where nobody else may send this program")
        return public

    async def close(self) -> None:
        pass


def is_public(address: str) -> bool:
    """Whether an IP address is one of the internet. Raises ValueError if it is no address."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(ip, "ipv4_mapped", None)
    return (mapped or ip).is_global and not ip.is_multicast
