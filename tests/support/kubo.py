"""Kubo for tests: the daemon that `make kubo` builds. Where it is missing, tests that need it say so, skipped."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from fedprotocol.store.kubo_daemon import KuboDaemon

BINARY = Path(__file__).resolve().parents[2] / ".tools/bin/ipfs"

needs_kubo = pytest.mark.skipif(
    not os.access(BINARY, os.X_OK),
    reason="NOT CHECKED AGAINST KUBO: .tools/bin/ipfs is not there; install Go and run `make kubo`",
)


@pytest.fixture(scope="module")
def kubo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KuboDaemon]:
    """A daemon of one's own, alone in the world."""
    with KuboDaemon(BINARY, tmp_path_factory.mktemp("kubo")) as daemon:
        yield daemon


@pytest.fixture(scope="module")
def kubos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[KuboDaemon, KuboDaemon]]:
    """Two daemons that know each other."""
    base = tmp_path_factory.mktemp("kubos")
    with KuboDaemon(BINARY, base / "a") as a, KuboDaemon(BINARY, base / "b") as b:
        a.connect([b])
        yield a, b
