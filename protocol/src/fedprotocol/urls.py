"""Checking and shortening URLs that people write."""

from __future__ import annotations

from urllib.parse import urlsplit


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
