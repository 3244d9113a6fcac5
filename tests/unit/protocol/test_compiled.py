"""When numba is used, and what happens where it does not work."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from fedprotocol import compiled
from fedprotocol.compiled_sha256 import blocks


def test_another_hash_than_sha256_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a compiler's or a processor's error would make it."""
    blocks.check()
    monkeypatch.setattr(blocks, "hash_blocks", lambda *arguments: arguments[-1].fill(0))
    with pytest.raises(RuntimeError, match="wrong digests"):
        blocks.check()


PROCESSORS = {
    "": "vectors",
    "+avx2,+sha": "instructions",
    "+avx512f,+sha": "vectors",
}
HERE = set(Path("/proc/cpuinfo").read_text().split()) if sys.platform == "linux" else set[str]()


@pytest.mark.parametrize("features", PROCESSORS)
def test_processors_of_all_kinds(features: str, tmp_path: Path) -> None:
    """numba compiles for another processor, of which this one has all instructions; then digests are checked."""
    needed = {name.strip("+").replace("sha", "sha_ni") for name in features.split(",") if name}
    if not needed <= HERE:
        pytest.skip(f"this processor has no {', '.join(sorted(needed - HERE))}")
    program = "from fedprotocol.compiled_sha256 import blocks; blocks.check(); print(blocks.KERNEL.__name__)"
    chosen = {"NUMBA_CPU_NAME": "x86-64", "NUMBA_CPU_FEATURES": f"+sse4.2,+ssse3,{features}" if features else "+sse2"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **chosen, "NUMBA_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == f"fedprotocol.compiled_sha256.{PROCESSORS[features]}", done.stderr


def test_a_machine_without_numba_does_without(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "broken_loops.py").write_text("raise OSError('no such instruction')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(compiled, "_wanted", threading.Event())
    assert compiled.module("fedprotocol.compiled_sha256.blocks") is None, "nobody asked for it"
    compiled.expect(compiled.MANY_BYTES)
    assert compiled.module("broken_loops") is None
    assert compiled.module("fedprotocol.compiled_sha256.blocks") is blocks


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
