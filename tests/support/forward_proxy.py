"""An HTTP proxy as a company has one, in a thread: it forwards plain requests, opens tunnels, and keeps what it was
asked for in `seen`. With `secret` ("user:password") it lets in only who knows that."""

from __future__ import annotations

import base64
import contextlib
import http.client
import selectors
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import urlsplit

UNFORWARDED = {"proxy-connection", "proxy-authorization", "connection", "transfer-encoding"}


class ForwardProxy:
    """`hosts`: where names that do not exist lead, host -> (address, port)."""

    def __init__(self, hosts: dict[str, tuple[str, int]], secret: str | None = None) -> None:
        self.seen: list[str] = []
        wanted = None if secret is None else f"Basic {base64.b64encode(secret.encode()).decode()}"
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def _let_in(self) -> bool:
                if wanted is None or self.headers.get("Proxy-Authorization") == wanted:
                    return True
                self.send_error(407)
                return False

            def do_CONNECT(self) -> None:
                host, _, port = self.path.rpartition(":")
                proxy.seen.append(f"CONNECT {host}")
                if self._let_in():
                    self.send_response(200)
                    self.end_headers()
                    _pump(self.connection, socket.create_connection(hosts.get(host, (host, int(port)))))
                    self.close_connection = True

            def do_POST(self) -> None:
                parts = urlsplit(self.path)
                proxy.seen.append(f"{self.command} {parts.hostname}")
                if not self._let_in():
                    return
                place = hosts[parts.hostname or ""]
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {key: value for key, value in self.headers.items() if key.lower() not in UNFORWARDED}
                link = http.client.HTTPConnection(*place, timeout=20)
                link.request(self.command, f"{parts.path}?{parts.query}".rstrip("?"), body, headers)
                answer = link.getresponse()
                content = answer.read()
                self.send_response(answer.status)
                for key, value in answer.getheaders():
                    if key.lower() not in {*UNFORWARDED, "content-length"}:
                        self.send_header(key, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def do_GET(self) -> None:
                self.do_POST()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://{secret + '@' if secret else ''}127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _pump(one: socket.socket, other: socket.socket) -> None:
    ends = {one: other, other: one}
    with selectors.DefaultSelector() as ready, contextlib.suppress(OSError):
        for end in ends:
            ready.register(end, selectors.EVENT_READ)
        while True:
            for key, _ in ready.select(timeout=20):
                data = key.fileobj.recv(65_536)  # type: ignore[union-attr]
                if not data:
                    return
                ends[key.fileobj].sendall(data)  # type: ignore[index]
