"""How every connection that a program opens leaves this machine: through which proxy, and whose certificates count.

Decided here for the chain's nodes, the signer, Kubo and gateways alike, by the usual variables: `http_proxy`,
`https_proxy`, `all_proxy`, `no_proxy` (in small letters first), `REQUESTS_CA_BUNDLE`, `CURL_CA_BUNDLE`,
`SSL_CERT_FILE`, `SSL_CERT_DIR`. What is on this machine is asked directly, whatever they say.
"""

from __future__ import annotations

import functools
import ipaddress
import os
import ssl
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import certifi
from requests.utils import should_bypass_proxies

from fedprotocol.errors import FedError
from fedprotocol.urls import without_credentials

BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


class NetworkSetting(FedError):
    """A variable of the environment about the network makes no sense."""


class Proxy(NamedTuple):
    """`url` may hold credentials; `variable` names it."""

    variable: str
    url: str

    @property
    def public(self) -> str:
        """Without credentials."""
        return without_credentials(self.url)


def proxy_for(url: str) -> Proxy | None:
    """What stands between here and `url`, an http(s) URL; None: nothing does. Raises NetworkSetting."""
    if is_here(url):
        return None
    found = _named(urlsplit(url).scheme)
    return None if found is None or should_bypass_proxies(url, no_proxy=None) else _checked(found)


def proxies(url: str) -> dict[str, Any]:
    """The same as requests wants it (None: none), which then looks for none by itself. Raises NetworkSetting."""
    found = proxy_for(url)
    return dict.fromkeys(("http", "https", "all"), found.url if found else None)


def through(url: str) -> str:
    """Words for an error: what else may be to blame than who was asked; empty if nothing is. Raises NetworkSetting."""
    found = proxy_for(url)
    return f" through the proxy {found.public}, which {found.variable} names" if found else ""


def is_here(url: str) -> bool:
    """Whether `url` leads to this machine itself."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def verify(url: str) -> str | bool:
    """What stands for the identity of the server at `url`, as requests wants it. Raises NetworkSetting."""
    if not url.startswith("https:"):
        return True
    tls()
    return _bundle()


def _bundle() -> str:
    """A file, or folder, of certificates: the environment's, else certifi's."""
    for name in BUNDLES:
        if path := os.environ.get(name):
            if not os.access(path, os.R_OK):
                raise NetworkSetting(f"{name} names {path}, which cannot be read: correct it, or unset it")
            return path
    return certifi.where()


@functools.cache
def tls() -> ssl.SSLContext:
    """Trusts the system's certificates (or those of SSL_CERT_DIR), certifi's and those that the environment names.

    Raises NetworkSetting.
    """
    path = _bundle()
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    try:
        if Path(path).is_dir():
            context.load_verify_locations(capath=path)
        else:
            context.load_verify_locations(path)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        named = next((name for name in BUNDLES if os.environ.get(name) == path), path)
        raise NetworkSetting(f"{named} names {path}, which holds no certificates: correct it, or unset it") from error
    return context


def _named(scheme: str) -> Proxy | None:
    for kind in (scheme, "all"):
        for variable in (f"{kind}_proxy", f"{kind}_proxy".upper()):
            if url := os.environ.get(variable, "").strip():
                return Proxy(variable, url if "://" in url else f"http://{url}")
    return None


def _checked(proxy: Proxy) -> Proxy:
    try:
        parts = urlsplit(proxy.url)
        _, host = parts.port, parts.hostname
    except ValueError:
        host = None
    if not host:
        raise NetworkSetting(f"{proxy.variable} is no URL of a proxy: write http://host:port, or unset it")
    if parts.scheme not in ("http", "https"):
        raise NetworkSetting(
            f"{proxy.variable} names a proxy of the kind {parts.scheme}://, and only http:// and https:// ones can be "
            "used: name such a one, or except a host from it with NO_PROXY"
        )
    return proxy
