"""GET over HTTP with a firm limit of time: one event loop runs in a separate thread, and nothing blocks it. The limit
covers looking up the name, connection, TLS, headers and body together. `fedprotocol.program.outgoing` chooses the
proxy. Nothing else in the environment is used, nothing is decompressed, and only redirects to the same host are
followed.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import queue
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from fedprotocol.program import outgoing
from fedprotocol.program.tokens import headers_for
from fedprotocol.store.base import NotFound, StoreError
from fedprotocol.store.deadline import POLL, Deadline
from fedprotocol.store.source import SourceFailed

T = TypeVar("T")

# ValueError: the server sent something that is no URL, no text or no number
BROKEN = (aiohttp.ClientError, OSError, ValueError)
_CONNECT_SECONDS = 10.0
_REDIRECTS = 3
_CHUNKS_AHEAD = 4
_MOVED = (301, 302, 303, 307, 308)
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Head:
    """The beginning of a response."""

    status: int
    media_type: str


@dataclass(frozen=True)
class Response:
    """The head of an answer, and its body as it arrives. `chunks` raises NotFound, Stopped, and errors in BROKEN."""

    head: Head
    chunks: Iterator[bytes]


class Resolver(AbstractResolver):
    """Looks up each name in a separate thread, only once at a time. If DNS hangs, it delays no other name and does not
    keep the program from ending."""

    def __init__(self) -> None:
        self._pending: dict[tuple[str, int, int], asyncio.Future[list[ResolveResult]]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        key = (host, port, family)
        pending = self._pending.get(key)
        if pending is None:
            pending = asyncio.get_running_loop().create_future()
            self._pending[key] = pending
            pending.add_done_callback(lambda _: self._pending.pop(key, None))
            threading.Thread(target=_look_up, args=(*key, pending), name=f"look-up {host}", daemon=True).start()
        return await asyncio.shield(pending)

    async def close(self) -> None:
        pass


RESOLVER = Resolver()


@contextmanager
def get(
    url: str, headers: Mapping[str, str], find_seconds: float, deadline: Deadline, resolver: AbstractResolver = RESOLVER
) -> Iterator[Response]:
    """The answer to a GET, closed afterwards. `find_seconds`: the longest time without a byte. Raises NotFound if
    nothing comes in time, SourceFailed if there is no answer or a redirect to another host, and Stopped.
    """
    came: queue.SimpleQueue[Head | bytes | Exception] = queue.SimpleQueue()
    room = asyncio.Semaphore(_CHUNKS_AHEAD)
    loop = _loop()
    deadline.check()
    by = outgoing.through(url)
    request = _request(url, headers, find_seconds, deadline.left, resolver, came, room)
    task = asyncio.run_coroutine_threadsafe(request, loop)
    try:
        silent = deadline.part(find_seconds, why=f"it did not answer in {find_seconds:.3g} s{by}")
        head = _first(came, silent)
        if isinstance(head, TimeoutError):
            raise NotFound(f"it did not answer in time{by}") from head
        if isinstance(head, StoreError):
            raise head
        if isinstance(head, Exception):
            raise SourceFailed(f"it does not answer{by}: {head}") from head

        def chunks() -> Iterator[bytes]:
            while True:
                stalled = deadline.part(find_seconds, why="the download stalled: nobody sends the next block")
                chunk = _first(came, stalled)
                if isinstance(chunk, Exception):
                    raise chunk
                if not isinstance(chunk, bytes) or not chunk:
                    return
                loop.call_soon_threadsafe(room.release)
                yield chunk

        assert isinstance(head, Head)  # noqa: S101 - the head comes first
        yield Response(head, chunks())
    finally:
        task.cancel()


async def _request(
    url: str,
    headers: Mapping[str, str],
    find_seconds: float,
    seconds: float,
    resolver: AbstractResolver,
    came: queue.SimpleQueue[Head | bytes | Exception],
    room: asyncio.Semaphore,
) -> None:
    """Put status and media type into the queue, then every chunk, and at the end None or the error."""
    timeout = aiohttp.ClientTimeout(
        total=None if math.isinf(seconds) else seconds, sock_connect=_CONNECT_SECONDS, sock_read=find_seconds
    )
    try:
        # Each request has its own session, so that a slow one takes no connection from others.
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(resolver=resolver, ssl=outgoing.tls(), force_close=True),
            timeout=timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
        ) as session:
            for _ in range(_REDIRECTS + 1):
                proxy, secret = _proxy(url)
                plain = secret if url.startswith("http:") else {}  # the request for a tunnel has separate headers
                sent = {**headers, **plain, **headers_for(url)}
                async with session.get(
                    URL(url), headers=sent, allow_redirects=False, proxy=proxy, proxy_headers=secret
                ) as response:
                    if response.status in _MOVED:
                        url = _next(url, response.headers.get("Location", ""))
                        continue
                    kind = response.headers.get("Content-Type", "").partition(";")[0].strip()
                    came.put(Head(response.status, kind))
                    async for chunk in response.content.iter_any():
                        await room.acquire()
                        came.put(chunk)
                    came.put(b"")
                    return
        raise SourceFailed(f"it sends round in circles: more than {_REDIRECTS} redirects")
    except (StoreError, *BROKEN) as error:
        came.put(error)
    except Exception as error:  # whoever waits must learn of it
        came.put(SourceFailed(f"it could not be asked: {error!r}"))


def _proxy(url: str) -> tuple[URL | None, dict[str, str]]:
    """The proxy, and the headers that it needs."""
    found = outgoing.proxy_for(url)
    if found is None:
        return None, {}
    place = URL(found.url)
    secret = aiohttp.encode_basic_auth(place.user, place.password or "") if place.user else None
    return place.with_user(None), {"Proxy-Authorization": secret} if secret else {}


def _next(url: str, place: str) -> str:
    """The target of a redirect: the same host, or a subdomain of it, as gateways use. Otherwise raises SourceFailed."""
    here, target = urlsplit(url), urljoin(url, place)
    there = urlsplit(target)
    same = there.hostname == here.hostname or (there.hostname or "").endswith(f".ipfs.{here.hostname}")
    port, was = (at.port or _PORTS.get(at.scheme) for at in (there, here))
    upgraded = (here.scheme, was, there.scheme, port) == ("http", 80, "https", 443)
    if not same or not (upgraded or (here.scheme, was) == (there.scheme, port)) or there.username or there.password:
        raise SourceFailed(f"it sends elsewhere, which is not followed: {place[:200]!r}")
    return target


def _first(came: queue.SimpleQueue[T], deadline: Deadline) -> T:
    """The next item from the queue. Raises NotFound, Stopped."""
    while True:
        with contextlib.suppress(queue.Empty):
            return came.get(timeout=min(POLL, deadline.left))
        deadline.check()


def _look_up(host: str, port: int, family: int, pending: asyncio.Future[list[ResolveResult]]) -> None:
    found: list[ResolveResult] | OSError
    try:
        flags = socket.AI_ADDRCONFIG
        infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family, flags=flags)
        numeric = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        found = [
            ResolveResult(hostname=host, host=str(at[0]), port=int(at[1]), family=kind, proto=proto, flags=numeric)
            for kind, _, proto, _, at in infos
        ]
    except Exception as error:  # also for an impossible name; the waiting thread must learn of it
        found = error if isinstance(error, OSError) else OSError(f"{host!r} cannot be looked up: {error!r}")

    def tell() -> None:
        if pending.done():
            return
        if isinstance(found, OSError):
            pending.set_exception(found)
            pending.exception()  # perhaps nobody waits for it any more
        else:
            pending.set_result(found)

    with contextlib.suppress(RuntimeError):  # the program ends
        pending.get_loop().call_soon_threadsafe(tell)


_starting = threading.Lock()
_started: list[asyncio.AbstractEventLoop] = []


def _loop() -> asyncio.AbstractEventLoop:
    with _starting:
        if not _started:
            loop = asyncio.new_event_loop()
            threading.Thread(target=loop.run_forever, name="web", daemon=True).start()
            _started.append(loop)
        return _started[0]
