"""The index of a CAR: one entry for each leaf, in order, with the offset of its bytes in the CAR and its digest."""

from __future__ import annotations

import hashlib
import struct
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from fedprotocol.tree import DIGEST_BYTES

INDEX_ENTRY = struct.Struct(f">Q{DIGEST_BYTES}s")
"""One entry: 8 bytes of the offset, highest first, and the digest."""

ENTRIES = np.dtype([("offset", ">u8"), ("digest", f"V{DIGEST_BYTES}")])
"""The same for arrays of entries."""


class IndexWriter:
    """Writes an index piece by piece."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._hash = hashlib.sha256()

    @property
    def digest(self) -> bytes:
        """The SHA-256 of what was written so far."""
        return self._hash.digest()

    def leaf(self, offset: int, digest: bytes) -> None:
        self._write(INDEX_ENTRY.pack(offset, digest))

    def leaves(self, offsets: NDArray[np.int64], digests: bytes) -> None:
        """The entries of several leaves; `digests` stand one after the other."""
        entries = np.empty(len(offsets), ENTRIES)
        entries["offset"] = offsets
        entries["digest"] = np.frombuffer(digests, ENTRIES["digest"])
        self._write(entries.tobytes())

    def _write(self, entries: bytes) -> None:
        self._out.write(entries)
        self._hash.update(entries)
