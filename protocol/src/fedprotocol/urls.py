"""Checking and shortening URLs that people write."""

from __future__ import annotations

from urllib.parse import urlsplit

STATUSES = {
    401: "it wants a key or a password: correct the URL, or ask its operator for one",
    403: "it does not let this key or this machine in: ask its operator",
    404: "it has nothing at this path: correct the URL",
    407: "a proxy in between wants a password",
    429: "too many requests for what this key may ask: wait, or take another plan",
}
"""What an HTTP status means to somebody who can change a URL."""


def describe_status(status: int) -> str:
    """An HTTP status that is not the answer that was asked for."""
    meaning = STATUSES.get(status) or ("it has a fault of its own, or is overloaded" if status >= 500 else "")
    return f"HTTP {status}, {meaning}" if meaning else f"HTTP {status}"


def without_credentials(url: str) -> str:
    """Only scheme, host and port of a URL. User, password, path and query may be secret. Raises ValueError."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")


def http_url(text: str) -> str:
    """`text` without spaces around it. Raises ValueError, which says what is wrong, if it is no URL with a host."""
    url = text.strip()
    if not url.startswith(("http://", "https://")):
        raise ValueError("must be an http:// or https:// URL")
    if not url.isprintable() or " " in url:
        raise ValueError("has a blank, or a character that cannot be seen, in it")
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError as error:
        raise ValueError(f"is no URL: {error}") from None
    try:
        _ = parts.port
    except ValueError:
        raise ValueError("must have a port from 0 to 65535 behind the host's name, if any") from None
    if not host or any(not 0 < len(label) < 64 for label in host.removesuffix(".").split(".")):
        raise ValueError("must name a host: http://host:port")
    return url


def websocket_url(text: str) -> str:
    """`text` without spaces around it. Raises ValueError, which says what is wrong, if it is no WebSocket's URL."""
    url = text.strip()
    if not url.startswith(("ws://", "wss://")):
        raise ValueError("must be a ws:// or wss:// URL")
    http_url("http" + url.removeprefix("ws"))
    return url


def websocket_beside(url: str) -> str:
    """The WebSocket at the address of an http(s) URL, where most nodes and providers have theirs."""
    return "ws" + url.removeprefix("http")


def gateway_url(text: str) -> str:
    """The URL of a trustless gateway without a slash or `/ipfs` behind it. Raises ValueError, which says what is
    wrong."""
    parts = urlsplit(http_url(text))
    if parts.username or parts.query or parts.fragment:
        raise ValueError("must be https://host, without a user, a query or /ipfs behind it")
    return text.strip().rstrip("/").removesuffix("/ipfs")
