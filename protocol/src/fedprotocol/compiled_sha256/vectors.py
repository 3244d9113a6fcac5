"""SHA-256 of sixteen blocks at a time (FIPS 180-4): each lane of a vector belongs to one block. LLVM makes instructions
of any width from these vectors (AVX-512, AVX2, SSE2)."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from fedprotocol.compiled_sha256.constants import CONSTANTS

LANES = 16

PLACES = np.arange(8 * LANES).reshape(8, LANES)
"""Where the state has each word of a lane."""

_WORD = ir.IntType(32)
_VECTOR = ir.VectorType(_WORD, LANES)


class _Vectors:
    """Operations on vectors, in the names of FIPS 180-4, 4.1.2."""

    def __init__(self, builder: Any) -> None:
        self._builder = builder
        self._rotate, self._swap = (
            cgutils.get_or_insert_function(
                builder.module, ir.FunctionType(_VECTOR, [_VECTOR] * arguments), f"llvm.{name}.v{LANES}i32"
            )
            for name, arguments in (("fshr", 3), ("bswap", 1))
        )

    def load(self, address: Any) -> Any:
        loaded = self._builder.load(self._builder.inttoptr(address, _VECTOR.as_pointer()))
        loaded.align = 1
        return loaded

    def store(self, vector: Any, address: Any) -> None:
        self._builder.store(vector, self._builder.inttoptr(address, _VECTOR.as_pointer())).align = 1

    def big_endian(self, x: Any) -> Any:
        return self._builder.call(self._swap, [x])

    def transposed(self, rows: list[Any]) -> list[Any]:
        """Vector i of the result has element i of each row. Ever smaller squares change places."""
        rows, size = list(rows), LANES // 2
        while size:
            second = range(LANES, 2 * LANES)  # the lanes of the second of two vectors, as a shuffle counts them
            upper = [second[lane - size] if lane & size else lane for lane in range(LANES)]
            lower = [second[lane] if lane & size else lane + size for lane in range(LANES)]
            masks = [ir.Constant(_VECTOR, lanes) for lanes in (upper, lower)]
            for i in range(LANES):
                if not i & size:
                    pair = rows[i], rows[i + size]
                    rows[i], rows[i + size] = (self._builder.shuffle_vector(*pair, mask) for mask in masks)
            size //= 2
        return rows

    def plus(self, first: Any, *others: Any) -> Any:
        for other in others:
            first = self._builder.add(first, other)
        return first

    def constant(self, value: int) -> Any:
        return ir.Constant(_VECTOR, [value] * LANES)

    def sigma(self, x: Any, first: int, second: int, third: int, shift: bool = False) -> Any:
        """The exclusive or of three rotations to the right, of which the last may be a shift."""
        turned = [self._builder.call(self._rotate, [x, x, self.constant(by)]) for by in (first, second)]
        last = (
            self._builder.lshr(x, self.constant(third))
            if shift
            else self._builder.call(self._rotate, [x, x, self.constant(third)])
        )
        return self._builder.xor(self._builder.xor(*turned), last)

    def ch(self, x: Any, y: Any, z: Any) -> Any:
        return self._builder.xor(z, self._builder.and_(x, self._builder.xor(y, z)))

    def maj(self, x: Any, y: Any, z: Any) -> Any:
        return self._builder.or_(self._builder.and_(x, y), self._builder.and_(z, self._builder.or_(x, y)))


@intrinsic  # type: ignore[untyped-decorator]
def take_in(_context: Any, state: Any, chunks: Any, offset: Any) -> Any:  # noqa: ARG001 - numba names its arguments after these
    """One chunk of each block (FIPS 180-4, 6.2.2). `state`: address of uint32 [8, LANES]; `chunks`: address of the
    LANES addresses of the blocks (int64); `offset`: of the chunk in its block."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        state_at, chunks_at, offset = arguments
        v = _Vectors(builder)
        step, size = ir.IntType(64), 4 * LANES
        addresses = builder.inttoptr(chunks_at, step.as_pointer())
        starts = [builder.load(builder.gep(addresses, [ir.Constant(_WORD, lane)])) for lane in range(LANES)]
        w = v.transposed([v.big_endian(v.load(builder.add(start, offset))) for start in starts])
        words = [builder.add(state_at, ir.Constant(state_at.type, size * i)) for i in range(8)]
        before = [v.load(word) for word in words]
        a, b, c, d, e, f, g, h = before
        for t, constant in enumerate(CONSTANTS):
            if t >= 16:
                s0, s1 = (
                    v.sigma(w[(t - 15) % 16], 7, 18, 3, shift=True),
                    v.sigma(w[(t - 2) % 16], 17, 19, 10, shift=True),
                )
                w[t % 16] = v.plus(w[t % 16], s0, w[(t - 7) % 16], s1)
            t1 = v.plus(h, v.sigma(e, 6, 11, 25), v.ch(e, f, g), v.constant(constant), w[t % 16])
            t2 = v.plus(v.sigma(a, 2, 13, 22), v.maj(a, b, c))
            h, g, f, e, d, c, b, a = g, f, e, v.plus(d, t1), c, b, a, v.plus(t1, t2)
        for word, old, new in zip(words, before, (a, b, c, d, e, f, g, h), strict=True):
            v.store(v.plus(old, new), word)
        return context.get_dummy_value()

    return types.void(types.uintp, types.uintp, types.intp), generate
