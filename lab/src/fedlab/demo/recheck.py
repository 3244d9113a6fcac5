"""Check an audit bundle with nothing but its files. None of the code that made it is used, only NumPy, SHA-256 and the
formulas of `tools/recheck.py`, which is a program apart.

    python -m fedlab.demo.recheck runs/<run>/audit/<round>

The bundle is what `fednode audit` writes: round.json, prior.car, update-<index>.car, global.car.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from functools import cache
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from fedprotocol.errors import FedError
from fedprotocol.program.terminal import run_program, say_error
from numpy.typing import NDArray

from fedlab.demo.options import find_root

RAW, DAG_CBOR = 0x55, 0x71
MASKED_BITS = 32  # of a value whose update is masked
LINK_BYTES = 41  # d82a 5825 00 01 <codec> 12 20 <digest>


class BundleWrong(FedError):
    """The bundle is damaged, or its global does not follow from its inputs."""


def recheck(bundle: Path) -> str:
    """Recompute the round's global from the prior and the accepted updates; returns its root, 0x-hex.

    Raises: BundleWrong naming the file or the first value that is wrong.
    """
    try:
        facts: dict[str, Any] = json.loads((bundle / "round.json").read_text(encoding="utf-8"))
        formulas = _formulas()
        rule, parts = formulas.RULES.get(facts["rule"]), formulas.PARTS.get(facts["rule"], 1)
        if rule is None:
            raise BundleWrong(f"{bundle}: this knows the rules {', '.join(formulas.RULES)}, not {facts['rule']!r}")
        width = {8: ">i1", 16: ">i2", MASKED_BITS: ">i4"}[facts["mantissa_bits"]]
        of_rule = facts["server_lr"], facts.get("scale", 0), facts.get("bound", 0)
        prior = _leaf_values(bundle / "prior.car", facts["prior_root"], ">i4", facts, parts)
        claimed = _leaf_values(bundle / "global.car", facts["global_root"], ">i4", facts, parts)
        mantissas, counted = [], []
        for update in facts["updates"]:
            values = _leaf_values(bundle / f"update-{update['index']}.car", update["root"], width, facts)[0]
            if update["accepted"]:
                mantissas.append(values)
                counted.append(update)
        weights, shifts = (np.array([[update[key]] for update in counted], np.int64) for key in ("weight", "shift"))
        if not weights.sum():
            raise BundleWrong(f"{bundle}: the accepted updates have no weight")
        expected = np.empty_like(claimed)
        for leaf in range(claimed.shape[1]):
            own = np.stack([values[leaf] for values in mantissas])
            try:
                expected[:, leaf] = rule(formulas.Leaf(prior[:, leaf], own, shifts, weights, *of_rule))
            except formulas.Garbage as garbage:
                raise BundleWrong(
                    f"{bundle}: the sum of all updates at leaf {leaf} is out of range: {garbage}"
                ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BundleWrong(f"{bundle}: it is not a whole audit bundle: {error!r}") from error
    wrong = np.argwhere(expected != claimed)
    if len(wrong):
        part, leaf, at = map(int, wrong[0])
        values = facts["leaf_values"]
        where = f"value {leaf * values + at}" + (f" of part {part}" if part else "")
        raise BundleWrong(
            f"{bundle}: {len(wrong)} of {parts * facts['value_count']} values of the global are wrong, the first is "
            f"{where} (leaf {leaf}): {claimed[part, leaf, at]} instead of {expected[part, leaf, at]}"
        )
    return str(facts["global_root"])


@cache
def _formulas() -> ModuleType:
    """`tools/recheck.py` of the checkout."""
    loader = SourceFileLoader("fedlab_recheck_formulas", str(find_root(Path.cwd()) / "tools/recheck.py"))
    module = ModuleType(loader.name)
    loader.exec_module(module)
    return module


def _leaf_values(car: Path, root: str, dtype: str, facts: dict[str, Any], parts: int = 1) -> NDArray[np.int64]:
    """The values under `root`, int64 [parts, leaves, K]; every block's digest is checked, and the padding, but for
    masked rounds: masks hide it too."""
    data = b"".join(_leaves(_blocks(car), bytes.fromhex(root.removeprefix("0x")), car))
    values = np.frombuffer(data, dtype).astype(np.int64)
    count, leaf_values = facts["value_count"], facts["leaf_values"]
    leaves = max(2, -(-count // leaf_values))
    if len(values) != parts * leaves * leaf_values:
        raise BundleWrong(f"{car}: {len(values)} values in it do not fit value_count {count}")
    whole = values.reshape(parts, -1)
    if facts["mantissa_bits"] != MASKED_BITS and np.any(whole[:, count:]):
        raise BundleWrong(f"{car}: the padding after value {count} is not zero")
    return whole.reshape(parts, leaves, leaf_values)


def _blocks(car: Path) -> dict[bytes, bytes]:
    """The blocks of a CAR v1 by digest."""
    data = car.read_bytes()
    length, position = _varint(data, 0)
    position += length  # the header is not used: only the root from which one starts counts
    blocks: dict[bytes, bytes] = {}
    while position < len(data):
        length, position = _varint(data, position)
        section, position = data[position : position + length], position + length
        digest, block = section[4:36], section[36:]
        if len(section) != length or section[:1] != b"\x01" or section[2:4] != b"\x12\x20":
            raise BundleWrong(f"{car}: it ends in the middle of a block, or holds one that is not sha2-256")
        if hashlib.sha256(block).digest() != digest:
            raise BundleWrong(f"{car}: the block with digest {digest.hex()} holds something else")
        blocks[digest] = block
    return blocks


def _leaves(blocks: dict[bytes, bytes], root: bytes, car: Path) -> list[bytes]:
    found: list[bytes] = []
    stack = [(DAG_CBOR, root)]
    while stack:
        codec, digest = stack.pop()
        block = blocks.get(digest)
        if block is None:
            raise BundleWrong(f"{car}: the block with digest {digest.hex()} is missing")
        if codec == RAW:
            found.append(block)
            continue
        if len(block) != 1 + 2 * LINK_BYTES or block[0] != 0x82:
            raise BundleWrong(f"{car}: the block with digest {digest.hex()} is no node of two links")
        links = (block[1 : 1 + LINK_BYTES], block[1 + LINK_BYTES :])
        stack += [(link[6], link[9:]) for link in reversed(links)]
    return found


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value, shift = 0, 0
    while True:
        if position >= len(data) or shift > 63:
            raise BundleWrong("a CAR file ends in the middle of a length")
        byte = data[position]
        value, shift, position = value | (byte & 0x7F) << shift, shift + 7, position + 1
        if byte < 0x80:
            return value, position


def main(arguments: Sequence[str]) -> int:
    """Exit status of `python -m fedlab.demo.recheck DIR…`."""
    if not arguments:
        print("usage: python -m fedlab.demo.recheck runs/<run>/audit/<round> …", file=sys.stderr)
        return 2
    status = 0
    for argument in arguments:
        try:
            print(f"{argument}: right, {recheck(Path(argument))}")
        except BundleWrong as error:
            say_error(error)
            status = error.exit_code
    return status


if __name__ == "__main__":
    run_program(lambda: sys.exit(main(sys.argv[1:])))
