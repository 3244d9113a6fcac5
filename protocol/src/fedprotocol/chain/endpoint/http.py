"""One request over HTTP to an endpoint that may be slow, broken or hostile: time and size of the answer are limited."""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.poolmanager import PoolManager

from fedprotocol.program import outgoing
from fedprotocol.program.tokens import headers_for
from fedprotocol.urls import describe_status

CONNECT_SECONDS = 10.0  # for each address of the host
PAUSES = (0.25, 0.5)  # seconds before another try if nobody answers, as while a node restarts
CHUNK = 64 * 1024
GZIP = 16 + zlib.MAX_WBITS


class HttpResponse(NamedTuple):
    """An answer. Its HTTP status says little: many nodes send a JSON-RPC error, even a contract's revert, with another
    status than 200."""

    status: int
    body: bytes
    through: str  # for an error message: a proxy may be to blame


class NoAnswer(Exception):
    """Nothing that can be used came; the message says why, briefly."""


class TooLarge(Exception):
    """The answer is longer than it may be; the rest was not read."""


_limits = threading.local()


class _Timed(io.RawIOBase):
    """A socket that can be read until a deadline. A socket's own timeout starts again with every byte that comes."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, until: float) -> None:
        self._raw, self._sock, self._until = raw, sock, until

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the time for the whole answer is over")
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *arguments: Any, **named: Any) -> None:
        super().__init__(sock, *arguments, **named)
        self.fp = io.BufferedReader(_Timed(self.fp.detach(), sock, _limits.until))


class _Connection(HTTPConnection):
    response_class = _Response


class _SecureConnection(HTTPSConnection):
    response_class = _Response


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _Adapter(HTTPAdapter):
    def __init__(self, context: ssl.SSLContext | None) -> None:
        self._context = context
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        super().init_poolmanager(*arguments, **named, ssl_context=self._context)
        _timed(self.poolmanager)

    def proxy_manager_for(self, *arguments: Any, **named: Any) -> Any:
        return _timed(super().proxy_manager_for(*arguments, **named, ssl_context=self._context))


def _timed(manager: PoolManager) -> PoolManager:
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
    return manager


class Endpoint:
    """`url` may hold credentials. Connections are kept, one for each thread."""

    def __init__(self, url: str) -> None:
        """Raises NetworkSetting."""
        self._url = url
        self._proxies, self._through = outgoing.proxies(url), outgoing.through(url)
        self._tls = outgoing.tls() if url.startswith("https:") else None
        self._own = threading.local()

    def post(self, body: bytes, limit: int, seconds: float) -> HttpResponse:
        """The answer to `body`: at most `limit` bytes after decompression, and complete within `seconds`.

        Raises NoAnswer (for a redirection too), TooLarge.
        """
        try:
            return self._answer(body, limit, seconds)
        except NoAnswer as error:
            raise NoAnswer(f"{error}{self._through}") from error

    def _answer(self, body: bytes, limit: int, seconds: float) -> HttpResponse:
        _limits.until = until = time.monotonic() + seconds
        for pause in (*PAUSES, None):
            try:
                return self._post(body, limit, seconds)
            except (NoAnswer, TooLarge):
                raise
            # urllib3 and requests let other libraries' exceptions through, for example about a host's name
            except Exception as error:
                is_gone = isinstance(error, requests.ConnectionError) and not isinstance(error, requests.Timeout)
                if not is_gone or pause is None or time.monotonic() + pause >= until:
                    raise NoAnswer(_in_words(error, seconds)) from error
                time.sleep(pause)
        raise AssertionError("the last try returns or raises")

    def _post(self, body: bytes, limit: int, seconds: float) -> HttpResponse:
        with self._session.post(
            self._url,
            data=body,
            stream=True,
            headers=headers_for(self._url),
            allow_redirects=False,
            proxies=self._proxies,
            timeout=(min(CONNECT_SECONDS, seconds), seconds),
        ) as response:
            if response.is_redirect:
                raise NoAnswer(describe_status(response.status_code))
            with _while_it_comes():
                return HttpResponse(response.status_code, b"".join(_bounded(response, limit)), self._through)

    @property
    def _session(self) -> requests.Session:
        if not hasattr(self._own, "session"):
            session = requests.Session()
            session.trust_env = False  # no proxies and no passwords (.netrc) other than those that `outgoing` chooses
            session.headers.update({"Content-Type": "application/json", "Accept-Encoding": "gzip"})
            session.mount("http://", _Adapter(None))
            session.mount("https://", _Adapter(self._tls))
            self._own.session = session
        kept: requests.Session = self._own.session
        return kept


@contextmanager
def _while_it_comes() -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise NoAnswer("its answer did not end in time") from error
    except (HTTPError, OSError, ValueError, http.client.HTTPException, zlib.error) as error:
        raise NoAnswer(f"its answer broke off: {type(error).__name__}") from error


def _in_words(error: Exception, seconds: float) -> str:
    """Why nothing came, for whoever has to repair it."""
    if isinstance(error, requests.ConnectTimeout):
        return f"no connection within {min(CONNECT_SECONDS, seconds):g} s"
    if isinstance(error, requests.Timeout):
        return f"no answer within {seconds:g} s"
    if not isinstance(error, requests.ConnectionError) or isinstance(error, requests.exceptions.SSLError):
        return type(error).__name__
    said = str(error)
    if "Errno 111" in said:
        return "the connection is refused: nothing listens there"
    if "NameResolution" in said or "getaddrinfo" in said:
        return "the host's name is not known"
    if "RemoteDisconnected" in said or "Connection aborted" in said:
        return "it closes the connection without an answer"
    if "Read timed out" in said:
        return f"no answer within {seconds:g} s"
    return "no connection"


def _bounded(response: requests.Response, limit: int) -> Iterator[bytes]:
    """The body as it arrives. It is decompressed here, so that never more than the limit is in memory."""
    encoding = response.headers.get("Content-Encoding", "identity").lower()
    if encoding not in ("identity", "gzip"):
        raise NoAnswer(f"content encoding {encoding[:20]}")
    unzip = zlib.decompressobj(GZIP) if encoding == "gzip" else None
    left = limit
    while raw := response.raw.read1(CHUNK, decode_content=False):
        piece = unzip.decompress(raw, left + 1) if unzip else raw
        left -= len(piece)
        if left < 0:
            raise TooLarge
        yield piece
        if unzip and unzip.eof:  # otherwise zlib would keep what follows as "unused"
            return
