"""`fedaggregator bench` does what it measures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from fedaggregator.bench.made_leaves import MadeLeaves
from fedaggregator.bench.measure import SERVER_LR, SHIFT, WEIGHT, Size
from fedaggregator.cli.app import app
from fedprotocol.car import MemoryLeaves
from fedprotocol.numbers import from_bytes, split_leaves
from fedprotocol.tree import TreeShape
from typer.testing import CliRunner


def run(folder: Path, *options: str) -> str:
    done = CliRunner().invoke(app, ["bench", "--repeats", "1", "--folder", str(folder), *options])
    assert done.exit_code == 0, done.output
    assert list(folder.iterdir()) == [], "files were left"
    return done.stdout


def expected_root(size: Size) -> str:
    """The result in floating point of 64 bits, which is exact for so few updates of 8 bits."""
    prior, *updates = (
        from_bytes(leaves.window(0, len(leaves)), bits)
        for leaves, bits in [
            (MadeLeaves(size.result, 0), 32),
            *((MadeLeaves(size.update, 1 + client), size.bits) for client in range(size.clients)),
        ]
    )
    weights = [WEIGHT + client for client in range(size.clients)]
    total = sum(float(w << SHIFT) * update for w, update in zip(weights, updates, strict=True))
    mean = np.sign(total) * np.floor(np.abs(total) / sum(weights) + 0.5)
    assert SERVER_LR == 1 << 16, "a step is the mean"
    new = np.clip(prior + mean, -(2**31), 2**31 - 1).astype(np.int32)
    return MemoryLeaves(split_leaves(new, size.leaf_values)).root.hex()


@pytest.mark.parametrize("bits", [8, 16])
def test_what_is_measured_is_an_aggregation(tmp_path: Path, bits: int) -> None:
    options = ["--values", "3000", "--leaf-values", "64", "--clients", "3", "--bits", str(bits), "--json"]
    [found] = json.loads(run(tmp_path, *options))
    assert found["root"] == expected_root(Size(3000, 3, 64, bits))
    assert found["seconds"].keys() == {"verify", "merge", "write", "to disk"}
    assert all(seconds > 0 for seconds in found["seconds"].values())
    assert found["peak_bytes"] is None or found["peak_bytes"] > 10 << 20


def test_the_table_has_a_line_for_each_size(tmp_path: Path) -> None:
    sizes = ["--values", "1000", "--values", "2000", "--leaf-values", "32", "--leaf-values", "64"]
    printed = run(tmp_path, *sizes, "--clients", "2")
    assert [line.split()[:2] for line in printed.splitlines()[1:5]] == [
        ["1,000", "32"],
        ["1,000", "64"],
        ["2,000", "32"],
        ["2,000", "64"],
    ]


def test_made_leaves_are_a_tree_of_different_leaves() -> None:
    made = MadeLeaves(TreeShape(3000, 64), 7)
    again = MemoryLeaves([made[index] for index in range(len(made))])
    assert (made.root, made.digests(0, 3000)) == (again.root, again.digests(0, 3000))
    assert len({made[index] for index in range(len(made))}) == 3000
