"""Every kind of server that a program connects to, as far as each is asked first, and a connection to each."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from fedprotocol.chain.account.remote_signer import RemoteSigner
from fedprotocol.chain.endpoint.rpc import connect_web3
from fedprotocol.store.deadline import Deadline
from fedprotocol.store.directory import DirectoryStore
from fedprotocol.store.gateway import RAW, Gateway
from fedprotocol.store.kubo import KuboStore

ACCOUNT = "0x" + 40 * "1"
ANSWERS = {"eth_chainId": "0x5", "eth_accounts": [ACCOUNT]}
Connection = Callable[[str, Path], object]


class Everything(BaseHTTPRequestHandler):
    """A chain's node, a signer, Kubo and a gateway, as far as each is asked first."""

    def do_GET(self) -> None:
        self._send(RAW, b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.startswith("/api/v0/version"):
            self._send("application/json", b'{"Version": "0.32.1"}')
        elif self.path.startswith("/api/"):
            self._send("application/json", b'{"Peers": null}')
        else:
            answer = {"jsonrpc": "2.0", "id": 1, "result": ANSWERS[json.loads(body)["method"]]}
            self._send("application/json", json.dumps(answer).encode())

    def status(self) -> int:
        """The status of the next answer."""
        return 200

    def _send(self, kind: str, body: bytes) -> None:
        self.send_response(self.status())
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


CONNECTIONS: dict[str, Connection] = {
    "chain": lambda url, _: connect_web3(url, 5, timeout=5.0),
    "signer": lambda url, _: RemoteSigner.connect(url, ACCOUNT, timeout=5.0),
    "gateway": lambda url, _: Gateway(url).check(Deadline(5.0)),
    "kubo": lambda url, folder: KuboStore(url, DirectoryStore(folder)).reachable(),
}
