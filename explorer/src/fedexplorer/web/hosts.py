"""Under which names a browser may speak to the explorer.

A page of another site can have its own name lead to this machine (DNS rebinding), and would then read what is served
here. The browser still sends that name in the Host header, so requests with names that nobody gave are refused. An
address in numbers cannot be rebound.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from ipaddress import AddressValueError, IPv4Address, IPv6Address

LONGEST_HOST = 253  # characters of a name, by DNS
_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_PORT = re.compile(r"(:[0-9]{0,5})?")


def host_name(text: str) -> str:
    """A host's name that a person gives, as browsers write it: lower case, IDNA, without a final dot.

    Raises ValueError, which says what is wrong.
    """
    plain = text.strip().removesuffix(".")
    if "/" in plain or ":" in plain or "*" in plain:
        raise ValueError("must be a host's name alone, such as explorer.example.org")
    try:
        name = plain.encode("idna").decode().lower()
    except UnicodeError:
        name = ""
    if len(name) > LONGEST_HOST or not _NAME.fullmatch(name):
        raise ValueError("is no host's name")
    return name


def host_in(header: str) -> str | None:
    """The name or address in a Host header: lower case, without port, brackets and final dot. None if it is none."""
    text = header.strip().lower()
    if text.startswith("["):
        inside, bracket, port = text[1:].partition("]")
        try:
            return str(IPv6Address(inside)) if bracket and _PORT.fullmatch(port) else None
        except AddressValueError:
            return None
    name, colon, port = text.partition(":")
    name = name.removesuffix(".")
    if not _PORT.fullmatch(colon + port) or len(name) > LONGEST_HOST or not _NAME.fullmatch(name):
        return None
    return name


def is_allowed(header: str, names: Collection[str]) -> bool:
    """Whether a request with this Host header is answered: it has an address in numbers, a name of this machine, or one
    of `names` (as `host_name` writes them)."""
    host = host_in(header)
    if host is None:
        return False
    return host in names or host == "localhost" or host.endswith(".localhost") or _is_address(host)


def _is_address(host: str) -> bool:
    for kind in (IPv4Address, IPv6Address):
        try:
            kind(host)
        except AddressValueError:
            continue
        return True
    return False
