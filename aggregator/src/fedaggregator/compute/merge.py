"""Computes the next global from the accepted updates and the prior global, for a limited number of leaves at a time (a
window)."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from fedprotocol import compiled
from fedprotocol.car import Leaves
from fedprotocol.errors import FedError
from fedprotocol.files.whole import written_whole
from fedprotocol.levels import digests as block_digests
from fedprotocol.numbers import from_bytes, to_bytes
from fedprotocol.tree import DIGEST_BYTES, TreeShape

from fedaggregator.compute.garbage import Garbage, first_garbage
from fedaggregator.compute.in_order import in_order
from fedaggregator.compute.leaf_file import LeafFile
from fedaggregator.rules.base import Rule, Sums
from fedaggregator.rules.weighted_sums import LOOPS

GLOBAL_BITS = 32
WINDOW_VALUES = 1 << 19
"""Values that are worked on at once, by default: their sums have four megabytes."""

MOST_WORKERS = 4
WORKER_BYTES = 4 << 20
"""With fewer bytes for each thread, waiting for each other takes longer than the work."""


class MergeError(FedError):
    """The inputs do not have the shape of one federation; the message says which one."""


@dataclass(frozen=True)
class Contribution:
    """One accepted update: its leaves, and the weight and shift with which it was revealed."""

    leaves: Leaves
    weight: int
    shift: int


def merge(
    rule: Rule,
    prior: Leaves,
    contributions: Sequence[Contribution],
    bits: int,
    server_lr: int,
    out: Path,
    window_leaves: int = 0,
    after_window: Callable[[], None] | None = None,
) -> LeafFile:
    """The next global, written leaf by leaf to `out`.

    It needs memory for a window of the rule's sums (FedAvg: int64) and a window of a client's mantissas for each of the
    processor's cores that work on it, however many leaves there are. In addition there is one digest of 32 bytes for
    each leaf.

    Args:
        rule: the Python version of the federation's rule.
        prior: the global on which the updates were trained; its leaves hold K int32, and each leaf of an update has
            `rule.parts` of them.
        contributions: the accepted updates in index order; their leaves hold K mantissas.
        bits: width of a mantissa, or of a masked value: one of `rule.bits`.
        server_lr: 1 .. 2^17, unit 2^-16.
        out: file for the leaves; it is replaced only once they are complete.
        window_leaves: leaves worked on at once; 0: as many as have half a million values, or fewer, for each core to
            have some.
        after_window: called after every window, by the caller's thread; an exception from it ends the merge and passes
            through.

    Raises:
        MergeError: no updates, or trees of different shapes.
        RuleError: a weight, shift or server_lr out of range.
        Garbage: see there; `out` is not written.
    """
    shape = _checked_shape(rule, prior, contributions, bits)
    leaf_count = shape.leaf_count // rule.parts
    workers = workers_for(sum(c.leaves.shape.leaf_count * c.leaves.shape.leaf_bytes for c in contributions))
    most = WINDOW_VALUES * GLOBAL_BITS // 8 // shape.leaf_bytes
    window = window_leaves or max(1, min(most, leaf_count // (2 * workers)))  # small or not, all workers have some
    firsts = range(0, shape.leaf_count, leaf_count)  # first leaf of each part
    digests = bytearray(shape.leaf_count * DIGEST_BYTES)

    def compute(start: int) -> tuple[bytes, bytes]:
        data = merged_window(rule, prior, contributions, bits, server_lr, start, min(start + window, leaf_count))
        return data, block_digests(data, shape.leaf_bytes)

    starts = range(0, leaf_count, window)
    with closing(in_order(compute, starts, workers)) as windows, written_whole(out, synced=False) as file:
        for start, (data, own) in zip(starts, windows, strict=True):
            for at, first in enumerate(firsts):
                place, count = first + start, len(own) // DIGEST_BYTES // rule.parts
                file.seek(place * shape.leaf_bytes)
                file.write(_nth(data, at, count * shape.leaf_bytes))
                digests[place * DIGEST_BYTES : (place + count) * DIGEST_BYTES] = _nth(own, at, count * DIGEST_BYTES)
            if after_window is not None:
                after_window()
    return LeafFile(out, shape, bytes(digests))


def merged_window(
    rule: Rule,
    prior: Leaves,
    contributions: Sequence[Contribution],
    bits: int,
    server_lr: int,
    start: int,
    stop: int,
) -> bytes:
    """Leaves `start` to `stop` of each part of the next global, part after part. They follow from the same leaves of
    the updates and of the prior alone, so any worker that can read these can compute them, and the whole is what
    windows make up in any order. Arguments and errors are those of `merge`."""
    total_weight, leaf_count = sum(c.weight for c in contributions), prior.shape.leaf_count
    sums = _sums(rule, contributions, start, stop, bits)
    if (garbage := first_garbage(rule, sums, total_weight)) is not None:
        raise Garbage(start + garbage)
    firsts = range(0, leaf_count, leaf_count // rule.parts)
    before = b"".join(prior.window(first + start, first + stop) for first in firsts)
    values = from_bytes(before, GLOBAL_BITS).reshape(rule.parts, stop - start, -1)
    return to_bytes(rule.finish(sums, values, total_weight, server_lr))


def _nth(data: bytes, index: int, size: int) -> memoryview:
    return memoryview(data)[index * size : (index + 1) * size]


def workers_for(size: int) -> int:
    """How many threads work on updates of `size` bytes in all: only one for a few bytes, or where no loop is compiled,
    because all others hold the interpreter's lock."""
    compiled.expect(size)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(MOST_WORKERS, cores, max(1, size // WORKER_BYTES)) if compiled.module(LOOPS) is not None else 1


def _sums(rule: Rule, contributions: Sequence[Contribution], start: int, stop: int, bits: int) -> Sums:
    def add(sums: Sums | None, contribution: Contribution) -> Sums:
        mantissas = from_bytes(contribution.leaves.window(start, stop), bits).reshape(stop - start, -1)
        return rule.accumulate(sums, mantissas, contribution.weight, contribution.shift)

    first, *others = contributions
    return functools.reduce(add, others, add(None, first))


def _checked_shape(rule: Rule, prior: Leaves, contributions: Sequence[Contribution], bits: int) -> TreeShape:
    """The shape of the prior, which is also the shape of the next global."""
    if bits not in rule.bits:
        widths = " or ".join(str(width) for width in rule.bits)
        raise MergeError(f"{rule.name} takes values of {widths} bits, not of {bits}")
    if not contributions:
        raise MergeError("there are no accepted updates to merge")
    if prior.shape.leaf_count % rule.parts:
        raise MergeError(f"a prior of {prior.shape.leaf_count} leaves has not {rule.parts} parts, as {rule.name} needs")
    expected = TreeShape(prior.shape.leaf_count // rule.parts, prior.shape.leaf_bytes * bits // GLOBAL_BITS)
    for contribution in contributions:
        if contribution.leaves.shape != expected:
            raise MergeError(
                f"update {contribution.leaves.root.hex()} has shape {contribution.leaves.shape}, "
                f"the prior global needs {expected}"
            )
    return prior.shape
