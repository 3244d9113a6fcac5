"""Tokens by which servers know this program: the header `Authorization: Bearer …` (RFC 6750), for the servers that a
config names and for no others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from fedprotocol.files.secret import secret_in
from fedprotocol.program.logs import hide
from fedprotocol.program.outgoing import NetworkSetting, is_here
from fedprotocol.urls import http_url, without_credentials

_FORM = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750, 2.1
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_SECURE = {"ws": "http", "wss": "https"}
_files: dict[tuple[str, str, int], Path] = {}


def origin(url: str) -> str:
    """`url`, which names a server, checked. Raises ValueError, which says what is wrong."""
    plain = without_credentials(http_url(url))
    if url.strip().rstrip("/") != plain:
        raise ValueError(f"{plain!r} is all that may stand there: scheme, host and port of a server")
    if plain.startswith("http:") and not is_here(plain):
        raise ValueError(f"{plain}: a token goes over https:// alone, except on this machine")
    return plain


def present(files: Mapping[str, Path]) -> None:
    """From now on, show each of these servers (`origin`) the token in its file. The file is read when the server is
    asked."""
    _files.update({_key(server): file for server, file in files.items()})


def headers_for(url: str) -> dict[str, str]:
    """The header for a request to `url` (http, https, ws or wss); none for a server that no config names.

    Raises NetworkSetting if the token's file cannot be used.
    """
    file = _files.get(_key(url))
    if file is None:
        return {}
    token = secret_in(file, "token file", NetworkSetting).strip()
    if not _FORM.fullmatch(token):
        raise NetworkSetting(f"the token file {file} holds characters that no token has")
    hide(token)
    return {"Authorization": f"Bearer {token}"}


def _key(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    scheme = _SECURE.get(parts.scheme, parts.scheme)
    return scheme, parts.hostname or "", parts.port or _PORTS.get(scheme, 0)
