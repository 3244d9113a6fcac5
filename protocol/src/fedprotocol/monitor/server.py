"""`/metrics` and `/health` over HTTP, for this machine only."""

from __future__ import annotations

import errno
import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app

from fedprotocol.errors import FedError
from fedprotocol.foreign_errors import in_a_line
from fedprotocol.monitor.health import Health
from fedprotocol.printable import json_text

log = logging.getLogger(__name__)

ADDRESS = "127.0.0.1"  # anybody who can reach the port may read the figures
PATIENCE = 10.0  # seconds for a request

App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class PortTaken(FedError):
    """The monitor cannot listen on its port."""


@contextmanager
def serve(port: int, health: Health) -> Iterator[None]:
    """Answer requests in separate threads while in the context. Raises PortTaken."""
    try:
        server = make_server(ADDRESS, port, _app(health), server_class=_Server, handler_class=_Handler)
    except Exception as error:
        taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        why = "another program listens there" if taken else in_a_line(error)
        raise PortTaken(
            f"the monitor cannot listen on {ADDRESS}:{port}: {why}; choose another port in [monitor], or 0 for none"
        ) from error
    thread = threading.Thread(target=server.serve_forever, name="monitor", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def _app(health: Health) -> App:
    metrics = make_wsgi_app()

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        match environ["PATH_INFO"]:
            case "/metrics":
                return _metrics(metrics, environ, start_response)
            case "/health" | "/healthz":
                status, body = _health(health)
            case _:
                status, body = "404 Not Found", {"paths": ["/metrics", "/health"]}
        start_response(status, [("Content-Type", "application/json"), ("Cache-Control", "no-store")])
        return [json_text(body).encode() + b"\n"]

    return app


def _metrics(metrics: App, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    try:
        return metrics(environ, start_response)
    except Exception as error:  # from the metrics library: no reason to fill the daemon's terminal
        log.warning("the figures cannot be shown: %s", in_a_line(error))
        start_response("500 Internal Server Error", [("Content-Type", "text/plain; charset=utf-8")])
        return [b"the figures cannot be shown: the log says why\n"]


def _health(health: Health) -> tuple[str, dict[str, Any]]:
    report = health.report()
    body = {
        "healthy": report.healthy,
        "why": list(report.why),
        "doing": report.doing,
        "penalties": list(report.penalties),
        "chain_read_age_seconds": None if report.age is None else round(report.age, 1),
    }
    return "200 OK" if report.healthy else "503 Service Unavailable", body


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Say nothing: most often the client has only closed its connection."""
        log.debug("a request to the monitor broke off", exc_info=True)


class _Handler(WSGIRequestHandler):
    timeout = PATIENCE

    def log_message(self, *_: Any) -> None:
        """Log nothing, because a request every few seconds is no event."""
