"""A hub of one's own: the parts of the Hugging Face Hub's HTTP interface that its client needs to fetch a model."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub:
    """Serves `files` (path to content) as the model `name`, or as another kind, "datasets"; `fetched` lists the files
    that were asked for whole."""

    def __init__(self, name: str, files: dict[str, bytes], kind: str = "models") -> None:
        self.name, self.files = name, files
        self.commit = COMMIT
        self._kind = kind
        self.fetched: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(handler) -> None:  # noqa: N805
                self._answer(handler, whole=True)

            def do_HEAD(handler) -> None:  # noqa: N805
                self._answer(handler, whole=False)

            def log_message(handler, *_: Any) -> None:  # noqa: N805
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """From now on nobody answers."""
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, handler: BaseHTTPRequestHandler, whole: bool) -> None:
        path = unquote(handler.path.partition("?")[0])
        api, prefix = f"/api/{self._kind}/{self.name}", "" if self._kind == "models" else f"/{self._kind}"
        files = f"{prefix}/{self.name}/resolve/{self.commit}/"
        headers = {"X-Repo-Commit": self.commit}
        if path in (api, f"{api}/revision/{self.commit}", f"{api}/revision/main"):
            siblings = [{"rfilename": name} for name in self.files]
            body = json.dumps({"id": self.name, "sha": self.commit, "siblings": siblings}).encode()
        elif path == f"{api}/tree/{self.commit}":
            body = json.dumps([self._entry(name) for name in self.files]).encode()
        elif path.startswith(files) and path.removeprefix(files) in self.files:
            name = path.removeprefix(files)
            body = self.files[name]
            headers["ETag"] = f'"{self._entry(name)["oid"]}"'
            if whole:
                self.fetched.append(name)
        else:
            headers["X-Error-Code"] = "RepoNotFound" if self.name not in path else "EntryNotFound"
            handler.send_response(404)
            body = b""
        if "X-Error-Code" not in headers:
            handler.send_response(200)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            handler.send_header(name, value)
        handler.end_headers()
        if whole:
            handler.wfile.write(body)

    def _entry(self, name: str) -> dict[str, Any]:
        content = self.files[name]
        return {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}  # noqa: S324


@contextmanager
def hub(
    monkeypatch: pytest.MonkeyPatch, cache: Path, name: str, files: dict[str, bytes], kind: str = "models"
) -> Iterator[Hub]:
    """huggingface_hub's client asks this hub, and caches in `cache`, as with HF_ENDPOINT and HF_HUB_CACHE set before it
    was imported."""
    from huggingface_hub import constants

    serving = Hub(name, files, kind)
    monkeypatch.setattr(constants, "ENDPOINT", serving.url)
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", serving.url + "/{repo_id}/resolve/{revision}/{filename}"
    )
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    try:
        yield serving
    finally:
        serving.close()
