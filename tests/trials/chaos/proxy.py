"""An HTTP server in front of a real one, that can be told to fail."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from chaos.faults import Fault, Request, Response

TIMEOUT = 120.0  # seconds for the real one
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "trailer", "date", "server"}


class Proxy:
    """`fault`: how it fails now, None if it does not. `felt`: requests that met a fault. `upstream` says where the real
    one is just now; it may have moved, or be gone."""

    def __init__(self, upstream: Callable[[], str]) -> None:
        self.fault: Fault | None = None
        self.felt = 0
        self._upstream = upstream
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                proxy._serve(self)

            do_GET = do_POST  # noqa: N815 (the name that http.server looks for)

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing to say."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        request = Request(handler.command, handler.path, dict(handler.headers.items()), _body(handler))
        fault = self.fault
        self.felt += fault is not None
        try:
            response = self._forward(request) if fault is None else fault.answer(request, self._forward)
        except (OSError, http.client.HTTPException, ValueError):  # the real one is down, or was just now
            response = None
        handler.close_connection = True
        if response is None:
            return
        try:
            _send(handler, response)
        except OSError:  # whoever asked has gone
            return

    def _forward(self, request: Request) -> Response:
        host = urlsplit(self._upstream()).netloc
        connection = http.client.HTTPConnection(host, timeout=TIMEOUT)
        try:
            headers = {k: v for k, v in request.headers.items() if k.lower() not in HOP_BY_HOP} | {"Host": host}
            connection.request(request.method, request.path, request.body, headers)
            answer = connection.getresponse()
            kept = {name: value for name, value in answer.getheaders() if name.lower() not in HOP_BY_HOP}
            return Response(answer.status, kept, answer.read())
        finally:
            connection.close()


def _body(handler: BaseHTTPRequestHandler) -> bytes:
    if handler.headers.get("Transfer-Encoding", "").lower() != "chunked":
        return handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
    parts = []
    while size := int(handler.rfile.readline().split(b";")[0], 16):
        parts.append(handler.rfile.read(size))
        handler.rfile.readline()
    handler.rfile.readline()
    return b"".join(parts)


def _send(handler: BaseHTTPRequestHandler, response: Response) -> None:
    handler.send_response(response.status)
    for name, value in response.headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(response.body)))
    handler.send_header("Connection", "close")
    handler.end_headers()
    if not response.pace:
        handler.wfile.write(response.body)
        return
    for start in range(0, len(response.body), response.pace):
        handler.wfile.write(response.body[start : start + response.pace])
        time.sleep(1)
