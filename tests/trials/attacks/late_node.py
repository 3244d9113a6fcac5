"""A node of the chain that hears of transactions only once they are in a block: what two operators far apart see."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from support.evm import Anvil


@contextmanager
def late_node(chain: Anvil) -> Iterator[str]:
    """URL of a node of `chain` that answers every question about pending state with the latest block's."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            known = ["latest" if parameter == "pending" else parameter for parameter in request["params"]]
            given: dict[str, Any] = dict(chain.web3.provider.make_request(request["method"], known))
            answer = json.dumps(given | {"id": request["id"]}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
