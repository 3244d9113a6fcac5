"""An HTTP proxy that may tamper with JSON-RPC on its way, in a thread: `with Proxy(url, request=…) as proxy`."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import requests

Change = Callable[[dict[str, Any]], Any]


def same(message: dict[str, Any]) -> dict[str, Any]:
    return message


class Proxy:
    """Forwards to `target`. `request` may return another request; `response` another answer, bytes to be sent as they
    are, a number: an HTTP status without more, both: that status and bytes, or None: the connection is cut. Methods in
    `closed` are answered as a gateway does that gets no answer."""

    def __init__(self, target: str, request: Change = same, response: Change = same) -> None:
        self.target, self.request, self.response = target, request, response
        self.seen: list[dict[str, Any]] = []
        self.closed: set[str] = set()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                proxy.seen.append(asked)
                if asked["method"] in proxy.closed:
                    self.send_error(504)
                    return
                answer = proxy.response(requests.post(proxy.target, json=proxy.request(asked), timeout=60).json())
                if answer is None:
                    self.close_connection = True
                    return
                status, answer = (answer, b"") if isinstance(answer, int) else (200, answer)
                if isinstance(answer, tuple):
                    status, answer = answer
                body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with suppress(BrokenPipeError):  # who asked was stopped meanwhile
                    self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
