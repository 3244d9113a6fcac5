"""When numba is used, and what happens where it does not work."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from fedprotocol import compiled, sha256_lanes


def test_another_hash_than_sha256_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a compiler's or a processor's error would make it."""
    sha256_lanes.check()
    monkeypatch.setattr(sha256_lanes, "hash_blocks", lambda *arguments: arguments[-1].fill(0))
    with pytest.raises(RuntimeError, match="wrong digests"):
        sha256_lanes.check()


def test_a_machine_without_numba_does_without(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "broken_loops.py").write_text("raise OSError('no such instruction')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(compiled, "_wanted", threading.Event())
    assert compiled.module("fedprotocol.sha256_lanes") is None, "nobody asked for it"
    compiled.expect(compiled.MANY_BYTES)
    assert compiled.module("broken_loops") is None
    assert compiled.module("fedprotocol.sha256_lanes") is sha256_lanes


def test_a_small_federation_never_loads_numba() -> None:
    program = (
        "import sys\n"
        "import fedaggregator.daemon.run, fedprotocol.store.directory\n"
        "from support.small_trees import tree_of, written, read\n"
        "leaves = tree_of(500)\n"
        "read(written(leaves), leaves)\n"
        "print('numba' in sys.modules)\n"
    )
    folder = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
