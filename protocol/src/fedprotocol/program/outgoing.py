"""How every connection that a program opens leaves this machine: through which proxy, and which certificates are
trusted. This is the same for the chain's nodes, the signer, Kubo and gateways, and follows the usual variables:
`http_proxy`, `https_proxy`, `all_proxy`, `no_proxy` (lower case first), `REQUESTS_CA_BUNDLE`, `CURL_CA_BUNDLE`,
`SSL_CERT_FILE`, `SSL_CERT_DIR`. Services on this machine are asked directly, whatever the variables say.
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
    """An environment variable about the network has a value that cannot be used."""


class Proxy(NamedTuple):
    """A proxy. `url` may hold credentials; `variable` is the variable that names it."""

    variable: str
    url: str

    @property
    def public(self) -> str:
        """The proxy's URL without credentials."""
        return without_credentials(self.url)


def proxy_for(url: str) -> Proxy | None:
    """The proxy on the way to `url`, an http(s) URL; None if there is none. Raises NetworkSetting."""
    if is_here(url):
        return None
    found = _named(urlsplit(url).scheme)
    return None if found is None or should_bypass_proxies(url, no_proxy=None) else _checked(found)


def proxies(url: str) -> dict[str, Any]:
    """The proxy in the form that requests needs (None: no proxy), so that requests does not look for one itself. Raises
    NetworkSetting."""
    found = proxy_for(url)
    return dict.fromkeys(("http", "https", "all"), found.url if found else None)


def through(url: str) -> str:
    """Text for an error message that names the proxy, which may be to blame instead of the server; empty if there is
    none. Raises NetworkSetting."""
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
    """The certificates that prove the identity of the server at `url`, in the form that requests needs. Raises
    NetworkSetting."""
    if not url.startswith("https:"):
        return True
    tls()
    return _bundle()


def _bundle() -> str:
    """A file or folder of certificates: the one that the environment names, else certifi's."""
    for name in BUNDLES:
        if path := os.environ.get(name):
            if not os.access(path, os.R_OK):
                raise NetworkSetting(f"{name} names {path}, which cannot be read: correct it, or unset it")
            return path
    return certifi.where()


@functools.cache
def tls() -> ssl.SSLContext:
    """A context that trusts the certificates of the system (or of SSL_CERT_DIR), those of certifi, and those that the
    environment names.

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
