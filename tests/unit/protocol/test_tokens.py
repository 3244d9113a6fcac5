"""Servers that want to see a token: every connection shows it, to the servers that the config names and no others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import ThreadingHTTPServer
from pathlib import Path
from queue import SimpleQueue
from typing import ClassVar

import pytest
from fedprotocol.chain.endpoint.new_heads import connected
from fedprotocol.config import ConfigError, ConnectionConfig, load_config
from fedprotocol.errors import FedError
from fedprotocol.program import tokens
from fedprotocol.program.logs import without_secrets
from fedprotocol.program.outgoing import NetworkSetting
from support.every_server import CONNECTIONS, Everything
from websockets.sync.server import ServerConnection, serve

TOKEN = "a-token-of-the-hospital"


class Closed(Everything):
    """Each of them answers only to who shows the token."""

    seen: ClassVar[list[str | None]] = []

    def status(self) -> int:
        shown = self.headers.get("Authorization")
        self.seen.append(shown)
        return 200 if shown == f"Bearer {TOKEN}" else 401


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(tokens, "_files", {})
    Closed.seen.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Closed) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "token.txt"
    path.touch(mode=0o600)
    path.write_text(f"{TOKEN}\n")
    return path


@pytest.mark.parametrize("name", CONNECTIONS)
def test_every_connection_shows_it_where_it_belongs(name: str, url: str, file: Path, tmp_path: Path) -> None:
    tokens.present({"https://another.example": file, "http://127.0.0.1:9": file})
    with suppress(FedError):  # most servers say so, Kubo that it cannot be reached
        CONNECTIONS[name](url, tmp_path)
    assert Closed.seen and set(Closed.seen) == {None}, "it is for others"
    Closed.seen.clear()
    tokens.present({tokens.origin(url): file})
    CONNECTIONS[name](url, tmp_path)
    assert set(Closed.seen) == {f"Bearer {TOKEN}"}
    assert without_secrets(f"in a log: {TOKEN}") == "in a log: [hidden]"


def test_a_websocket_shows_it_too(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_files", {})
    shown = SimpleQueue[str | None]()

    def answer(connection: ServerConnection) -> None:
        assert connection.request is not None
        shown.put(connection.request.headers.get("Authorization"))

    with serve(answer, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.socket.getsockname()[1]
        connected(f"ws://127.0.0.1:{port}").close()
        assert shown.get(timeout=60) is None
        tokens.present({f"http://127.0.0.1:{port}": file})
        connected(f"ws://127.0.0.1:{port}").close()
        assert shown.get(timeout=60) == f"Bearer {TOKEN}"
        server.shutdown()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://node.example/v3/key?x=1", True),
        ("https://node.example:443", True),
        ("https://me:secret@node.example", True),
        ("wss://node.example/ws", True),
        ("https://node.example:8443", False),
        ("http://node.example", False),
        ("https://sub.node.example", False),
        ("https://node.example.org", False),
        ("https://evil.org/https://node.example", False),
    ],
)
def test_whose_it_is(url: str, shown: bool, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_files", {})
    tokens.present({tokens.origin("https://node.example"): file})
    assert tokens.headers_for(url) == ({"Authorization": f"Bearer {TOKEN}"} if shown else {})


def test_files_that_cannot_be_used(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_files", {})
    tokens.present({"https://node.example": file})
    for spoil, says in (
        (lambda: file.write_text("two words"), "characters that no token has"),
        (lambda: file.write_text("tök"), "characters that no token has"),
        (lambda: file.write_text("a\tb"), "characters that no token has"),
        (lambda: file.write_text("\n"), "is empty"),
        (lambda: file.chmod(0o644), "chmod 600"),
        (file.unlink, "there is no token file"),
    ):
        spoil()
        with pytest.raises(NetworkSetting, match=says):
            tokens.headers_for("https://node.example")


CONFIG = """
[chain]
rpc = ["https://node.example/v3"]
chain_id = 5
coordinator = "0x1111111111111111111111111111111111111111"
[store]
url = "dir:store"
[tokens]
"""


def test_a_config_names_them(tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_files", {})
    config = tmp_path / "node.toml"
    config.write_text(CONFIG + '"https://node.example" = "token.txt"\n')
    assert load_config(config, ConnectionConfig).tokens == {"https://node.example": file}
    assert tokens.headers_for("https://node.example/v3") == {"Authorization": f"Bearer {TOKEN}"}
    for wrong, says in (
        ("http://node.example", "a token goes over https:// alone"),
        ("https://node.example/v3", "is all that may stand there"),
        ("https://me@node.example", "is all that may stand there"),
        ("node.example", "must be an http:// or https:// URL"),
    ):
        config.write_text(CONFIG + f'"{wrong}" = "token.txt"\n')
        with pytest.raises(ConfigError, match=says):
            load_config(config, ConnectionConfig)
