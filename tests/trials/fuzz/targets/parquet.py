"""Parquet: pages, then a Thrift document that says where they lie, then its length."""

from __future__ import annotations

import io
from collections.abc import Iterator
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from fednode.data import DataError, Table

from fuzz.mutations import bytes_or
from fuzz.target import Linear, Raw, Target
from fuzz.targets.rows import check, features, reader

MAGIC = b"PAR1"
TEXTS = {"prompt": ["a small rose", "é", None], "completion": [" red", " ", "y"], "domain": ["d", None, ""]}
MESSAGES = [
    [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}],
    None,
    [{"role": role, "content": "z"} for role in ("system", "user", "assistant", "user")],
]
ROW_BYTES = 256


def written(columns: dict[str, Any], **options: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, **{"store_schema": False, "write_statistics": False, **options})
    return out.getvalue()


def seeds() -> Iterator[bytes]:
    plain = {"compression": "none", "use_dictionary": False}
    delta = {"prompt": "DELTA_BYTE_ARRAY", "completion": "DELTA_LENGTH_BYTE_ARRAY"}
    yield written(TEXTS, compression="none")
    yield written(TEXTS, **plain, row_group_size=1)
    yield written(TEXTS, **plain, data_page_version="2.0", column_encoding=delta)
    yield written(TEXTS, compression="zstd", store_schema=True, write_statistics=True)
    yield written({"messages": MESSAGES, **TEXTS}, compression="none")
    yield written({"messages": MESSAGES}, **plain, data_page_version="2.0")
    yield written({"messages": pa.nulls(3), "prompt": pa.array(TEXTS["prompt"]).dictionary_encode()}, store_schema=True)
    yield written({"prompt": ["x"] * 2000, "completion": ["y"] * 2000}, compression="snappy")
    yield written({"prompt": ["x" * 4_000_000], "completion": ["y"]}, compression="zstd")


def by_parts(data: bytes, largest: int, rng: Random, raw: Raw) -> bytes | None:
    """Pages or footer changed, and the length after them made to fit."""
    end = len(data) - 8
    start = end - int.from_bytes(data[end:-4], "little")
    if end < 12 or not 4 <= start < end:
        return None
    pages, footer = data[4:start], data[start:end]
    if rng.random() < 0.5:
        at = rng.randrange(len(pages) + 1)
        piece = pages[at : at + rng.randrange(1, 40)]
        pages = pages[:at] + raw(piece, len(piece) or 1).ljust(len(piece), b"\0") + pages[at + len(piece) :]
    else:
        footer = raw(footer, largest - len(pages) - 12)
    return MAGIC + pages + footer + len(footer).to_bytes(4, "little") + MAGIC


def check_rows(data: bytes, table: Table) -> None:
    check(table, ((1 << 24) + 256 * len(data)) // ROW_BYTES + 1)


TARGET = Target(
    reader(".parquet"),
    errors=(DataError,),
    seeds=seeds,
    largest=1 << 12,
    memory=Linear(40 << 20, 1200),
    check=check_rows,
    features=features,
    mutate=bytes_or(by_parts, 0.8),
)
