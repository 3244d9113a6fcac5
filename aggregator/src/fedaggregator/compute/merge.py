"""Computes the next global from the accepted updates and the prior global, for a limited number of leaves at a time (a
window)."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fedprotocol.car import Leaves
from fedprotocol.errors import FedError
from fedprotocol.files.whole import written_whole
from fedprotocol.numbers import from_bytes, to_bytes
from fedprotocol.tree import TreeShape, leaf_digest

from fedaggregator.compute.garbage import Garbage, first_garbage
from fedaggregator.compute.leaf_file import LeafFile
from fedaggregator.rules.base import Rule, Sums

GLOBAL_BITS = 32


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
    window_leaves: int = 256,
    after_window: Callable[[], None] | None = None,
) -> LeafFile:
    """The next global, written leaf by leaf to `out`.

    It needs memory for one window of the rule's sums (FedAvg: int64) and one window of a client's mantissas, however
    many leaves there are. In addition there is one digest for each leaf, about 70 bytes while merging and 32 in the
    result.

    Args:
        rule: the Python version of the federation's rule.
        prior: the global on which the updates were trained; its leaves hold K int32, and each leaf of an update has
            `rule.parts` of them.
        contributions: the accepted updates in index order; their leaves hold K mantissas.
        bits: width of a mantissa, or of a masked value: one of `rule.bits`.
        server_lr: 1 .. 2^17, unit 2^-16.
        out: file for the leaves; it is replaced only once they are complete.
        window_leaves: leaves worked on at once, at least 1.
        after_window: called after every window; an exception from it ends the merge and passes through.

    Raises:
        MergeError: no updates, or trees of different shapes.
        RuleError: a weight, shift or server_lr out of range.
        Garbage: see there; `out` is not written.
    """
    shape = _checked_shape(rule, prior, contributions, bits)
    window_leaves = max(1, window_leaves)
    leaf_count = shape.leaf_count // rule.parts
    firsts = range(0, shape.leaf_count, leaf_count)  # first leaf of each part
    total_weight = sum(c.weight for c in contributions)
    digests = [b""] * shape.leaf_count
    with written_whole(out, synced=False) as file:
        for start in range(0, leaf_count, window_leaves):
            stop = min(start + window_leaves, leaf_count)
            sums = _sums(rule, contributions, start, stop, bits)
            if (garbage := first_garbage(rule, sums, total_weight)) is not None:
                raise Garbage(start + garbage)
            before = b"".join(_window(prior, first + start, first + stop) for first in firsts)
            values = from_bytes(before, GLOBAL_BITS).reshape(rule.parts, stop - start, -1)
            data = to_bytes(rule.finish(sums, values, total_weight, server_lr))
            size = (stop - start) * shape.leaf_bytes
            for part, first in enumerate(firsts):
                file.seek((first + start) * shape.leaf_bytes)
                file.write(data[part * size : (part + 1) * size])
                for leaf in range(stop - start):
                    at = part * size + leaf * shape.leaf_bytes
                    digests[first + start + leaf] = leaf_digest(data[at : at + shape.leaf_bytes])
            if after_window is not None:
                after_window()
    return LeafFile(out, shape, digests)


def _sums(rule: Rule, contributions: Sequence[Contribution], start: int, stop: int, bits: int) -> Sums:
    def add(sums: Sums | None, contribution: Contribution) -> Sums:
        mantissas = from_bytes(_window(contribution.leaves, start, stop), bits).reshape(stop - start, -1)
        return rule.accumulate(sums, mantissas, contribution.weight, contribution.shift)

    first, *others = contributions
    return functools.reduce(add, others, add(None, first))


def _window(leaves: Leaves, start: int, stop: int) -> bytes:
    return b"".join(leaves[index] for index in range(start, stop))


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
