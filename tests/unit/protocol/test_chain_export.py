"""tools/export_abi.py --check; `make lint` runs it on the tree itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.process
def test_only_what_is_stale_fails_the_check(tmp_path: Path) -> None:
    """In a copy of the tree with one error renamed and one file too many, exactly what follows from these is named."""
    for name in ("node_modules", "brownie-config.yaml"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "tools").mkdir()
    for name in ("export_abi.py", "shipped_code.py", "solc_calls.py", "solc"):
        copy = tmp_path / "tools" / name
        copy.write_bytes((ROOT / "tools" / name).read_bytes())
        copy.chmod(0o755)
    for source in [*(ROOT / "interfaces").rglob("*.sol"), *(ROOT / "contracts").rglob("*.sol")]:
        copy = tmp_path / source.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(source.read_text().replace("ZeroWeight", "NoWeight"))
    abi = tmp_path / "protocol/src/fedprotocol/chain/abi"
    abi.mkdir(parents=True)
    for file in (ROOT / "protocol/src/fedprotocol/chain/abi").iterdir():
        (abi / file.name).write_text(file.read_text())
    (abi / "surplus.json").write_text("[]")
    checked = subprocess.run(
        [sys.executable, "tools/export_abi.py", "--check"], cwd=tmp_path, capture_output=True, text=True
    )
    assert checked.returncode == 1
    named = "code.json, contracts.json, coordinator.json, lens.json, surplus.json"
    assert f"compiled ones: {named}; run tools/export_abi.py" in checked.stdout
