"""Web servers in front of the explorer, which publish it under a part of their address: nginx where it is installed,
and one of our own everywhere."""

from __future__ import annotations

import http.client
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import requests
from support.ports import free_port

PREFIX = "/fed/explorer"
OTHER = b"another site of the same server"
LEFT_OUT = ("connection", "transfer-encoding", "keep-alive")  # of this connection alone, by RFC 9110


@contextmanager
def own(target: str, host: str, strips: bool) -> Iterator[str]:
    """The explorer at `target` under PREFIX, asked as `host`. `strips`: the prefix is taken off. Yields its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if not self.path.startswith(PREFIX):
                self.send_response(404)
                self.end_headers()
                self.wfile.write(OTHER)
                return
            path = self.path.removeprefix(PREFIX) if strips else self.path
            upstream = http.client.HTTPConnection(urlsplit(target).netloc, timeout=30)
            headers = {name: value for name, value in self.headers.items() if name.lower() not in LEFT_OUT}
            upstream.request(self.command, path, headers={**headers, "Host": host})
            answer = upstream.getresponse()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in LEFT_OUT:
                    self.send_header(name, value)
            self.send_header("Connection", "close")
            self.end_headers()
            with suppress(OSError):  # the visitor has gone
                while piece := answer.read1(65_536):
                    self.wfile.write(piece)
            upstream.close()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}{PREFIX}/"
        server.shutdown()


@contextmanager
def nginx(target: str, folder: Path, location: str) -> Iterator[str]:
    """The explorer at `target` behind nginx with this `location` block. Yields its URL."""
    port = free_port()
    block = location.replace("/explorer/", f"{PREFIX}/").replace("http://127.0.0.1:8600/", target)
    folder.mkdir()
    places = "".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log {folder}/errors; events {{}}\n"
        f"http {{ access_log off; {places} server {{ listen 127.0.0.1:{port};\n{block}\n}} }}\n"
    )
    command = [str(found()), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "errors")]
    with subprocess.Popen(command) as process:
        try:
            url, deadline = f"http://127.0.0.1:{port}{PREFIX}/", time.monotonic() + 10
            while True:
                with suppress(requests.ConnectionError):
                    requests.get(url, timeout=10)
                    break
                assert process.poll() is None and time.monotonic() < deadline, (folder / "errors").read_text()
                time.sleep(0.05)
            yield url
        finally:
            process.terminate()


def found() -> str | None:
    """Where nginx is; None if it is not installed."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
