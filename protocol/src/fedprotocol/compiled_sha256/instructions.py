"""SHA-256 by the processor's own instructions for it (Intel, "New Instructions Supporting the Secure Hash Algorithm",
2013; every AMD since Zen, Intel's since Ice Lake).

One block keeps these instructions busy for half of the time only, because each waits for the one before: two blocks are
hashed side by side.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from fedprotocol.compiled_sha256.constants import CONSTANTS

LANES = 2

PLACES = np.array([[8 * lane + place for lane in range(LANES)] for place in (3, 2, 7, 6, 1, 0, 5, 4)])
"""Where the state has each word of a lane: the instructions take F, E, B, A in one vector and H, G, D, C in another."""

_WORD = ir.IntType(32)
_VECTOR = ir.VectorType(_WORD, 4)
_BYTES = ir.VectorType(ir.IntType(8), 16)


class _Block:
    """One block's state and message, in the hands of a function that is being written."""

    def __init__(self, builder: Any, state: Any, start: Any) -> None:
        self._builder = builder
        self._places = [self._vector_at(builder.add(state, _int64(offset))) for offset in (0, 16)]
        self.before = [self._load(place) for place in self._places]
        self.abef, self.cdgh = self.before
        words = [self._load(self._vector_at(builder.add(start, _int64(16 * i)))) for i in range(4)]
        self.message = [self._big_endian(vector) for vector in words]

    def four_rounds(self, number: int) -> None:
        """Rounds 4 `number` to 4 `number` + 3."""
        builder, w = self._builder, self.message
        if number >= 4:
            nearer = builder.shuffle_vector(w[2], w[3], _lanes(1, 2, 3, 4))
            w.append(self._call("sha256msg2", builder.add(self._call("sha256msg1", w[0], w[1]), nearer), w[3]))
            del w[0]
            added = w[3]
        else:
            added = w[number]
        sums = builder.add(added, ir.Constant(_VECTOR, CONSTANTS[4 * number : 4 * number + 4]))
        self.cdgh = self._call("sha256rnds2", self.cdgh, self.abef, sums)
        upper = builder.shuffle_vector(sums, sums, _lanes(2, 3, 0, 0))
        self.abef = self._call("sha256rnds2", self.abef, self.cdgh, upper)

    def store(self) -> None:
        for place, old, new in zip(self._places, self.before, (self.abef, self.cdgh), strict=True):
            self._builder.store(self._builder.add(old, new), place).align = 1

    def _vector_at(self, address: Any) -> Any:
        return self._builder.inttoptr(address, _VECTOR.as_pointer())

    def _load(self, place: Any) -> Any:
        loaded = self._builder.load(place)
        loaded.align = 1
        return loaded

    def _big_endian(self, vector: Any) -> Any:
        turned = _lanes(*(4 * (i // 4) + 3 - i % 4 for i in range(16)))
        as_bytes = self._builder.bitcast(vector, _BYTES)
        return self._builder.bitcast(self._builder.shuffle_vector(as_bytes, as_bytes, turned), _VECTOR)

    def _call(self, name: str, *arguments: Any) -> Any:
        kind = ir.FunctionType(_VECTOR, [_VECTOR] * len(arguments))
        return self._builder.call(
            cgutils.get_or_insert_function(self._builder.module, kind, f"llvm.x86.{name}"), arguments
        )


@intrinsic  # type: ignore[untyped-decorator]
def take_in(_context: Any, state: Any, chunks: Any, offset: Any) -> Any:  # noqa: ARG001 - numba names its arguments after these
    """See `vectors.take_in`."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        state_at, chunks_at, offset = arguments
        addresses = builder.inttoptr(chunks_at, ir.IntType(64).as_pointer())
        starts = [builder.load(builder.gep(addresses, [ir.Constant(_WORD, lane)])) for lane in range(LANES)]
        blocks = [
            _Block(builder, builder.add(state_at, _int64(32 * lane)), builder.add(start, offset))
            for lane, start in enumerate(starts)
        ]
        for number in range(16):
            for block in blocks:
                block.four_rounds(number)
        for block in blocks:
            block.store()
        return context.get_dummy_value()

    return types.void(types.uintp, types.uintp, types.intp), generate


def _int64(value: int) -> Any:
    return ir.Constant(ir.IntType(64), value)


def _lanes(*numbers: int) -> Any:
    return ir.Constant(ir.VectorType(_WORD, len(numbers)), numbers)
