"""A hub of one's own to write to: the parts of the Hugging Face Hub's HTTP interface that its client needs to put files
into a model repository."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

TOKEN = "hf_right"
COMMIT = "89abcdef0123456789abcdef0123456789abcdef"


class UploadHub:
    """`repositories`: name to path to content; `private`: those that only their owner reads; `asked`: every request's
    method and path; `refused`: a part of a path, and the status that requests to it get."""

    def __init__(self) -> None:
        self.repositories: dict[str, dict[str, bytes]] = {}
        self.private: set[str] = set()
        self.asked: list[str] = []
        self.refused: dict[str, int] = {}
        self.messages: list[str] = []
        self._objects: dict[str, bytes] = {}

        class Handler(BaseHTTPRequestHandler):
            def do_GET(handler) -> None:  # noqa: N805
                self._answer(handler)

            def do_POST(handler) -> None:  # noqa: N805
                self._answer(handler)

            def do_PUT(handler) -> None:  # noqa: N805
                self._answer(handler)

            def log_message(handler, *_: Any) -> None:  # noqa: N805
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """From now on nobody answers."""
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        path = handler.path.partition("?")[0]
        body = _body(handler)
        self.asked.append(f"{handler.command} {path}")
        status, answer = next((status for part, status in self.refused.items() if part in path), 0), {}
        if not status and not path.startswith("/objects/") and handler.headers["authorization"] != f"Bearer {TOKEN}":
            status = 401
        if not status:
            status, answer = self._done(path, body)
        content = json.dumps(answer).encode()
        handler.send_response(status)
        if status == 401:
            handler.send_header("X-Error-Message", "Invalid credentials in Authorization header")
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    def _done(self, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        if path.startswith("/objects/"):
            oid = path.removeprefix("/objects/")
            self._objects[oid] = body
            return (200 if hashlib.sha256(body).hexdigest() == oid else 400), {}
        if path == "/api/whoami-v2":
            return 200, {"name": "somebody", "type": "user"}
        if path == "/api/validate-yaml":
            return (200 if json.loads(body)["content"].startswith("---\n") else 400), {}
        if path == "/api/repos/create":
            return self._created(json.loads(body))
        if path.endswith("/info/lfs/objects/batch"):
            return 200, {"transfer": "basic", "objects": [self._object(one) for one in json.loads(body)["objects"]]}
        if path == "/verify":
            found = json.loads(body)
            return (200 if len(self._objects[found["oid"]]) == found["size"] else 400), {}
        owner, name, *rest = path.removeprefix("/api/models/").split("/")
        repository = f"{owner}/{name}"
        if repository not in self.repositories:
            return 404, {}
        if not rest:
            files = [{"rfilename": file} for file in self.repositories[repository]]
            return 200, {"id": repository, "private": repository in self.private, "siblings": files}
        if rest == ["preupload", "main"]:
            return 200, {"files": [_mode(file) for file in json.loads(body)["files"]]}
        if rest == ["commit", "main"]:
            return self._committed(repository, [json.loads(line) for line in body.splitlines()])
        return 404, {}

    def _created(self, wanted: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        name = f"{wanted['organization']}/{wanted['name']}"
        url = {"url": f"{self.url}/{name}"}
        if name in self.repositories:
            return 409, url
        self.repositories[name] = {".gitattributes": b""}
        if wanted.get("visibility") == "private":
            self.private.add(name)
        return 200, url

    def _object(self, wanted: dict[str, Any]) -> dict[str, Any]:
        oid = wanted["oid"]
        actions = {"upload": {"href": f"{self.url}/objects/{oid}"}, "verify": {"href": f"{self.url}/verify"}}
        return {**wanted} if oid in self._objects else {**wanted, "actions": actions}

    def _committed(self, repository: str, lines: list[dict[str, Any]]) -> tuple[int, dict[str, Any]]:
        files = dict(self.repositories[repository])
        for line in lines:
            value = line["value"]
            if line["key"] == "header":
                self.messages.append(value["summary"])
            elif line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self._objects[value["oid"]]
            else:
                return 400, {}
        self.repositories[repository] = files
        return 200, {"commitUrl": f"{self.url}/{repository}/commit/{COMMIT}", "commitOid": COMMIT}


def _mode(file: dict[str, Any]) -> dict[str, Any]:
    large = file["path"].endswith((".safetensors", ".gguf"))
    return {"path": file["path"], "uploadMode": "lfs" if large else "regular", "shouldIgnore": False}


def _body(handler: BaseHTTPRequestHandler) -> bytes:
    if handler.headers.get("Transfer-Encoding") != "chunked":
        return handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
    parts = []
    while length := int(handler.rfile.readline(), 16):
        parts.append(handler.rfile.read(length))
        handler.rfile.readline()
    handler.rfile.readline()
    return b"".join(parts)


@contextmanager
def upload_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[UploadHub]:
    """huggingface_hub's client writes to this hub, as with HF_ENDPOINT set before it was imported, and with no token
    unless it is given one."""
    from huggingface_hub import constants

    serving = UploadHub()
    monkeypatch.setattr(constants, "ENDPOINT", serving.url)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", "/nowhere/token")
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", constants.HF_HUB_DISABLE_XET)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    try:
        yield serving
    finally:
        serving.close()
