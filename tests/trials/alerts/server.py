"""A Prometheus that asks some programs once a second."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

from support.ports import free_port


class Server:
    """Its HTTP API."""

    def __init__(self, port: int) -> None:
        self._port = port

    def ask(self, expression: str) -> list[dict[str, Any]]:
        """The series that answer `expression` now. An expression that Prometheus refuses raises HTTPError."""
        return list(self.get("query", query=expression)["result"])

    def alerts(self) -> dict[str, set[tuple[str, str]]]:
        """Alert -> (instance, state) of those that are pending or firing."""
        found: dict[str, set[tuple[str, str]]] = {}
        for alert in self.get("alerts")["alerts"]:
            found.setdefault(alert["labels"]["alertname"], set()).add((alert["labels"]["instance"], alert["state"]))
        return found

    def broken_rules(self) -> list[str]:
        """Rules that could not be evaluated, with what Prometheus says of them."""
        groups = self.get("rules")["groups"]
        return [f"{r['name']}: {r['lastError']}" for g in groups for r in g["rules"] if r["health"] != "ok"]

    def get(self, path: str, **values: str) -> Any:
        with urlopen(f"http://127.0.0.1:{self._port}/api/v1/{path}?{urlencode(values)}", timeout=30) as answer:
            return json.load(answer)["data"]


@contextmanager
def prometheus(folder: Path, targets: Sequence[str], rules: Path) -> Iterator[Server]:
    """It runs inside the `with`. `targets`: host:port of each program."""
    folder.mkdir(parents=True)
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(rules)],
        "scrape_configs": [{"job_name": "fed", "static_configs": [{"targets": list(targets)}]}],
    }
    (folder / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML
    port = free_port()
    command = ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    with (folder / "log.txt").open("w") as log:
        process = subprocess.Popen([*command, f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)
    server = Server(port)
    try:
        for _ in range(120):
            try:
                server.ask("up")
                break
            except (URLError, ConnectionError):
                time.sleep(0.5)
        yield server
    finally:
        process.terminate()
        process.wait()
